"""Attempts: the record of each claim. History only, nothing is decided by it; the only writer of an Attempt."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from console.engine.clock import now
from console.engine.statements import Bound, Given, Rows, insert
from console.models import Attempt, Partition

_OPEN = Rows(lambda: Attempt.objects.filter(pk=Given("attempt"), outcome=None))


def begin(partition: Partition, *first: Bound, task_id: str, worker: str) -> Attempt:
    """Record that a worker has won the partition, after the statements that come `first`."""
    attempt = Attempt(
        partition_id=partition.pk, run_id=partition.run_id, token=partition.token, task_id=task_id, worker=worker
    )
    insert(attempt, *first)
    return attempt


def ending(attempt_id: int, outcome: str, *, items: int, error: str = "", traceback: str = "") -> Bound:
    """Return the statement that closes an attempt, unless it is closed already."""
    return _OPEN.updating(
        {"attempt": attempt_id}, outcome=outcome, ended_at=now(), items=items, error=error, traceback=traceback
    )


def lose(partitions: QuerySet[Partition, Any]) -> None:
    """Close as lost what is open of these partitions."""
    Attempt.objects.filter(partition__in=partitions, outcome=None).update(outcome=Attempt.Outcome.LOST, ended_at=now())


def forget_yielded(partition: Partition) -> None:
    """Delete those that simply yielded: a run of ten hours does so thousands of times, and nobody asks when (L3)."""
    Attempt.objects.filter(partition=partition, outcome=Attempt.Outcome.YIELDED).delete()


def open_of(task_id: str) -> list[tuple[int, int]]:
    """Return the partition and the token of each open attempt of a Celery task."""
    return list(Attempt.objects.filter(task_id=task_id, outcome=None).values_list("partition_id", "token"))
