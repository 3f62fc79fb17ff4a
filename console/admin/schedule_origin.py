"""Which schedule started a run, for those who may see schedules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from console.admin.links import schedule_url
from console.models import Run, Slot
from console.schedules import store

SOURCE = "schedule"
COLUMNS = ("run", "schedule__task", "schedule__task__name")


def origins(site: AdminSite, request: HttpRequest, runs: Iterable[Run]) -> dict[int, SafeString]:
    """Return by run the schedule that started it, as a link; nothing for who may not see schedules. One query, if any."""
    started = [run.pk for run in runs if run.source == SOURCE]
    if not started or not _sees_schedules(site, request):
        return {}
    found: Iterable[Any] = Slot.objects.filter(run__in=started).values_list(*COLUMNS).order_by()
    return {
        run: format_html('<a href="{}"><bdi>{}</bdi></a>', schedule_url(site, task), name) for run, task, name in found
    }


def _sees_schedules(site: AdminSite, request: HttpRequest) -> bool:
    if not site.is_registered(store.MODEL):
        return False
    return bool(site.get_model_admin(store.MODEL).has_view_or_change_permission(request))
