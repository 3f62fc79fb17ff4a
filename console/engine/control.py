"""The verbs: what a person, a schedule or code can ask of a run. Each is one short transaction."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from console.engine import partitions, wakeups
from console.engine.clock import now
from console.engine.relaunch import do_it_now, retry
from console.engine.transactions import short_transaction
from console.engine.transitions import end, lock, move, park, record
from console.engine.verbs import check_verb, is_lawful, is_permitted, verbs_for
from console.exceptions import AlreadyReached
from console.models import Partition, Run, Target
from console.operations import known_operation
from console.states import State, Verb

if TYPE_CHECKING:
    from console.engine.people import User

__all__ = ["cancel", "do_it_now", "is_lawful", "is_permitted", "pause", "resume", "retry", "verbs_for", "withdraw"]


@short_transaction
def cancel(run_id: int, *, by: User | None = None, reason: str = "") -> Run:
    """Cancel the run: at once where nobody works on it, else at the next checkpoint. What is done stays.

    Raises:
        NotPermitted: The permission is missing.
        VerbNotLawful: It has ended, or is being cancelled.
    """
    run = _asked(run_id, Verb.CANCEL, by, reason)
    if partitions.stop_unleased(run, Partition.Outcome.CANCELLED):
        move(run, State.CANCELLING)
    else:
        end(run, State.CANCELLED)
    return run


@short_transaction
def pause(run_id: int, *, by: User | None = None, reason: str = "") -> Run:
    """Pause the run: at once where nobody works on it, else at the next checkpoint. Its objects stay locked.

    Raises:
        NotPermitted: The permission is missing.
        VerbNotLawful: It has ended, or is stopping, or still prepares.
    """
    run = _asked(run_id, Verb.PAUSE, by, reason)
    if partitions.stop_unleased(run, None):
        move(run, State.PAUSING)
    else:
        park(run)
    return run


@short_transaction
def resume(run_id: int, *, by: User | None = None, reason: str = "") -> Run:
    """Go on with a paused or pausing run, or try a waiting one again now.

    Raises:
        NotPermitted: The permission is missing.
        VerbNotLawful: It is neither paused, pausing nor waiting.
    """
    run = _asked(run_id, Verb.RESUME, by, reason)
    partitions.wake_parked(run)
    move(run, State.RUNNING if run.state == State.PAUSING else State.QUEUED)
    transaction.on_commit(partial(wakeups.send_owed_of, run.pk), robust=True)
    return run


@short_transaction
def withdraw(run_id: int, *, target: int, by: User | None = None, reason: str = "") -> Run:
    """Leave one object out of a run that has not reached it yet; it is free at once.

    Args:
        run_id: The run.
        target: The id of the Target.
        by: Who asks.
        reason: Why, for the run's history.

    Raises:
        NotPermitted: The permission is missing.
        VerbNotLawful: The run has ended, or is being cancelled.
        AlreadyReached: The run has done this object, or is at it.
    """
    # The target before anything else, and never the Run: a chunk locks in this order too (PROTOCOL §6).
    row = Target.objects.select_for_update(no_key=True).filter(pk=target, run_id=run_id).first()
    run = Run.objects.get(pk=run_id)
    check_verb(run, Verb.WITHDRAW, by)
    if row is None or row.withdrawn or _is_reached(row):
        raise AlreadyReached(run_id)
    Target.objects.filter(pk=row.pk).update(withdrawn=True, hold=None)
    record(run, Verb.WITHDRAW, by=by, reason=reason)
    return run


def _is_reached(target: Target) -> bool:
    """Tell whether a cursor is at or past the target; needs its lock, and a new statement."""
    within = Q(first__lt=target.pk) & (Q(last=None) | Q(last__gte=target.pk))
    partition = Partition.objects.filter(within, run_id=target.run_id, outcome=None, position__lt=target.pk).first()
    if partition is None:
        return True
    following = Target.objects.filter(run_id=target.run_id, pk__gt=partition.position).order_by("pk")
    if following.values_list("pk", flat=True).first() != target.pk:
        return False
    return partition.part > target.first_part or _is_calling(partition)


def _is_calling(partition: Partition) -> bool:
    """Tell whether a worker may be calling the outside for the next target this moment: its lock is not held then."""
    operation = known_operation(partition.run.operation)
    is_external = operation is not None and operation.external
    return is_external and Partition.objects.filter(pk=partition.pk, lease_until__gt=now()).exists()


def _asked(run_id: int, verb: Verb, by: User | None, reason: str) -> Run:
    """Lock the run, check the verb, and write who asked for it and why."""
    run = lock(run_id)
    check_verb(run, verb, by)
    record(run, verb, by=by, reason=reason)
    move(run, State(run.state), why=reason)
    return run
