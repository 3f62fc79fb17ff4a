"""Claiming a partition: one short transaction under the Run's lock (PROTOCOL §3)."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from console.conf import settings
from console.engine import admission, failures, partitions
from console.engine.caution import narrowed, stands_alone
from console.engine.chunks import Outcome
from console.engine.clock import now
from console.engine.faults import describe
from console.engine.items import makes_file, read_chunk
from console.engine.languages import speaking
from console.engine.leases import Lease
from console.engine.obedience import obey, stop
from console.engine.pieces import Piece
from console.engine.row_chunks import performer_of
from console.engine.statements import Bound
from console.engine.transactions import short_transaction
from console.engine.transitions import moving, settle
from console.models import Partition, Run
from console.operations import known_operation
from console.operations.base import BaseOperation, OnError
from console.states import CLAIMABLE, STOPPING, State

IN_A_ROW = 3


@short_transaction
def claim(run_id: int, partition_id: int, token: int, *, task_id: str, worker: str) -> Lease | None:
    """Win the right to work the partition, or return None: the message is stale, or the run may not work now.

    Args:
        run_id: The run, locked first.
        partition_id: The partition that the message names.
        token: The message's token: good only while the partition still has it (PROTOCOL C3).
        task_id: Celery's id of this delivery.
        worker: The worker's name.
    """
    locked = admission.lock(run_id)
    if locked is None:
        return None
    run, limit = locked
    with speaking(run):
        return _claim(run, limit, partition_id, token, task_id=task_id, worker=worker)


def _claim(run: Run, limit: int | None, partition_id: int, token: int, *, task_id: str, worker: str) -> Lease | None:
    if run.state in STOPPING:
        obey(run)
        return None
    partition = partitions.claimable(run.pk, partition_id, token) if run.state in CLAIMABLE else None
    if partition is None:
        return None
    if not admission.admit(run, limit):
        partitions.refuse(partition)
        settle(run)
        return None
    operation = known_operation(run.operation)
    starting = _starting(run)
    if _is_spent(partition, operation):
        for statement in starting:
            statement.run()
        starting = []
        if not _give_up(run, partition, operation):
            return None
    partition.run = run
    return partitions.lease(
        partition,
        settings.lease(operation.timeout if operation else None),
        *starting,
        task_id=task_id,
        worker=worker,
        **narrowed(partition, _tries(operation)),
    )


def _starting(run: Run) -> list[Bound]:
    if run.state == State.RUNNING:
        return []
    return [moving(run, State.RUNNING, **({} if run.started_at else {"started_at": now()}))]


def _tries(operation: type[BaseOperation] | None) -> int:
    return (operation or BaseOperation).retry.tries


def _is_spent(partition: Partition, operation: type[BaseOperation] | None) -> bool:
    """Tell whether the next item has used up all tries, alone."""
    alone = stands_alone(partition) or (operation is not None and operation.external)
    return alone and partition.tries >= _tries(operation)


def _give_up(run: Run, partition: Partition, operation: type[BaseOperation] | None) -> bool:
    """Step over the item that used up all tries, in this transaction: nobody need survive it (PROTOCOL H3).

    Returns:
        Whether there is still something to claim.
    """
    if operation is None or partition.kind == Partition.Kind.PREPARE:
        _fail(run, partition, partition.error)
        return False
    return _bury(run, partition, operation)


def _bury(run: Run, partition: Partition, operation: type[BaseOperation]) -> bool:
    try:
        with transaction.atomic():
            instance = operation(run.params)
            chunk = read_chunk(run, partition, instance, 1, locking=False)
    except Exception as error:  # noqa: BLE001 - not even the item can be read: the run ends all the same
        _fail(run, partition, describe(error))
        return False
    if not chunk.pieces and makes_file(instance, run):
        _fail(run, partition, _lost_file(partition))
        return False
    if not chunk.pieces:
        partitions.step_over(partition, chunk.end, Outcome(), closes=Partition.Outcome.DONE)
        settle(run)
        return False
    piece: Piece = chunk.pieces[0]
    reason = _lost_words(partition) if partition.lease_until is not None else partition.error
    outcome = performer_of(run, partition, instance).given_up(piece, reason)
    failures.report(outcome.failures)
    if run.on_error == OnError.STOP or partition.given_up + 1 >= IN_A_ROW:
        partitions.step_over(partition, chunk.end, outcome)
        _fail(run, partition, reason)
        return False
    closes = Partition.Outcome.DONE if chunk.is_last else ""
    partitions.step_over(partition, chunk.end, outcome, closes=closes)
    if closes:
        settle(run)
        return False
    partition.refresh_from_db()
    return True


def _lost_words(partition: Partition) -> str:
    return _("The worker died or stopped answering each time at this item (%(tries)d tries).") % {
        "tries": partition.tries
    }


def _lost_file(partition: Partition) -> str:
    if partition.lease_until is None:
        return partition.error
    return _("The worker died or stopped answering each time while it put the file together (%(tries)d tries).") % {
        "tries": partition.tries
    }


def _fail(run: Run, partition: Partition, why: str) -> None:
    partitions.fail(partition, why)
    stop(run, why)
