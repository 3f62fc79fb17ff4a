"""What the engine's tests share: objects to work on, an operation that leaves a mark for each item, a worker's steps by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import count
from typing import Any

from console.engine import claims
from console.engine.acceptance import accept
from console.engine.checkpoints import Done, Mode, commit_chunk
from console.engine.clock import after
from console.engine.leases import Lease
from console.engine.runner import carry_out
from console.engine.selection import Selection
from console.models import Partition, Run, Target
from console.operations import BaseOperation, get_operation
from console.states import ACTIVE
from notes.models import Note
from tests.testapp.models import Label

numbers = count(1)


def make_notes(wanted: int) -> list[Note]:
    """Return so many new notes, in key order."""
    fresh = [next(numbers) for _ in range(wanted)]
    return Note.all_objects.bulk_create([Note(title=f"note {n}", slug=f"note-{n}", body="text") for n in fresh])


def mark(_operation: BaseOperation, objects: Iterable[Any]) -> None:
    """Leave one row for each object: what took effect twice is seen twice."""
    Label.objects.bulk_create([Label(name=str(obj.pk)) for obj in objects])


def marks() -> Counter[str]:
    """Return how often each object took effect."""
    return Counter(Label.objects.values_list("name", flat=True))


def once(objects: Iterable[Any]) -> Counter[str]:
    """Return what `marks` is when each of these objects took effect exactly once."""
    return Counter(str(obj.pk) for obj in objects)


def begin(operation: type[BaseOperation], objects: Iterable[Any] | None = None, **asked: Any) -> Run:
    """Accept a run on these objects (None: without a selection)."""
    assert operation.model is not None or objects is None
    selection = None if objects is None else Selection.of_objects(operation.model, objects)  # type: ignore[arg-type]
    return accept(operation, by=None, selection=selection, params=asked.pop("params", {}), **asked).run


def fresh(run: Run) -> Run:
    """Return the run as it is in the database."""
    return Run.objects.get(pk=run.pk)


def part(run: Run, place: int = 0) -> Partition:
    """Return one partition of the run as it is in the database."""
    return Partition.objects.filter(run=run).order_by("pk")[place]


def win(run: Run, place: int = 0, *, token: int | None = None) -> Lease | None:
    """Claim a partition, as a worker that got its newest wake-up (or one with `token`) does."""
    partition = part(run, place)
    given = partition.token if token is None else token
    return claims.claim(run.pk, partition.pk, given, task_id=f"task-{next(numbers)}", worker="kit")


def must_win(run: Run, place: int = 0) -> Lease:
    """Claim a partition that can be claimed."""
    lease = win(run, place)
    assert lease is not None
    return lease


def chunk(lease: Lease, size: int = 1, *, seen: Partition | None = None, **mode: Any) -> Done:
    """Do and commit one chunk under the lease, from what is in the database or from an older memory of it."""
    partition = seen or Partition.objects.select_related("run").get(pk=lease.partition_id)
    operation = get_operation(partition.run.operation)(partition.run.params)
    return commit_chunk(lease, partition.run, partition, operation, Mode(size=size, **mode))


def lapse(lease: Lease) -> None:
    """Let the lease's time run out: its worker died, or is frozen."""
    past = after(-60)
    Partition.objects.filter(pk=lease.partition_id, token=lease.token).update(lease_until=past, wake_at=past)


def come_due(run: Run) -> None:
    """Let the time pass until every wake-up of the run is owed."""
    Partition.objects.filter(run=run, outcome=None, wake_at__isnull=False).update(wake_at=after(-1))


def slice_of(run: Run, place: int = 0, *, token: int | None = None) -> str | None:
    """Answer a wake-up as a worker does, and return how the attempt ended."""
    partition = part(run, place)
    given = partition.token if token is None else token
    return carry_out(run.pk, partition.pk, given, task_id=f"task-{next(numbers)}", worker="kit")


def settled(run: Run, *, rounds: int = 200) -> Run:
    """Let time pass and give every due partition a slice, until the run ends; whoever had a lease is dead."""
    for _ in range(rounds):
        if fresh(run).state not in ACTIVE:
            return fresh(run)
        Partition.objects.filter(run=run, lease_until__isnull=False).update(lease_until=after(-1))
        come_due(run)
        for place, partition in enumerate(Partition.objects.filter(run=run).order_by("pk")):
            if partition.outcome is None:
                slice_of(run, place)
    raise AssertionError(f"{fresh(run)} did not end: {fresh(run).state}, {list(run.partitions.values())}")


def targets(run: Run) -> list[Target]:
    """Return the run's targets in order."""
    return list(Target.objects.filter(run=run).order_by("pk"))


def count_of(run: Run) -> tuple[int, int, int]:
    """Return (done, failed, skipped) of the run's partitions."""
    rows = Partition.objects.filter(run=run)
    return (sum(p.done for p in rows), sum(p.failed for p in rows), sum(p.skipped for p in rows))
