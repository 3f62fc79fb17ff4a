"""The dashboard: its page at ``/admin/console/``, the same as JSON for what is live on it, and the summary on the admin's index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from console.admin.access import RunModelAdmin, only, verbs_open
from console.admin.links import runs_url
from console.admin.sight import sight
from console.models import Heartbeat, Queue, Schedule
from console.monitoring import scene as scenes
from console.monitoring.findings import Severity
from console.monitoring.rules import LATE_SCHEDULE
from console.monitoring.scene import Scene
from console.monitoring.watching import listed
from console.reports import board
from console.reports.board import FailedGroup
from console.states import Verb

POLL_MS = 5000
LATE = 10  # schedules that are listed


@dataclass(frozen=True)
class QueueLine:
    """A queue on the dashboard; `latency` is in seconds, `came` and `went` are runs a minute."""

    queue: Queue
    runs: int
    oldest: Any
    latency: float | None
    came: float
    went: float
    workers: int


@dataclass(frozen=True)
class ProcessLine:
    """A worker or a scheduler on the dashboard."""

    beat: Heartbeat
    busy: int
    is_silent: bool


def is_open(request: HttpRequest) -> bool:
    """Tell whether the person may see the dashboard: with any permission of the console, as the menu entry."""
    return request.user.has_module_perms("console")


@only("GET")
def live(model_admin: RunModelAdmin, request: HttpRequest) -> HttpResponseBase:
    """Answer with what the page shows, drawn anew, and with the findings as plain values.

    Raises:
        Http404: The person may not see the dashboard.
    """
    if not is_open(request):
        raise Http404
    context = shown(request, model_admin.admin_site)
    answer = {
        "sentence": context["sentence"],
        "findings": [finding.as_json() for finding in context["findings"] if finding.cleared_at is None],
        "html": render_to_string("console/board.html", context, request=request),
        "poll_ms": POLL_MS,
        "server_time": timezone.now(),
    }
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


def shown(request: HttpRequest, site: AdminSite) -> dict[str, Any]:
    """Return what the dashboard's template needs, by a number of queries that nothing makes larger."""
    seen = sight(request, site)
    runs, scene, findings = seen.runs(), scenes.look(), listed(cleared=True)
    return {
        "sentence": board.headline(findings, runs),
        "findings": findings,
        "working": board.working(runs),
        "waiting": board.waiting(runs, scene, seen),
        "failures": [(group, _retry_url(request, site, group)) for group in board.failures(runs, seen)],
        "queues": _queues(scene),
        "workers": _processes(scene, Heartbeat.Kind.WORKER),
        "schedulers": _processes(scene, Heartbeat.Kind.SCHEDULER),
        "late_schedules": _late_schedules(scene) if request.user.has_module_perms("django_celery_beat") else [],
        "runs_url": runs_url(site),
        "checked_at": timezone.now(),
        "poll_ms": POLL_MS,
    }


def summary(request: HttpRequest, site: AdminSite) -> dict[str, Any]:
    """Return what the admin's index shows: the first sentence, what is urgent, and the person's own latest runs."""
    if not is_open(request):
        return {"is_shown": False}
    runs, findings = sight(request, site).runs(), listed()
    return {
        "is_shown": True,
        "sentence": board.headline(findings, runs),
        "urgent": [finding for finding in findings if finding.severity == Severity.URGENT],
        "mine": board.latest_of(request.user, runs),
        "address": dashboard_url(site),
    }


def dashboard_url(site: AdminSite) -> str:
    """Return the address of the dashboard; empty on a site without runs."""
    try:
        return reverse(f"{site.name}:app_list", args=["console"])
    except NoReverseMatch:
        return ""


def _queues(scene: Scene) -> list[QueueLine]:
    flow = board.flow()
    lines = []
    for name, queue in scene.queues.items():
        runs, oldest = scene.waiting.get(name, (0, None))
        came, went = flow.get(name, (0.0, 0.0))
        lines.append(QueueLine(queue, runs, oldest, scene.latency(queue), came, went, len(scene.serving(name))))
    return lines


def _processes(scene: Scene, kind: Heartbeat.Kind) -> list[ProcessLine]:
    beats = sorted([*scene.living, *scene.silent], key=lambda beat: beat.name)
    silent = {beat.pk for beat in scene.silent}
    return [ProcessLine(beat, scene.busy.get(beat.name, 0), beat.pk in silent) for beat in beats if beat.kind == kind]


def _late_schedules(scene: Scene) -> list[Schedule]:
    late = Schedule.objects.filter(next_at__lt=scene.now - LATE_SCHEDULE)
    return list(late.select_related("task").order_by("next_at")[:LATE])


def _retry_url(request: HttpRequest, site: AdminSite, group: FailedGroup) -> str:
    """Return where the failures of the group's newest run are retried; empty where that is not lawful or not permitted."""
    if group.is_retried or Verb.RETRY not in verbs_open(request, site, group.run):
        return ""
    return reverse(f"{site.name}:console_run_retry", args=[group.run.pk])
