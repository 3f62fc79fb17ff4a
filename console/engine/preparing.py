"""Preparing: a partition of its own takes the targets of a large selection in batches, before any work (PROTOCOL H12)."""

from __future__ import annotations

from typing import Any

from django.db.models import Sum
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from console.conf import settings
from console.engine import failures, partitions
from console.engine.chunks import Outcome
from console.engine.clashes import conflict_of, held_by_others
from console.engine.holds import identity
from console.engine.leases import Lease
from console.engine.obedience import obey, stop
from console.engine.rows import described
from console.engine.selection import Selection
from console.engine.sources import Batch, Earlier, is_earlier, take_up_next
from console.engine.targets import count_items, drop_held, insert, leave_out_held, lock_objects, lockable_keys
from console.engine.transitions import lock, move, record, settle
from console.exceptions import EmptySelection, HoldConflict, NothingToRetry
from console.models import Failure, Partition, Run, Target
from console.operations.base import BaseOperation
from console.states import STOPPING, State


def prepare_batch(lease: Lease, run: Run, partition: Partition, operation: BaseOperation) -> bool:
    """Take the next batch of objects, in the caller's transaction; tells whether the partition has ended with it.

    Raises:
        ConsoleError: The selection cannot be rebuilt.
        LeaseLost: Somebody else owns the partition.
    """
    assert operation.model is not None
    above = Target.objects.filter(run=run).order_by("-id").values_list("pk", flat=True).first() or 0
    batch = _take_next(run, partition, operation.model, above)
    outcome, clash = _meet_holds(run, operation, partition, above)
    start, end = partition.cursor, (partition.position + batch.taken, partition.part + 1)
    if clash is not None:
        return _refuse(lease, run, start, str(clash))
    failures.report(outcome.failures)
    if batch.is_last:
        return _finish(lease, run, operation, start, end, outcome)
    partitions.checkpoint(lease, start, end, outcome, mark=batch.mark)
    return False


def _take_next(run: Run, partition: Partition, model: type[Any], above: int) -> Batch:
    size = settings.prepare_batch
    if is_earlier(run.selection):
        batch = take_up_next(run, model, Earlier.of_descriptor(run.selection or {}), partition.mark, size)
        lock_objects(run, model, above)
        return batch
    taken = insert(run, model, lockable_keys(_next_rows(run, partition, model)[:size]))
    return Batch(taken, _greatest_key(run, above, model), is_last=taken < size)


def _next_rows(run: Run, partition: Partition, model: type[Any]) -> Any:
    selection = run.selection or {}
    rows = Selection.of_descriptor(model, selection).rows()
    if partition.mark:
        rows = rows.filter(pk__gt=identity(model)._meta.pk.to_python(partition.mark))
    greatest = selection.get("greatest")
    return rows if greatest is None else rows.filter(pk__lte=greatest)


def _greatest_key(run: Run, above: int, model: type[Any]) -> str:
    last = Target.objects.filter(run=run, pk__gt=above).order_by("-id").values_list("object_id", flat=True).first()
    return last or ""


def _meet_holds(
    run: Run, operation: BaseOperation, partition: Partition, above: int
) -> tuple[Outcome, HoldConflict | None]:
    assert operation.model is not None
    if not run.hold or run.dry_run:
        return Outcome(), None
    if operation.reads_rows:
        drop_held(run, operation.model, above)
        return Outcome(), None
    if run.leave_held_out:
        return leave_out_held(run, operation.model, operation.parts(), partition, above), None
    is_held = held_by_others(run, operation.model, above).exists()
    clash = conflict_of(run, operation.model) if is_held else None
    return Outcome(), clash


def _refuse(lease: Lease, run: Run, start: tuple[int, int], why: str) -> bool:
    """Fail the run: a held object was met, and nobody is at the page to ask."""
    run = lock(run.pk)
    partitions.checkpoint(lease, start, start, Outcome(), closes=Partition.Outcome.FAILED, error=why)
    stop(run, why)
    return True


def _finish(
    lease: Lease, run: Run, operation: BaseOperation, start: tuple[int, int], end: tuple[int, int], outcome: Outcome
) -> bool:
    """End the preparing partition, and open those that do the work."""
    run = lock(run.pk)
    total = described(run)["count"] if operation.reads_rows else count_items(run, operation.parts()) + _left_out(run)
    if not total:
        move(run, State(run.state), preparing=False, total=0)
        return _refuse(lease, run, start, _nothing_is_there(run))
    partitions.checkpoint(lease, start, end, outcome, closes=Partition.Outcome.DONE)
    move(run, State(run.state), preparing=False, total=total)
    record(
        run,
        "prepared",
        reason=_("%(count)s objects collected.") % {"count": number_format(end[0], force_grouping=True)},
    )
    open_work(run, operation, sent=False)
    if run.state in STOPPING:
        obey(run)
    else:
        settle(run)
    return True


def _nothing_is_there(run: Run) -> str:
    if is_earlier(run.selection) and run.retry_of_id:
        return str(NothingToRetry(run.retry_of_id))
    return str(EmptySelection())


def _left_out(run: Run) -> int:
    return Failure.objects.filter(run=run, kind=Failure.Kind.HELD).aggregate(n=Sum("items"))["n"] or 0


def open_work(run: Run, operation: BaseOperation, *, sent: bool) -> list[Partition]:
    """Create the partitions that do the work: one, or the targets divided into as many as the operation says."""
    wanted = operation.partitions if operation.selection is not None else 1
    bounds = _bounds(run, wanted) if wanted > 1 else [(0, None)]
    return [partitions.create(run, sent=sent, first=first, position=first, last=last) for first, last in bounds]


def _bounds(run: Run, wanted: int) -> list[tuple[int, int | None]]:
    """Return (after, up to) pairs of target ids that divide the run's targets evenly; at least one."""
    targets = Target.objects.filter(run=run).order_by("id").values_list("pk", flat=True)
    count = targets.count()
    wanted = max(1, min(wanted, count))
    cuts = [targets[count * n // wanted - 1] for n in range(1, wanted)]
    return list(zip([0, *cuts], [*cuts, None], strict=True))
