"""How a slice ends where not all is done: each ending is one short transaction under the Run's lock."""

from __future__ import annotations

from console.engine import partitions
from console.engine.leases import Lease
from console.engine.obedience import stop
from console.engine.transactions import short_transaction
from console.engine.transitions import lock, settle
from console.models import Attempt, Partition, Run
from console.states import ENDED, STOPPING, State


@short_transaction
def cancel(lease: Lease, items: int) -> str:
    """End the partition of a run that is being cancelled."""
    run = lock(lease.run_id)
    partitions.end(lease, Partition.Outcome.CANCELLED)
    settle(run)
    partitions.end_attempt(lease, Attempt.Outcome.STOPPED, items=items)
    return Attempt.Outcome.STOPPED


@short_transaction
def hold_back(lease: Lease, delay: float, items: int) -> str:
    """Give the partition back until the pace allows more; a run that is stopping ends or parks it instead."""
    run = lock(lease.run_id)
    if run.state in STOPPING:
        _leave(run, lease)
    elif run.state not in ENDED:
        partitions.hold_back(lease, delay)
    settle(run)
    partitions.end_attempt(lease, Attempt.Outcome.YIELDED, items=items)
    return Attempt.Outcome.YIELDED


def _leave(run: Run, lease: Lease, error: str = "") -> None:
    """End or park the partition, as its stopping run asks."""
    if run.state == State.CANCELLING:
        partitions.end(lease, Partition.Outcome.CANCELLED, error)
    else:
        partitions.park(lease)


@short_transaction
def park(lease: Lease, items: int) -> str:
    """Park for a pause, unless it was resumed or cancelled since we looked (PROTOCOL M2)."""
    run = lock(lease.run_id)
    if run.state != State.PAUSING:
        return ""
    partitions.park(lease)
    settle(run)
    partitions.end_attempt(lease, Attempt.Outcome.PARKED, items=items)
    return Attempt.Outcome.PARKED


@short_transaction
def back_off(lease: Lease, delay: float, error: str, traceback: str, items: int) -> str:
    """Give the partition back until later; a run that is stopping ends or parks it instead."""
    run = lock(lease.run_id)
    if run.state in STOPPING:
        _leave(run, lease, error)
    elif run.state not in ENDED:
        partitions.back_off(lease, delay, error)
    settle(run)
    partitions.end_attempt(lease, Attempt.Outcome.BACKED_OFF, items=items, error=error, traceback=traceback)
    return Attempt.Outcome.BACKED_OFF


@short_transaction
def fail(lease: Lease, why: str, traceback: str, items: int) -> str:
    """Fail the partition, and stop the run: the fault is not one item's."""
    run = lock(lease.run_id)
    partitions.end(lease, Partition.Outcome.FAILED, why)
    stop(run, why)
    partitions.end_attempt(lease, Attempt.Outcome.FAILED, items=items, error=why, traceback=traceback)
    return Attempt.Outcome.FAILED
