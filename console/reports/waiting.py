"""Why an accepted run has not started: the sentence of a queued run."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.conf import settings
from console.engine import wakeups
from console.engine.admission import limit_of
from console.engine.transitions import HELD_BACK, OPEN
from console.models import Heartbeat, Run
from console.reports.words import clock, number, ordinal
from console.states import WORKING, State

if TYPE_CHECKING:
    from console.engine.progress import Progress

MISSED_BEATS = 3  # without so many signs of life a worker counts as away,
PATIENCE = 15  # but a busy machine may be so many seconds late
GRACE = timedelta(seconds=3)  # a message is on its way for this long before its absence means anything


def queued(run: Run, progress: Progress) -> str:
    """Return why `run` waits: every reason that holds, or else its place in the queue."""
    reasons = [reason for reason in (_limited(run), without_worker(run), _without_broker(run)) if reason]
    kept = _("What was done is kept.") if progress.processed else ""
    if reasons:
        return " ".join([kept or _("Accepted and safe."), *reasons])
    if kept:
        return _paced(run, progress) or _("Waiting for a worker to go on; what was done is kept.")
    return _in_line(run)


def _paced(run: Run, progress: Progress) -> str:
    if not run.pace or progress.goes_on_at is None:
        return ""
    return _("Goes on at %(clock)s: its pace is %(pace)s items a second. What was done is kept.") % {
        "clock": clock(progress.goes_on_at),
        "pace": number_format(run.pace),
    }


def _limited(run: Run) -> str:
    limit = limit_of(run.operation)
    if limit is None:
        return ""
    working = Run.objects.filter(operation=run.operation, state__in=sorted(WORKING)).exclude(pk=run.pk).count()
    if working < limit:
        return ""
    return ngettext(
        "%(count)s such run works already, and no more may at once; this one starts when it ends.",
        "%(count)s such runs work already, and no more may at once; this one starts when one ends.",
        working,
    ) % {"count": number(working)}


def is_served(queue: str) -> bool:
    """Tell whether a worker of `queue` has given a sign of life lately, or none is needed."""
    if wakeups.is_eager():
        return True
    silence = max(settings.heartbeat * MISSED_BEATS, settings.heartbeat + PATIENCE)
    since = timezone.now() - timedelta(seconds=silence)
    alive = Heartbeat.objects.filter(kind=Heartbeat.Kind.WORKER, seen_at__gte=since).values_list("queues", flat=True)
    return any(queue in queues for queues in alive)


def waits_in_line(run: Run) -> str:
    """Return that `run` waits to start, and its place: “waiting to start, third in line”; empty once it has begun."""
    if run.state != State.QUEUED or run.started_at is not None:
        return ""
    return _("waiting to start, %(position)s in line") % {"position": _place(run)}


def _place(run: Run) -> str:
    return ordinal(Run.objects.filter(state=State.QUEUED, queue=run.queue, pk__lt=run.pk).count() + 1)


def without_worker(run: Run) -> str:
    """Return that no worker serves the run's queue; empty where one does."""
    if is_served(run.queue):
        return ""
    return _("No worker serves the queue “%(queue)s” now; it starts by itself when one is back.") % {"queue": run.queue}


def _without_broker(run: Run) -> str:
    unsent = run.partitions.filter(OPEN, sent_at=None).exclude(HELD_BACK).exists()
    if not unsent or timezone.now() - run.changed_at < GRACE:
        return ""
    return _("The message broker is away, so it starts when the broker is back; you need not do anything.")


def _in_line(run: Run) -> str:
    return _("Accepted, waiting for a worker: %(position)s in the queue “%(queue)s”.") % {
        "position": _place(run),
        "queue": run.queue,
    }
