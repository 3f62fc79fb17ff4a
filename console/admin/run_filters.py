"""The filters of the list of runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from console.models import Run
from console.operations.registry import operations
from console.reports.attention import active, attention
from console.states import State

Runs = QuerySet[Run]


class StateFilter(SimpleListFilter):
    """By what needs somebody, what is active, and each state."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, Any]]:
        """Return the choices."""
        return [("attention", _("Needs attention")), ("active", _("Active")), *State.choices]

    def queryset(self, request: HttpRequest, queryset: Runs) -> Runs:
        """Return the runs of the chosen state."""
        value = self.value()
        if value == "attention":
            return attention(queryset, request.user)
        if value == "active":
            return active(queryset)
        return queryset.filter(state=value) if value in State.values else queryset


class OperationFilter(SimpleListFilter):
    """By operation, of those that the code has."""

    title = gettext_lazy("operation")
    parameter_name = "operation"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, Any]]:
        """Return the choices, with the name where two share a label."""
        labels = Counter(str(operation.label) for operation in operations())
        return [
            (op.name, str(op.label) if labels[str(op.label)] == 1 else f"{op.label} ({op.name})") for op in operations()
        ]

    def queryset(self, request: HttpRequest, queryset: Runs) -> Runs:
        """Return the runs of the chosen operation."""
        return queryset.filter(operation=self.value()) if self.value() else queryset


class AskedByFilter(SimpleListFilter):
    """By who asked: me, people, schedules, code."""

    title = gettext_lazy("who asked")
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, Any]]:
        """Return the choices."""
        return [("me", _("Me")), ("people", _("People")), ("schedule", _("Schedules")), ("code", _("Code"))]

    def queryset(self, request: HttpRequest, queryset: Runs) -> Runs:
        """Return the runs that they asked for."""
        if self.value() == "me":
            return queryset.filter(asked_by=request.user.pk)
        if self.value() == "people":
            return queryset.filter(asked_by__isnull=False)
        if self.value() == "schedule":
            return queryset.filter(source="schedule")
        if self.value() == "code":
            return queryset.filter(source__in=("code", "shell"))
        return queryset


class WhenFilter(SimpleListFilter):
    """By when it was accepted."""

    title = pgettext_lazy("filter", "accepted")
    parameter_name = "when"
    spans = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, Any]]:
        """Return the choices."""
        return [("hour", _("In the last hour")), ("day", _("In the last 24 hours")), ("week", _("In the last 7 days"))]

    def queryset(self, request: HttpRequest, queryset: Runs) -> Runs:
        """Return the runs of that time."""
        span = self.spans.get(self.value() or "")
        return queryset.filter(accepted_at__gte=timezone.now() - span) if span else queryset


class DryRunFilter(SimpleListFilter):
    """Without the dry runs, or only them; all are shown unless somebody asks."""

    title = gettext_lazy("dry runs")
    parameter_name = "dry"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, Any]]:
        """Return the choices."""
        return [("only", _("Only dry runs")), ("none", _("Without dry runs"))]

    def queryset(self, request: HttpRequest, queryset: Runs) -> Runs:
        """Return the runs."""
        if self.value() not in {"only", "none"}:
            return queryset
        return queryset.filter(dry_run=self.value() == "only")


class ModelFilter(SimpleListFilter):
    """By the model a run works on; the object tool “Runs” of a model's list leads here."""

    title = gettext_lazy("model")
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Iterable[tuple[str, Any]]:
        """Return the models that have operations."""
        models = {operation.model for operation in operations() if operation.model is not None}
        return sorted((model._meta.label_lower, str(model._meta.verbose_name_plural)) for model in models)

    def queryset(self, request: HttpRequest, queryset: Runs) -> Runs:
        """Return the runs on objects of that model."""
        app_label, _dot, name = (self.value() or "").partition(".")
        if not name:
            return queryset
        try:  # by the key: with a join the database would not know how many runs there are
            return queryset.filter(content_type=ContentType.objects.get_by_natural_key(app_label, name))
        except ContentType.DoesNotExist:
            return queryset.none()


FILTERS = (StateFilter, OperationFilter, AskedByFilter, WhenFilter, DryRunFilter, ModelFilter)
