"""One chunk, one transaction: effects, failures, counters, cursor and lease commit together, or not at all."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from console.conf import settings
from console.engine import failures, outputs, partitions
from console.engine.caution import left, next_size
from console.engine.chunks import SAMPLE, SAVEPOINTS, Outcome, Performer
from console.engine.faults import is_transient
from console.engine.imported import keep_rows
from console.engine.items import lock_unchanged, makes_file, read_chunk
from console.engine.leases import Lease
from console.engine.obedience import stop
from console.engine.pieces import Chunk
from console.engine.preparing import prepare_batch
from console.engine.row_chunks import performer_of
from console.engine.sizes import adapted, chunk_time
from console.engine.staging import is_ready, stage
from console.engine.statements import Given, Rows
from console.engine.targets import insert_seen
from console.engine.transactions import bound_waiting
from console.engine.transitions import lock, settle
from console.exceptions import ItemOutcome, Overtaken
from console.models import Partition, Run
from console.operations.base import BaseOperation, ExternalOperation, OnError
from console.operations.files import FileOperation
from console.states import STOPPING

STEADY = 0.7
GATHERED = 500  # rows of a file that are in memory at a time, with all that they tell of
WAITED = 0.005  # seconds: what was seen of the run so long before its transaction began is looked at again

_STATE = Rows(lambda: Run.objects.filter(pk=Given("run")).values_list("state"))


@dataclass(frozen=True)
class Mode:
    """How a chunk is done.

    How many items, whether chunks may not grow now, whether each item stands behind a savepoint; and how many items
    the attempt had done `before`.
    """

    size: int
    careful: bool = False
    isolated: bool = False
    before: int = 0

    @property
    def is_alone(self) -> bool:
        """Whether one item is tried in a transaction of its own."""
        return self.careful and self.size == 1


@dataclass(frozen=True)
class Done:
    """What a committed chunk amounted to, and whether it ended its partition."""

    items: int
    closed: bool


def commit_chunk(lease: Lease, run: Run, partition: Partition, operation: BaseOperation, mode: Mode) -> Done:
    """Do the next chunk of the partition in one transaction.

    Args:
        lease: The right to do it.
        run: The run, just read.
        partition: The partition, just read.
        operation: The operation with the run's parameters.
        mode: How to do it.

    Returns:
        How many items were done, and whether the partition ended.

    Raises:
        LeaseLost: Somebody else owns the partition; nothing was written.
        Overtaken: The run was told to stop meanwhile; nothing was written.
        Exception: Whatever the operation raised; nothing was written.
    """
    if partition.kind == Partition.Kind.PREPARE:
        if operation.reads_rows and not is_ready(run):
            return Done(0, stage(lease, run, operation))
        return _prepare(lease, run, partition, operation)
    if isinstance(operation, ExternalOperation):
        return _call(lease, run, partition, operation, mode)
    if makes_file(operation, run):
        return _gather(lease, run, partition, operation, mode)
    return _work(lease, run, partition, operation, mode)


def _prepare(lease: Lease, run: Run, partition: Partition, operation: BaseOperation) -> Done:
    with transaction.atomic():
        bound_waiting(lease.seconds - settings.margin)
        return Done(settings.prepare_batch, prepare_batch(lease, run, partition, operation))


def _work(lease: Lease, run: Run, partition: Partition, operation: BaseOperation, mode: Mode) -> Done:
    performer = performer_of(run, partition, operation)
    started = time.monotonic()
    with transaction.atomic():
        if time.monotonic() - started > WAITED:
            _look_again(run)  # SQLite's BEGIN waits for its other writers, and one of them may have cancelled
        bound_waiting(lease.seconds - settings.margin)
        chunk = read_chunk(run, partition, operation, min(mode.size, SAVEPOINTS) if mode.isolated else mode.size)
        outcome = _perform(performer, chunk, mode)
        chunk = performer.reached(chunk, outcome)
        took = time.monotonic() - started
        closed = _write(lease, run, partition, chunk, outcome, _pulse(partition, chunk, mode, took), before=mode.before)
    return Done(chunk.items, closed)


def _look_again(run: Run) -> None:
    if _STATE.first(run=run.pk) in {(state,) for state in STOPPING}:
        raise Overtaken


def _gather(lease: Lease, run: Run, partition: Partition, operation: FileOperation, mode: Mode) -> Done:
    """Gather what the next items add to a file with no transaction open, for they are only read; at the end, make it."""
    performer = Performer(run, partition, operation)
    started = time.monotonic()
    mode = replace(mode, size=min(mode.size, SAVEPOINTS if mode.isolated else GATHERED))
    chunk = read_chunk(run, partition, operation, mode.size, locking=False)
    if not chunk.pieces:
        return _join(lease, run, partition, operation, mode)
    outcome = _perform(performer, chunk, mode)
    took = time.monotonic() - started
    with transaction.atomic():
        bound_waiting(lease.seconds - settings.margin)
        lock_unchanged(run, chunk)
        outputs.keep_part(run, operation)
        chunk = performer.reached(chunk, outcome)
        pulse = _pulse(partition, chunk, mode, took, reads=True)
        closed = _write(lease, run, partition, chunk, outcome, pulse, before=mode.before)
    return Done(chunk.items, closed)


def _join(lease: Lease, run: Run, partition: Partition, operation: FileOperation, mode: Mode) -> Done:
    """Make the file of its parts with no transaction open, then end the partition with it."""
    with outputs.joined(run, operation) as file, transaction.atomic():
        bound_waiting(lease.seconds - settings.margin)
        outputs.publish(file)
        nothing = Chunk(partition.cursor, [], is_last=True)
        closed = _write(lease, run, partition, nothing, Outcome(), {}, before=mode.before)
    return Done(0, closed)


def _perform(performer: Performer, chunk: Chunk, mode: Mode) -> Outcome:
    isolated = mode.isolated or mode.is_alone
    if performer.run.dry_run:
        return performer.dry(chunk, isolated=isolated)
    if not isolated:
        return performer.whole(chunk)
    return performer.one_by_one(chunk.singles())


def _call(lease: Lease, run: Run, partition: Partition, operation: ExternalOperation, mode: Mode) -> Done:
    """Call the outside with no transaction open, one item a checkpoint (PROTOCOL C9)."""
    performer = Performer(run, partition, operation)
    started = time.monotonic()
    with transaction.atomic():  # waits for a withdrawal, which from now on is refused
        chunk = read_chunk(run, partition, operation, 1)
    answers = [_answer(performer, operation, piece) for piece in chunk.pieces]
    with transaction.atomic():
        bound_waiting(lease.seconds - settings.margin)
        fresh = read_chunk(run, partition, operation, 1)
        outcome = Outcome()
        for before, piece, answer in zip(chunk.pieces, fresh.pieces, answers, strict=True):
            outcome.add(performer.answered(before if before.is_gone else piece, answer))
        rate = _rate(partition, fresh, time.monotonic() - started)
        closed = _write(lease, run, partition, fresh, outcome, {"rate": rate}, before=mode.before)
    return Done(chunk.items, closed)


def _answer(performer: Performer, operation: ExternalOperation, piece: Any) -> Any:
    if piece.is_gone or (piece.target is not None and piece.target.withdrawn):
        return None
    try:
        return operation.call(piece.obj, performer.key_of(piece))
    except ItemOutcome as outcome:
        return outcome
    except Exception as error:
        if is_transient(error, operation):
            raise
        return error


def blame_next(
    lease: Lease, run: Run, partition: Partition, operation: BaseOperation, error: Exception, *, before: int = 0
) -> Done:
    """Write the failure of the next item without trying it again, and step over it.

    Raises:
        LeaseLost: Somebody else owns the partition.
    """
    with transaction.atomic():
        chunk = read_chunk(run, partition, operation, 1)
        outcome = Outcome()
        for piece in chunk.pieces:
            outcome.fail(performer_of(run, partition, operation).failure(piece, error))
        closed = _write(lease, run, partition, chunk, outcome, {"caution": left(partition, 1)}, before=before)
    return Done(chunk.items, closed)


def _write(
    lease: Lease, run: Run, partition: Partition, chunk: Chunk, outcome: Outcome, pulse: dict[str, Any], *, before: int
) -> bool:
    """Write the report and, as the last statement, the fence; tells whether the partition ended."""
    failures.report(outcome.failures)
    if outcome.touched:
        insert_seen(run, outcome.touched)
    if outcome.imported:
        keep_rows(run, outcome.imported)
    fields = {**pulse, **_memory(partition, outcome)}
    why = _reason_to_stop(run, partition, outcome)
    if not why and not chunk.is_last:
        partitions.checkpoint(lease, chunk.start, chunk.end, outcome, **fields)
        return False
    run = lock(run.pk)  # before its partition (PROTOCOL C2, H6)
    closes = Partition.Outcome.FAILED if why else Partition.Outcome.DONE
    items = before + chunk.items
    partitions.checkpoint(lease, chunk.start, chunk.end, outcome, closes=closes, items=items, **fields)
    if why:
        stop(run, why)
    else:
        settle(run)
    return True


def _reason_to_stop(run: Run, partition: Partition, outcome: Outcome) -> str:
    if outcome.stops or not outcome.failed:
        return outcome.stops
    first = next(f for f in outcome.failures if not f.is_skip)
    if run.on_error == OnError.STOP:
        return _("Stopped at the first failure: %(reason)s") % {"reason": first.reason}
    if run.max_failures is None:
        return ""
    others = Partition.objects.filter(run=run).exclude(pk=partition.pk).aggregate(n=Sum("failed"))["n"] or 0
    if others + partition.failed + outcome.failed <= run.max_failures:
        return ""
    return _("Stopped: more than %(count)s failures, the last: %(reason)s") % {
        "count": number_format(run.max_failures, force_grouping=True),
        "reason": outcome.failures[-1].reason,
    }


def _pulse(partition: Partition, chunk: Chunk, mode: Mode, took: float, *, reads: bool = False) -> dict[str, Any]:
    """Return the caution that is left, and the chunk size and rate that this chunk teaches; isolated ones teach nothing."""
    caution = {"caution": left(partition, max(chunk.items, 1))} if mode.careful else {}
    if mode.isolated or not chunk.items:
        return caution
    fitting = adapted(mode.size, chunk.items, took, chunk_time(reads=reads))
    return caution | {
        "chunk_size": next_size(partition, chunk.items) if mode.careful else fitting,
        "rate": _rate(partition, chunk, took),
    }


def _rate(partition: Partition, chunk: Chunk, took: float) -> float | None:
    """Return how many items a second are done, steadied by what was known before.

    The mean is that of the time an item takes: one that is refused at once does not promise that the others go as fast.
    """
    if not chunk.items:
        return partition.rate
    each = max(took / chunk.items, 1e-6, 1 / partition.run.pace if partition.run.pace else 0.0)
    return 1 / (STEADY / partition.rate + (1 - STEADY) * each) if partition.rate else 1 / each


def _memory(partition: Partition, outcome: Outcome) -> dict[str, Any]:
    """Return what the partition remembers of its items.

    The first results, and that one of them could be done; of rows how many were of which kind, and the first of each.
    """
    fields: dict[str, Any] = {}
    if outcome.counts:
        fields["tally"] = dict(Counter(partition.tally) + outcome.counts)
    if any(outcome.shown.values()):
        kinds = partition.shown | outcome.shown
        fields["shown"] = {kind: partition.shown.get(kind, []) + outcome.shown.get(kind, []) for kind in kinds}
    if outcome.sample and len(partition.sample) < SAMPLE:
        fields["sample"] = (partition.sample + outcome.sample)[:SAMPLE]
    if outcome.done and partition.given_up:
        fields["given_up"] = 0
    return fields
