"""Carrying out a partition: claim it, do chunks until the slice is over, and leave it in good order whatever happens."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, transaction

from console.conf import settings
from console.engine import endings, partitions, wakeups
from console.engine.caution import stands_alone
from console.engine.checkpoints import Mode, blame_next, commit_chunk
from console.engine.claims import claim
from console.engine.faults import describe, is_transient, reason_of, traceback_of
from console.engine.holds import current_run
from console.engine.languages import speaking
from console.engine.leases import Lease
from console.engine.sizes import next_size, rest_after
from console.engine.transactions import drop_broken_connection
from console.exceptions import FileNotWritten, InvalidParameters, LeaseLost, Overtaken, Retry
from console.logs import at_work
from console.models import Attempt, Partition, Run
from console.operations import get_operation, known_operation
from console.operations.base import BaseOperation
from console.operations.files import FileOperation
from console.states import State

logger = logging.getLogger(__name__)

SHORT_REST = 0.5


def carry_out(
    run_id: int, partition_id: int, token: int, *, task_id: str, worker: str, eager: bool = False
) -> str | None:
    """Answer a wake-up: claim its partition and work on it for one slice.

    Args:
        run_id: The run.
        partition_id: Its partition.
        token: The token for which the wake-up is good.
        task_id: Celery's id of the delivery.
        worker: The worker's name.
        eager: Whether it runs in the caller's own process, where nothing yields (PROTOCOL M8).

    Returns:
        How the attempt ended, or None if the wake-up was stale.
    """
    drop_broken_connection()  # Celery keeps connections over many tasks, broken ones too
    lease = claim(run_id, partition_id, token, task_id=task_id, worker=worker)
    if lease is None:
        return None
    reset = current_run.set(run_id)
    try:
        with at_work(run_id, partition_id, lease.attempt_id):
            return _worked(lease, eager=eager)
    finally:
        current_run.reset(reset)


def _worked(lease: Lease, *, eager: bool) -> str:
    try:
        return _Slice(lease, eager=eager).work()
    except Exception:
        # Nothing is lost: the lease ends by itself, and the next claim goes on from the stored cursor.
        logger.exception("run %s, partition %s: the slice broke off", lease.run_id, lease.partition_id)
        drop_broken_connection()
        return Attempt.Outcome.LOST


@dataclass
class Seen:
    """What a fresh look at the partition told."""

    run: Run
    partition: Partition


class _Slice:
    """One claim's work: at most the slice's time, chunk by chunk."""

    def __init__(self, lease: Lease, *, eager: bool) -> None:
        self.lease, self.eager = lease, eager
        self.ends_at = time.monotonic() + settings.slice
        self.items = 0
        self.chunks = 0
        self.left_to_isolate = 0
        self.worked = 0.0
        self.operation: BaseOperation | None = None

    def work(self) -> str:
        """Work until the slice or the partition ends, in the run's language; returns how the attempt ended."""
        seen = self._claimed() or self._look()
        if seen is None:
            return self._close(Attempt.Outcome.FENCED)
        with speaking(seen.run):
            return self._work(seen)

    def _work(self, seen: Seen | None) -> str:
        while True:
            seen = seen or self._look()
            if seen is None:
                return self._close(Attempt.Outcome.FENCED)
            stopped = self._obey(seen)
            if stopped:
                return stopped
            if self.chunks and not self.eager and time.monotonic() >= self.ends_at:
                return self._yield()
            ended = self._chunk(seen)
            if ended:
                return ended
            seen = None

    def _claimed(self) -> Seen | None:
        """Return what the claim saw a moment ago, which spares the first look."""
        partition = self.lease.claimed
        return Seen(partition.run, partition) if partition else None

    def _look(self) -> Seen | None:
        """Read the partition again: what is known from before counts for nothing (PROTOCOL C4).

        Nothing is open here: where the connection was cut, a new one reads as well.
        """
        try:
            return self._read()
        except (OperationalError, InterfaceError):
            drop_broken_connection()
            return self._read()

    def _read(self) -> Seen | None:
        partition = self.lease.look()
        return Seen(partition.run, partition) if partition else None

    def _obey(self, seen: Seen) -> str:
        if seen.run.state == State.CANCELLING:
            return endings.cancel(self.lease, self.items)
        if seen.run.state == State.PAUSING:
            return endings.park(self.lease, self.items)
        return ""

    def _chunk(self, seen: Seen) -> str:
        """Do one chunk; returns how the attempt ended, or nothing if it goes on."""
        started = time.monotonic()
        mode = self._mode(seen)
        try:
            done = commit_chunk(self.lease, seen.run, seen.partition, self._operation(seen.run), mode)
        except LeaseLost:
            return self._close(Attempt.Outcome.FENCED) if self._look() is None else ""
        except Overtaken:
            return ""
        except Exception as error:  # noqa: BLE001 - whatever an operation raises becomes a report
            return self._recover(seen, mode, error)
        self.chunks += 1
        self.items += done.items
        self.left_to_isolate = max(0, self.left_to_isolate - done.items)
        if done.closed:
            return self._closed(seen)
        return self._breathe(seen, done.items, time.monotonic() - started)

    def _operation(self, run: Run) -> BaseOperation:
        """Return the operation: made anew for each chunk, for what its parameters name may change; not so for rows of a file."""
        if self.operation is None or not self.operation.reads_rows:
            self.operation = get_operation(run.operation)(run.params)
        return self.operation

    def _mode(self, seen: Seen) -> Mode:
        size = 1 if _is_external(seen.run) else next_size(seen.partition, seen.run)
        careful = seen.partition.caution > 0
        return Mode(size=size, careful=careful, isolated=self.left_to_isolate > 0, before=self.items)

    def _recover(self, seen: Seen, mode: Mode, error: Exception) -> str:
        """After an error: look again, and if the chunk was not committed find out which item is to blame."""
        drop_broken_connection()
        self.operation = None  # what it remembers of this chunk was rolled back
        fresh = self._look()
        if fresh is None:
            return self._close(Attempt.Outcome.FENCED)
        if fresh.partition.cursor != seen.partition.cursor:
            logger.warning("run %s: an error after the commit: %s", seen.run.pk, describe(error))
            return ""
        if is_transient(error, known_operation(seen.run.operation)):
            return self._back_off(fresh, error)
        is_whole = isinstance(error, InvalidParameters | FileNotWritten)
        if is_whole or fresh.partition.kind == Partition.Kind.PREPARE:
            return self._fail(error)
        logger.info("run %s: a chunk failed, its items are tried one by one", seen.run.pk, exc_info=error)
        return self._narrow(fresh, mode, error)

    def _narrow(self, fresh: Seen, mode: Mode, error: Exception) -> str:
        """Try the items behind savepoints; if COMMIT itself failed one a transaction; and that one is to blame."""
        if mode.is_alone or _is_external(fresh.run):
            return self._blame(fresh, error)
        if mode.isolated:
            partitions.be_careful(self.lease, max(self.left_to_isolate, 1))
            self.left_to_isolate = 0
        else:
            self.left_to_isolate = mode.size
        return ""

    def _blame(self, fresh: Seen, error: Exception) -> str:
        """Write the failure of the one item that was tried alone, and step over it."""
        try:
            operation = get_operation(fresh.run.operation)(fresh.run.params)
            done = blame_next(self.lease, fresh.run, fresh.partition, operation, error, before=self.items)
        except LeaseLost:
            return self._close(Attempt.Outcome.FENCED)
        except Exception as another:  # noqa: BLE001 - not even the item can be read: the operation is at fault
            return self._fail(another)
        self.chunks += 1
        self.items += done.items
        return self._closed(fresh) if done.closed else ""

    def _back_off(self, fresh: Seen, error: Exception) -> str:
        operation = known_operation(fresh.run.operation) or BaseOperation
        tries = fresh.partition.tries
        after = error.after if isinstance(error, Retry) else None
        alone = stands_alone(fresh.partition) or operation.external
        spent = tries >= operation.retry.tries and alone
        delay = 0.0 if spent else operation.retry.delay(tries, after)
        return endings.back_off(self.lease, delay, describe(error), traceback_of(error), self.items)

    def _fail(self, error: Exception) -> str:
        """Fail the run: the fault is not one item's."""
        return endings.fail(self.lease, reason_of(error, None), traceback_of(error), self.items)

    def _breathe(self, seen: Seen, items: int, took: float) -> str:
        """Rest between two chunks, no transaction open: for the pace, and for SQLite's other writers (PROTOCOL C8)."""
        self.worked += 0.0 if isinstance(self.operation, FileOperation) else took
        rest = rest_after(seen.run, items, took, self.worked)
        self.worked = 0.0 if rest else self.worked
        left = self.ends_at - time.monotonic()
        # A short rest is slept off, and the next wake-up sent at once: a delayed one waits for somebody to look.
        if rest > max(left, SHORT_REST) and not self.eager:
            return endings.hold_back(self.lease, rest, self.items)
        time.sleep(rest)
        return ""

    def _yield(self) -> str:
        with transaction.atomic():
            given_back = partitions.yield_(self.lease)
            partitions.end_attempt(self.lease, Attempt.Outcome.YIELDED, items=self.items)
        if given_back:
            wakeups.send_first(Partition.objects.filter(pk=self.lease.partition_id).select_related("run"))
        return Attempt.Outcome.YIELDED

    def _closed(self, seen: Seen) -> str:
        """Send at once what this partition's end has made due; its last checkpoint has closed the attempt."""
        if seen.partition.kind == Partition.Kind.PREPARE:
            wakeups.send_owed_of(self.lease.run_id)
        return Attempt.Outcome.DONE

    def _close(self, outcome: str) -> str:
        partitions.end_attempt(self.lease, outcome, items=self.items)
        return outcome


def _is_external(run: Run) -> bool:
    operation = known_operation(run.operation)
    return operation is not None and operation.external
