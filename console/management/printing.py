"""Runs and findings as the shell prints them: lines for people, plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Min, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from console.engine.progress import Progress
from console.models import Event, Failure, Run
from console.monitoring.findings import Finding
from console.reports.history import event_words, source_words
from console.reports.sentences import sentence, tally
from console.reports.words import number, person

SHOWN_FAILURES = 10


def run_line(run: Run, progress: Progress) -> str:
    """Return one line of the list."""
    dry = " " + _("(dry run)") if run.dry_run else ""
    return f"{run.pk:>6}  {run.get_state_display():<16}  {run.operation:<24}  {tally(run, progress)}{dry}"


def run_page(run: Run, progress: Progress) -> Iterator[str]:
    """Yield the lines that show one run: where it stands, its counts, failures and history."""
    asked = {
        "run": run,
        "who": person(run.asked_by),
        "time": moment(run.accepted_at),
        "source": source_words(run.source),
    }
    yield _("%(run)s, asked for by %(who)s at %(time)s (%(source)s)") % asked
    yield f"{run.get_state_display()}: {sentence(run, progress)}"
    yield tally(run, progress)
    if run.params:
        yield _("Parameters:") + " " + ", ".join(f"{name}={value}" for name, value in run.params.items())
    for title, other in (
        (_("Retries run"), run.retry_of_id),
        (_("Undoes run"), run.undo_of_id),
        (_("Started from dry run"), run.preview_of_id),
    ):
        if other:
            yield f"{title} {other}"
    yield from _failures(run)
    yield from _history(run)


def _failures(run: Run) -> Iterator[str]:
    groups = run.failure_groups.order_by().values("kind", "group").annotate(counted=Sum("items"), earliest=Min("first"))
    shown = groups.order_by("-counted", "kind", "group")[:SHOWN_FAILURES]
    firsts = Failure.objects.in_bulk([group["earliest"] for group in shown])
    if firsts:
        yield ""
        yield _("Failures")
    for group in shown:
        example = firsts[group["earliest"]]
        yield f"  {number(group['counted'])} × {example.get_kind_display()}: {example.reason}  [--group {example.group}]"
        yield "      " + _("first: %(object)s") % {
            "object": example.object_label or example.object_id or example.position
        }


def _history(run: Run) -> Iterator[str]:
    yield ""
    yield _("History")
    for event in run.events.select_related("by"):
        reason = f": {event.reason}" if event.reason else ""
        yield f"  {moment(event.at)}  {event_words(event.what)}, {person(event.by)}{reason}"


def finding_lines(finding: Finding) -> Iterator[str]:
    """Yield the lines of one finding of the doctor."""
    since = " " + _("since %(time)s") % {"time": moment(finding.since)} if finding.since else ""
    yield f"[{finding.severity.label}] {finding.what}{since}"
    for text in (finding.evidence, finding.consequence):
        if text:
            yield f"    {text}"
    for text in (finding.cure, finding.command):
        if text:
            yield f"    → {text}"


def run_as_json(run: Run, progress: Progress) -> dict[str, Any]:
    """Return a run as plain values, named as in the page's own JSON."""
    return {
        "id": run.pk,
        "operation": run.operation,
        "label": run.label,
        "state": run.state,
        "sentence": sentence(run, progress),
        "why": run.why,
        "dry_run": run.dry_run,
        "preparing": run.preparing,
        "params": run.params,
        "asked_by": run.asked_by.get_username() if run.asked_by else None,
        "source": run.source,
        "accepted_at": run.accepted_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.ended_at.isoformat() if run.ended_at else None,
        "total": progress.total,
        "done": progress.done,
        "failed": progress.failed,
        "skipped": progress.skipped,
        "percent": progress.percent,
        "retry_of": run.retry_of_id,
        "preview_of": run.preview_of_id,
    }


def page_as_json(run: Run, progress: Progress) -> dict[str, Any]:
    """Return a run with its failures and its history as plain values."""
    return {
        **run_as_json(run, progress),
        "failures": [_failure_as_json(failure) for failure in run.failures.all()],
        "events": [_event_as_json(event) for event in run.events.select_related("by")],
    }


def _failure_as_json(failure: Failure) -> dict[str, Any]:
    names = ("kind", "position", "part", "items", "object_id", "object_label", "reason", "group", "tries")
    return {name: getattr(failure, name) for name in names}


def _event_as_json(event: Event) -> dict[str, Any]:
    by = event.by.get_username() if event.by else None
    return {"at": event.at.isoformat(), "what": event.what, "by": by, "reason": event.reason}


def moment(at: datetime) -> str:
    """Return a moment as the shell prints it: date and time of the site's zone."""
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S")
