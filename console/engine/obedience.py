"""What a stopping run does with its partitions, with the database alone: no worker and no broker is needed (C5)."""

from __future__ import annotations

from console.engine.partitions import stop_unleased
from console.engine.transitions import move, settle
from console.models import Partition, Run
from console.states import State


def obey(run: Run) -> None:
    """End or park what has no live lease in a run that is cancelling or pausing; the caller holds its lock."""
    stop_unleased(run, Partition.Outcome.CANCELLED if run.state == State.CANCELLING else None)
    settle(run)


def stop(run: Run, why: str) -> None:
    """Stop the run because of an error, which is kept; the caller holds its lock, and has failed a partition."""
    if run.state != State.CANCELLING:  # a cancel that was asked for ends cancelled (PROTOCOL M1)
        move(run, State(run.state), why=why, stopped_by_error=True)
    if stop_unleased(run, Partition.Outcome.CANCELLED) and run.state != State.CANCELLING:
        move(run, State.CANCELLING)
    settle(run)
