"""Claiming a partition: one short transaction under the Run's lock (PROTOCOL §3)."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from console.conf import settings
from console.engine import partitions
from console.engine.admission import admit
from console.engine.chunks import Outcome, Performer
from console.engine.clock import now
from console.engine.faults import describe
from console.engine.items import Piece, read_chunk
from console.engine.languages import speaking
from console.engine.obedience import obey, stop
from console.engine.partitions import Lease
from console.engine.transactions import short_transaction
from console.engine.transitions import OPEN, UNLEASED, move, settle
from console.models import Failure, Partition, Run
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
    run = Run.objects.select_for_update(no_key=True).filter(pk=run_id).first()
    if run is None:
        return None
    with speaking(run):
        return _claim(run, partition_id, token, task_id=task_id, worker=worker)


def _claim(run: Run, partition_id: int, token: int, *, task_id: str, worker: str) -> Lease | None:
    if run.state in STOPPING:
        obey(run)
        return None
    partition = _claimable(run, partition_id, token)
    if partition is None:
        return None
    if not admit(run):
        partitions.refuse(partition)
        return None
    _start(run)
    if not _give_up_if_spent(run, partition):
        return None
    operation = known_operation(run.operation)
    partition.run = run
    return partitions.lease(
        partition,
        settings.lease(operation.timeout if operation else None),
        task_id=task_id,
        worker=worker,
        **partitions.narrowed(partition, _tries(operation)),
    )


def _claimable(run: Run, partition_id: int, token: int) -> Partition | None:
    if run.state not in CLAIMABLE:
        return None
    mine = Partition.objects.filter(OPEN, UNLEASED, pk=partition_id, run=run, token=token)
    return mine.select_for_update(no_key=True).first()


def _start(run: Run) -> None:
    if run.state != State.RUNNING:
        move(run, State.RUNNING, **({} if run.started_at else {"started_at": now()}))


def _tries(operation: type[BaseOperation] | None) -> int:
    return (operation or BaseOperation).retry.tries


def _give_up_if_spent(run: Run, partition: Partition) -> bool:
    """Step over the item that used up all tries, in this transaction: nobody need survive it (PROTOCOL H3).

    Returns:
        Whether there is still something to claim.
    """
    operation = known_operation(run.operation)
    if partition.tries < _tries(operation):
        return True
    if not partitions.stands_alone(partition) and not (operation and operation.external):
        return True
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
    if not chunk.pieces:
        partitions.step_over(partition, chunk.end, Outcome(), closes=Partition.Outcome.DONE)
        settle(run)
        return False
    piece: Piece = chunk.pieces[0]
    reason = _lost_words(partition) if partition.lease_until is not None else partition.error
    outcome = Performer(run, partition, instance).given_up(piece, reason)
    Failure.objects.bulk_create(outcome.failures)
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


def _fail(run: Run, partition: Partition, why: str) -> None:
    partitions.fail(partition, why)
    stop(run, why)
