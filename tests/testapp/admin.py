"""Two admin sites on which not everybody sees every note: one limits the query, one asks object by object."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

from console.admin import OperationsMixin, RunAdmin
from console.models import Run
from notes.models import Note

tenants = admin.AdminSite(name="tenants")
guarded = admin.AdminSite(name="guarded")


@admin.register(Note, site=tenants)
class TenantNotes(OperationsMixin, admin.ModelAdmin):
    """Shows a person the notes of their own, and superusers all."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the notes of the tenant, as multi-tenant projects do."""
        notes = super().get_queryset(request)
        return notes if request.user.is_superuser else notes.filter(author=request.user.pk)


@admin.register(Note, site=guarded)
class GuardedNotes(OperationsMixin, admin.ModelAdmin):
    """Asks the authentication backends for each object, as django-guardian and rules are used."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may see notes, or this note."""
        return super().has_view_permission(request, obj) and (
            obj is None or request.user.has_perm("notes.view_note", obj)
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may change notes, or this note."""
        return super().has_change_permission(request, obj) and (
            obj is None or request.user.has_perm("notes.change_note", obj)
        )


class People(OperationsMixin, admin.ModelAdmin):
    """Users, whose notes forget them when they are deleted."""


for site in (tenants, guarded):
    site.register(Run, RunAdmin)
    site.register(User, People)
