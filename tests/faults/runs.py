"""Runs of the faulty operations, and what to wait for and to expect of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django_celery_results.models import TaskResult

from console.engine.acceptance import start
from console.models import Attempt, Partition, Run
from console.operations import get_operation
from console.states import ENDED, State
from tests.faults.models import Item
from tests.polling import until


def make(count: int, *names: str) -> None:
    """Create items: those named, then as many others."""
    Item.objects.bulk_create([Item(name=name) for name in (*names, *(f"item {n}" for n in range(count)))])


def begin(operation: str = "faults.count", **declared: Any) -> Run:
    """Start an operation on every item; the run keeps what is declared here, such as its pace."""
    with declaring(operation, **declared):
        return start(operation, objects=Item.objects.all())


def ended(run: Run, seconds: float = 60) -> Run:
    """Wait until the run has ended, and return it."""
    until(lambda: Run.objects.filter(pk=run.pk, state__in=ENDED).exists(), seconds)
    run.refresh_from_db()
    return run


def succeeded(run: Run, seconds: float = 60) -> Run:
    """Wait until the run has ended, and see that it succeeded."""
    ended(run, seconds)
    assert run.state == State.SUCCEEDED, (run.state, run.why, list(run.failures.values()))
    return run


def done(run: Run) -> int:
    """Return how many items are done and committed."""
    return Partition.objects.get(run=run).done


def in_the_middle(run: Run) -> None:
    """Wait until some items are done, and see that others are not."""
    until(lambda: done(run) > 0)
    assert Partition.objects.get(run=run).outcome is None


def a_slice_begins(run: Run) -> None:
    """Wait for the next claim: between two slices a worker has nothing that could be lost with it."""
    token = Partition.objects.get(run=run).token
    until(lambda: Partition.objects.filter(run=run, token__gt=token, lease_until__isnull=False).exists())


def outcomes(run: Run) -> list[str | None]:
    """Return how the run's attempts ended, in order."""
    return list(Attempt.objects.filter(run=run).order_by("pk").values_list("outcome", flat=True))


def told_of(attempt: Attempt) -> str:
    """Return what its worker knows of how an attempt ended; nothing as long as it works."""
    result = TaskResult.objects.filter(task_id=attempt.task_id).first()
    return json.loads(result.result) if result else ""


def counts() -> set[int]:
    """Return how often the items were done."""
    return set(Item.objects.values_list("count", flat=True).distinct())


@contextmanager
def declaring(name: str, **declared: Any) -> Iterator[None]:
    """Let the operation declare something else, such as its pace, to the runs that are accepted meanwhile."""
    operation: Any = get_operation(name)
    before = {key: getattr(operation, key) for key in declared}
    for key, value in declared.items():
        setattr(operation, key, value)
    yield
    for key, value in before.items():
        setattr(operation, key, value)
