"""How far runs are: live numbers from their partitions, for any number of runs in one query."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import BigIntegerField, ExpressionWrapper, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from console.conf import settings
from console.engine.clock import after, now
from console.engine.statements import Given, Rows
from console.engine.transitions import HELD_BACK, OPEN
from console.models import Event, Partition, Run
from console.operations import known_operation
from console.operations.base import BaseOperation
from console.states import ENDED, WORKING, State

ETA_AFTER = 5.0
FEW = 3  # checkpoints that a worker misses before it counts as quiet,
PATIENCE = 5.0  # but a busy machine may be so many seconds late
A_STEP = 10  # per cent, after which a page shows anew what became of its objects
A_PAGE = 100  # runs of a list
SUMS = (
    "run",
    "event",
    "done_",
    "failed_",
    "skipped_",
    "rate_",
    "slowest",
    "attempt",
    "next_attempt_at",
    "goes_on_at",
    "lease_until_",
    "collected",
    "error_",
)


@dataclass(frozen=True)
class Progress:
    """The numbers of one run.

    `attempt` is the largest number of tries of its partitions, `tries` how many its policy allows; `percent` is None
    while the run prepares; `goes_on_at` is when its pace, or a limit, lets it go on. `quiet` is for how many seconds no
    worker of it gave a sign, None while that is nothing unusual; a quiet worker has no `rate`. `version` changes whenever
    more than numbers has changed, and now and then with them.
    """

    total: int | None
    done: int
    failed: int
    skipped: int
    percent: int | None
    rate: float | None
    eta_seconds: int | None
    attempt: int
    tries: int
    next_attempt_at: datetime | None
    goes_on_at: datetime | None
    lease_until: datetime | None
    quiet: int | None
    collected: int
    preparing: bool
    error: str
    version: str

    @property
    def processed(self) -> int:
        """How many items are accounted for."""
        return self.done + self.failed + self.skipped


def progress(run: Run) -> Progress:
    """Return the numbers of one run."""
    return progress_of([run])[run.pk]


def progress_of(runs: Iterable[Run]) -> dict[int, Progress]:
    """Return the numbers of runs by id, in one query whatever their number."""
    by_id = {run.pk: run for run in runs}
    sums = {row[0]: dict(zip(SUMS, row, strict=True)) for row in _sums(list(by_id))}
    return {pk: _progress(run, sums.get(pk, {})) for pk, run in by_id.items()}


def _sums(ids: list[int]) -> list[Any]:
    if not ids:
        return []
    if len(ids) > A_PAGE:
        return list(_summing(ids))
    return _summing_few(len(ids)).read(**{f"run {n}": pk for n, pk in enumerate(ids)})


@lru_cache(maxsize=A_PAGE)
def _summing_few(count: int) -> Rows[Partition]:
    """Return the sums of so many runs as a statement that is composed once: pages ask for them every few seconds."""
    return Rows(lambda: _summing([Given(f"run {n}") for n in range(count)]))


def _summing(ids: list[Any]) -> QuerySet[Partition, Any]:
    live = Q(lease_until__gt=now()) & OPEN
    heard = Q(progress_at__gt=after(-PATIENCE)) | Q(rate__lt=FEW / PATIENCE)
    events = Event.objects.filter(run=OuterRef("run")).order_by("-pk")
    sums = {
        "done_": Sum("done"),
        "failed_": Sum("failed"),
        "skipped_": Sum("skipped"),
        "rate_": Sum("rate", filter=live & heard),
        "slowest": Min("rate", filter=OPEN),
        "attempt": Max("tries"),
        "next_attempt_at": Min("wake_at", filter=OPEN & Q(backing_off=True)),
        "goes_on_at": Min("wake_at", filter=OPEN & HELD_BACK & Q(lease_until=None)),
        "lease_until_": Max("lease_until", filter=OPEN),
        "collected": Sum("position", filter=Q(kind=Partition.Kind.PREPARE)),
        "error_": Max("error", filter=Q(backing_off=True) | Q(outcome=Partition.Outcome.FAILED)),
    }
    number = ExpressionWrapper(F("run_id"), BigIntegerField())  # a foreign key takes no expressions in a list
    of_runs = Partition.objects.alias(number=number).filter(number__in=ids).order_by()
    each = of_runs.values("run", event=Subquery(events.values("pk")[:1]))
    return each.annotate(**sums).values_list(*SUMS)


def _progress(run: Run, sums: dict[str, Any]) -> Progress:
    done, failed, skipped = (sums.get(f"{name}_") or 0 for name in ("done", "failed", "skipped"))
    operation = known_operation(run.operation) or BaseOperation
    quiet = _quiet(run, operation, sums.get("lease_until_"), sums.get("slowest"))
    rate = sums.get("rate_") if run.state not in ENDED and quiet is None else None
    processed = done + failed + skipped
    percent = _percent(run, processed)
    return Progress(
        total=run.total,
        done=done,
        failed=failed,
        skipped=skipped,
        percent=percent,
        rate=rate,
        eta_seconds=_eta(run, processed, rate),
        attempt=sums.get("attempt") or 0,
        tries=operation.retry.tries,
        next_attempt_at=sums.get("next_attempt_at"),
        goes_on_at=sums.get("goes_on_at"),
        lease_until=sums.get("lease_until_"),
        quiet=quiet,
        collected=sums.get("collected") or 0,
        preparing=run.preparing,
        error=sums.get("error_") or "",
        version=f"{run.state}.{sums.get('event') or 0}.{failed}.{skipped}.{'' if percent is None else percent // A_STEP}",
    )


def _quiet(run: Run, operation: type[BaseOperation], lease_until: datetime | None, slowest: float | None) -> int | None:
    """Return for how many seconds no claim and no checkpoint came, once that is more than a few chunks take.

    Each of them gives a lease of the same length, so what is left of the newest one tells when it came.
    """
    if run.state not in WORKING or lease_until is None:
        return None
    left = lease_until - timezone.now()
    silence = settings.lease(operation.timeout) - left.total_seconds()
    usual = FEW / slowest if slowest else (settings.lease(operation.timeout) if operation.external else 0)
    return int(silence) if silence >= max(PATIENCE, usual) else None


def _percent(run: Run, processed: int) -> int | None:
    if run.preparing or run.total is None:
        return None
    if run.total == 0:
        return 100 if run.state in ENDED else 0
    return min(100, processed * 100 // run.total)


def _eta(run: Run, processed: int, rate: float | None) -> int | None:
    """Return about how many seconds are left, once there is something to go by."""
    if run.state != State.RUNNING or not rate or not run.total or run.started_at is None:
        return None
    if (timezone.now() - run.started_at).total_seconds() < ETA_AFTER:
        return None
    return math.ceil(max(0, run.total - processed) / rate)
