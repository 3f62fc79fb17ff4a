"""The way from a change list to a schedule of an operation on what it shows."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _

from console.admin.actions import may_start
from console.admin.base import Part
from console.admin.links import new_schedule_url
from console.operations import operations_of
from console.schedules import store


class SchedulePart(Part):
    """The part of `OperationsMixin` that leads to the editor of schedules."""

    def schedule_buttons(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return (text, address) of a new schedule for the list as it is filtered; none for who may not make one."""
        site = self.admin_site
        if self.actions is None or not site.is_registered(store.MODEL):
            return []
        if not site.get_model_admin(store.MODEL).has_add_permission(request):
            return []
        if not any(one.selection is not None and may_start(request, one) for one in operations_of(self.model)):
            return []
        address = new_schedule_url(site, self.model, request.META.get("QUERY_STRING", ""))
        return [(_("Schedule…"), address)] if address else []
