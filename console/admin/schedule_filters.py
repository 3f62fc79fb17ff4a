"""The filters of the list of schedules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.admin.schedule_list import OVERDUE
from console.models import Schedule, Slot
from console.operations.registry import operations

Tasks = QuerySet[Any]


class OnFilter(SimpleListFilter):
    """On, off, overdue."""

    title = gettext_lazy("whether it is on")
    parameter_name = "is"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, Any]]:
        """Return the choices."""
        return [("on", _("On")), ("off", _("Off")), ("overdue", _("Overdue")), ("problem", _("Cannot be reckoned"))]

    def queryset(self, request: HttpRequest, queryset: Tasks) -> Tasks:
        """Return the schedules that are so."""
        match self.value():
            case "on" | "off":
                return queryset.filter(enabled=self.value() == "on")
            case "overdue":
                return queryset.filter(console_schedule__next_at__lt=timezone.now() - timedelta(seconds=OVERDUE))
            case "problem":
                return queryset.filter(console_schedule__isnull=False).exclude(console_schedule__problem="")
        return queryset


class LastFilter(SimpleListFilter):
    """By what became of the last time."""

    title = gettext_lazy("its last time")
    parameter_name = "last"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, Any]]:
        """Return the choices."""
        return Slot.Outcome.choices

    def queryset(self, request: HttpRequest, queryset: Tasks) -> Tasks:
        """Return the schedules whose last time came out so."""
        if self.value() not in Slot.Outcome.values:
            return queryset
        newest = Slot.objects.filter(schedule=OuterRef("console_schedule")).order_by("-at").values("outcome")
        found: Tasks = queryset.annotate(console_last=Subquery(newest[:1])).filter(console_last=self.value())
        return found


class OperationFilter(SimpleListFilter):
    """By operation; plain Celery tasks have none."""

    title = gettext_lazy("operation")
    parameter_name = "operation"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, Any]]:
        """Return the operations that are on a schedule."""
        used = set(Schedule.objects.order_by().values_list("operation", flat=True).distinct())
        labels = {operation.name: f"{operation.label} ({operation.name})" for operation in operations()}
        named = [(name, labels.get(name, name)) for name in sorted(used)]
        return [*named, ("none", _("Plain Celery tasks"))]

    def queryset(self, request: HttpRequest, queryset: Tasks) -> Tasks:
        """Return the schedules of the chosen operation."""
        if self.value() == "none":
            return queryset.filter(console_schedule=None)
        return queryset.filter(console_schedule__operation=self.value()) if self.value() else queryset


class OwnerFilter(SimpleListFilter):
    """By owner."""

    title = gettext_lazy("owner")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, Any]]:
        """Return me, and the first of the others."""
        users: Any = get_user_model()
        owners = users._default_manager.filter(pk__in=Schedule.objects.values("owner")).exclude(pk=request.user.pk)
        return [("me", _("Me")), *((str(owner.pk), str(owner)) for owner in owners.order_by("pk")[:30])]

    def queryset(self, request: HttpRequest, queryset: Tasks) -> Tasks:
        """Return the schedules that act for them."""
        value = str(request.user.pk) if self.value() == "me" else self.value() or ""
        return queryset.filter(console_schedule__owner=value) if value.isdecimal() else queryset


FILTERS = (OnFilter, LastFilter, OperationFilter, OwnerFilter)
