"""Which schedule started a run, for those who may see schedules."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from console.admin.links import schedule_url
from console.models import Run, Slot
from console.schedules import store

SOURCE = "schedule"


def origin(site: AdminSite, request: HttpRequest, run: Run) -> SafeString | str:
    """Return the schedule that started a run, as a link; nothing for who may not see schedules."""
    if run.source != SOURCE or not _sees_schedules(site, request):
        return ""
    slot: Any = Slot.objects.filter(run=run).values_list("schedule__task", "schedule__task__name").first()
    return _link(site, *slot) if slot else ""


def with_origins(site: AdminSite, request: HttpRequest, runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return the runs with what `origin_in_list` shows, read with them: the list of runs is read in few queries."""
    if not _sees_schedules(site, request):
        return runs
    slot = Slot.objects.filter(run=OuterRef("pk"))
    return runs.annotate(
        console_task=Subquery(slot.values("schedule__task")[:1]),
        console_schedule=Subquery(slot.values("schedule__task__name")[:1]),
    )


def origin_in_list(site: AdminSite, run: Any) -> SafeString | str:
    """Return the schedule that started a run read by `with_origins`, as a link."""
    task = getattr(run, "console_task", None)
    return _link(site, task, run.console_schedule) if task else ""


def _link(site: AdminSite, task: int, name: str) -> SafeString:
    return format_html('<a href="{}"><bdi>{}</bdi></a>', schedule_url(site, task), name)


def _sees_schedules(site: AdminSite, request: HttpRequest) -> bool:
    if not site.is_registered(store.MODEL):
        return False
    return bool(site.get_model_admin(store.MODEL).has_view_or_change_permission(request))
