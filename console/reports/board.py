"""What the dashboard shows: whether it works, what runs, what waits and why, what failed; read by a constant number of queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Max, Q, QuerySet, Sum, prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.engine import wakeups
from console.engine.admission import limits
from console.engine.progress import Progress, progress_of
from console.models import FAILS, Failure, FailureGroup, Run
from console.monitoring.findings import Finding, Severity
from console.monitoring.scene import Scene
from console.monitoring.watching import newest_sign
from console.operations import known_operation
from console.reports.sentences import sentence
from console.reports.visibility import Sight
from console.reports.words import number, span
from console.states import ACTIVE, MEANINGS, WORKING, State

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser, AnonymousUser

SHOWN = 10  # runs that work, and as many that wait
GROUPS = 20
DAY = timedelta(hours=24)
MINE = 5
RESTING = frozenset(ACTIVE - WORKING)


@dataclass(frozen=True)
class Line:
    """A run on the dashboard: how far it is, and why it waits."""

    run: Run
    progress: Progress
    why: str = ""


@dataclass(frozen=True)
class FailedGroup:
    """Failures of one day of one operation and with one reason; `run` is the newest that has them."""

    label: str
    reason: str
    fingerprint: str
    items: int
    runs: int
    last: datetime
    run: Run

    @property
    def is_retried(self) -> bool:
        """Whether another run has taken up those of the newest run."""
        return any(
            retry.only != Run.Only.FAILED or retry.group in {"", self.fingerprint} for retry in self.run.retries.all()
        )


def counted(runs: QuerySet[Run]) -> tuple[int, int]:
    """Return how many of `runs` work, and how many wait."""
    found = runs.filter(state__in=sorted(ACTIVE)).aggregate(
        working=Count("pk", filter=Q(state__in=sorted(WORKING))),
        waiting=Count("pk", filter=Q(state__in=sorted(RESTING))),
    )
    return found["working"], found["waiting"]


def headline(findings: list[Finding], runs: QuerySet[Run]) -> str:
    """Return the first sentence: “All is well. 3 runs working, 12 waiting, newest sign of life 2 s ago.”, or what needs somebody."""
    needing = sum(finding.severity < Severity.NOTE for finding in findings if finding.cleared_at is None)
    told = _("All is well.")
    if needing:
        told = ngettext("%(count)s thing needs you.", "%(count)s things need you.", needing) % {
            "count": number(needing)
        }
    working, waiting = counted(runs)
    facts = [
        ngettext("%(count)s run working", "%(count)s runs working", working) % {"count": number(working)},
        ngettext("%(count)s waiting", "%(count)s waiting", waiting) % {"count": number(waiting)},
    ]
    age, _is_long = newest_sign()
    if age is not None:
        facts.append(_("newest sign of life %(time)s ago") % {"time": span(int(age))})
    return f"{told} {', '.join(facts)}."


def working(runs: QuerySet[Run]) -> list[Line]:
    """Return the runs that work, the oldest first, in a few queries."""
    return _lines(_first(runs, WORKING))


def waiting(runs: QuerySet[Run], scene: Scene, sight: Sight) -> list[Line]:
    """Return the runs that wait, the oldest first, each with its reason, in a few queries."""
    found = _first(runs, RESTING)
    full = _full() if found else {}
    return _lines(found, lambda run, progress: _why(run, progress, scene, full, sight))


def failures(runs: QuerySet[Run], sight: Sight) -> list[FailedGroup]:
    """Return what failed within a day, by operation and reason, most items first."""
    since = timezone.now() - DAY
    ended = runs.filter(Q(state=State.FAILED) | Q(failed__gt=0), ended_at__gte=since, dry_run=False)
    active = runs.filter(state__in=sorted(ACTIVE), dry_run=False)
    rows = list(
        FailureGroup.objects.filter(
            Q(run__in=ended.values("pk")) | Q(run__in=active.values("pk")), kind__in=sorted(FAILS)
        )
        .order_by()
        .values("run__operation", "group")
        .annotate(
            counted=Sum("items"),
            runs=Count("run", distinct=True),
            newest=Max("run"),
            last=Max("run__changed_at"),
            example=Max("first"),
        )
        .order_by("-counted", "run__operation", "group")[:GROUPS]
    )
    newest = (
        Run.objects.select_related("content_type").prefetch_related("retries").in_bulk({row["newest"] for row in rows})
    )
    examples = Failure.objects.select_related("run__content_type").in_bulk({row["example"] for row in rows})
    return [_group(dict(row), newest[row["newest"]], examples.get(row["example"]), sight) for row in rows]


def latest_of(user: AbstractUser | AnonymousUser, runs: QuerySet[Run]) -> list[Line]:
    """Return the newest runs that `user` asked for."""
    return _lines(list(runs.filter(asked_by=user.pk).order_by("-pk")[:MINE]))


def flow(minutes: int = 10) -> dict[str, tuple[float, float]]:
    """Return how many runs a minute came into each queue lately, and how many of it ended."""
    since = timezone.now() - timedelta(minutes=minutes)
    came = Run.objects.filter(accepted_at__gte=since).order_by().values_list("queue").annotate(Count("pk"))
    went = Run.objects.filter(ended_at__gte=since).order_by().values_list("queue").annotate(Count("pk"))
    arrived, left = Counter(dict(came)), Counter(dict(went))
    return {queue: (arrived[queue] / minutes, left[queue] / minutes) for queue in arrived | left}


def _first(runs: QuerySet[Run], states: frozenset[Any]) -> list[Run]:
    return list(runs.filter(state__in=sorted(states)).order_by("pk")[:SHOWN])


def _lines(runs: list[Run], why: Callable[[Run, Progress], str] | None = None) -> list[Line]:
    prefetch_related_objects(runs, "asked_by", "content_type")
    found = progress_of(runs)
    return [Line(run, found[run.pk], why(run, found[run.pk]) if why else "") for run in runs]


def _full() -> dict[str, int]:
    """Return the operations that admit no further run now, and how many of each work."""
    limited = limits()
    rows = Run.objects.filter(operation__in=sorted(limited), state__in=sorted(WORKING)).order_by()
    at_work = dict(rows.values_list("operation").annotate(Count("pk")))
    return {name: at_work[name] for name, limit in limited.items() if at_work.get(name, 0) >= limit}


def _why(run: Run, progress: Progress, scene: Scene, full: dict[str, int], sight: Sight) -> str:
    if run.state == State.WAITING and sight.sees_whole(run):
        return sentence(run, progress)
    if run.state != State.QUEUED:
        return str(MEANINGS[State(run.state)])
    if not wakeups.is_eager() and not scene.serving(run.queue):
        told = _("No worker serves the queue “%(queue)s” now; it starts by itself when one is back.")
        return told % {"queue": run.queue}
    if run.operation in full:
        count = full[run.operation]
        return ngettext(
            "%(count)s such run works already, and no more may at once; this one starts when it ends.",
            "%(count)s such runs work already, and no more may at once; this one starts when one ends.",
            count,
        ) % {"count": number(count)}
    return _("In line in the queue “%(queue)s”.") % {"queue": run.queue}


def _group(row: dict[str, Any], run: Run, example: Failure | None, sight: Sight) -> FailedGroup:
    operation = known_operation(row["run__operation"])
    is_told = example is not None and bool(sight.sift(example.run, [example]))
    return FailedGroup(
        label=str(operation.label) if operation else run.label,
        reason=example.reason if example and is_told else "",
        fingerprint=row["group"],
        items=row["counted"],
        runs=row["runs"],
        last=row["last"],
        run=run,
    )
