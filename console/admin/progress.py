"""Progress as JSON: of one run, for its page; of all, for the header and for lists."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from console.admin.access import RunModelAdmin, explained, only, open_run, verbs_open, whole_number
from console.admin.links import run_url
from console.admin.sight import sight
from console.admin.watching import watched
from console.engine.progress import Progress, progress_of
from console.engine.progress import progress as progress_of_run
from console.models import Run
from console.reports import imports
from console.reports.attention import counts, counts_in_words
from console.reports.news import ended_since, ending, level
from console.reports.sentences import sentence, tally
from console.reports.words import about

LIVELY = timedelta(seconds=30)  # for so long after acceptance a page asks every second
LISTED = 200  # runs that one request for a list's progress may name


@explained
@only("GET")
def one(model_admin: RunModelAdmin, request: HttpRequest, run_id: int) -> HttpResponseBase:
    """Answer with the run's progress: the contract's keys, no others."""
    site = model_admin.admin_site
    return JsonResponse(payload(open_run(request, site, run_id), request, site), headers={"Cache-Control": "no-store"})


@explained
@only("GET")
def summary(model_admin: RunModelAdmin, request: HttpRequest) -> HttpResponseBase:
    """Answer with what the header counts.

    ``?runs=1,2`` adds the progress of those runs and the newest of all, ``?since=`` a time the endings of one's own.
    """
    visible = sight(request, model_admin.admin_site).runs()
    active, attention = counts(visible, request.user)
    answer: dict[str, Any] = {
        "active": active,
        "attention": attention,
        "label": counts_in_words(active, attention),
        "poll_ms": 15_000 if active else 60_000,
        "server_time": timezone.now(),
    }
    if "runs" in request.GET:
        answer["runs"] = _listed(request, visible)
        answer["newest"] = visible.order_by("-pk").values_list("pk", flat=True).first() or 0
        answer["poll_ms"] = 2_000 if any(run["active"] for run in answer["runs"].values()) else 15_000
    if since := _moment(request.GET.get("since", "")):
        news = ended_since(visible, request.user, since, watched(request))
        answer["ended"] = [_ended(run, model_admin.admin_site) for run in news]
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


def payload(run: Run, request: HttpRequest, site: AdminSite) -> dict[str, Any]:
    """Return the contract's JSON for a run (DESIGN §7)."""
    progress = progress_shown(request, site, run)
    return {
        "id": run.pk,
        "operation": run.operation,
        "label": run.label,
        "state": run.state,
        "sentence": sentence(run, progress),
        "why": run.why,
        "preparing": progress.preparing,
        "dry_run": run.dry_run,
        "total": progress.total,
        "done": progress.done,
        "failed": progress.failed,
        "skipped": progress.skipped,
        "counts": {one.kind: one.count for one in imports.counts(run, progress)} if imports.is_import(run) else {},
        "percent": progress.percent,
        "rate": progress.rate,
        "eta_seconds": progress.eta_seconds,
        "attempt": progress.attempt,
        "next_attempt_at": progress.next_attempt_at,
        "finished_at": run.ended_at,
        "verbs": [verb.value for verb in verbs_open(request, site, run)],
        "version": progress.version,
        "poll_ms": poll_ms(run),
        "server_time": timezone.now(),
    }


def progress_shown(request: HttpRequest, site: AdminSite, run: Run) -> Progress:
    """Return the run's progress; what went wrong is left out, here and of `run`, where it may quote hidden objects."""
    progress = progress_of_run(run)
    if sight(request, site).sees_whole(run):
        return progress
    run.why = ""
    return replace(progress, error="")


def poll_ms(run: Run) -> int:
    """Return after how many milliseconds to ask again; 0: the run has ended, there is nothing more to hear."""
    if not run.is_active:
        return 0
    return 1_000 if timezone.now() - run.accepted_at < LIVELY else 2_000


def _listed(request: HttpRequest, visible: QuerySet[Run]) -> dict[str, dict[str, Any]]:
    keys = [whole_number(key) for key in request.GET["runs"].split(",")[:LISTED]]
    runs = list(visible.filter(pk__in=keys).select_related("content_type"))
    found = progress_of(runs)
    return {str(run.pk): _row(run, found[run.pk]) for run in runs}


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def _ended(run: Run, site: AdminSite) -> dict[str, Any]:
    return {"id": run.pk, "sentence": ending(run), "level": level(run), "address": run_url(site, run.pk)}


def _row(run: Run, progress: Progress) -> dict[str, Any]:
    return {
        "state": run.state,
        "label": run.label,
        "active": run.is_active,
        "percent": progress.percent,
        "tally": tally(run, progress),
        "left": "" if progress.eta_seconds is None else about(progress.eta_seconds),
        "version": progress.version,
    }
