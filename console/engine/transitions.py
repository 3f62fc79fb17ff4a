"""The only writer of a run's state. Whoever calls `move` or `settle` holds the Run's row lock (PROTOCOL C1)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q

from console.conf import settings
from console.engine.clock import after, now
from console.exceptions import UnlawfulTransition
from console.models import Event, Partition, Run
from console.signals import run_ended
from console.states import ENDED, State, is_lawful

if TYPE_CHECKING:
    from console.engine.people import User

COUNTERS = ("done", "failed", "skipped")
OPEN = Q(outcome=None)
UNLEASED = Q(lease_until=None) | Q(lease_until__lte=now())


def lock(run_id: int) -> Run:
    """Lock the Run's row, and return it as it is now.

    Raises:
        Run.DoesNotExist: It was deleted.
    """
    return Run.objects.select_for_update(no_key=True).get(pk=run_id)


def move(run: Run, to: State, **fields: Any) -> None:
    """Write the run's state, and `fields` with it.

    Raises:
        UnlawfulTransition: The table has no such arrow: a bug.
    """
    if run.state != to:
        if not is_lawful(State(run.state), to):
            raise UnlawfulTransition(run.pk, run.state, to)
        fields["state"] = to
    Run.objects.filter(pk=run.pk).update(**fields, changed_at=now())
    for name, value in fields.items():
        setattr(run, name, value)


def record(run: Run, what: str, *, by: User | None = None, reason: str = "") -> None:
    """Add a line to the run's history."""
    Event.objects.create(run=run, by_id=by.pk if by else None, what=what, reason=reason)


def settle(run: Run) -> None:
    """End or park the run if nothing is left to do; the caller has changed a partition under the Run's lock.

    A run without an open partition ends; one that was pausing, and has none leased, is paused.
    """
    if run.state in ENDED:
        return
    parts = list(
        Partition.objects.filter(run=run).values("outcome", "lease_until", "wake_at", "backing_off", *COUNTERS)
    )
    left = [part for part in parts if part["outcome"] is None]
    if not left:
        _end(run, _end_state(run, parts), parts)
    elif any(part["lease_until"] for part in left):
        return
    elif run.state == State.PAUSING:
        if all(part["wake_at"] is None for part in left):
            park(run)
    elif run.state == State.RUNNING and all(part["backing_off"] for part in left):
        move(run, State.WAITING)


def end(run: Run, to: State) -> None:
    """End the run with the sums of its partitions; with the state its holds are free."""
    _end(run, to, list(Partition.objects.filter(run=run).values(*COUNTERS)))


def _end(run: Run, to: State, parts: list[dict[str, Any]]) -> None:
    move(run, to, ended_at=now(), **{name: sum(part[name] for part in parts) for name in COUNTERS})
    record(run, to, reason=run.why if to == State.FAILED else "")
    transaction.on_commit(partial(run_ended.send_robust, sender=Run, run=run), robust=True)


def _end_state(run: Run, parts: list[dict[str, Any]]) -> State:
    if run.state == State.CANCELLING:
        return State.FAILED if run.stopped_by_error else State.CANCELLED
    broken = any(part["outcome"] == Partition.Outcome.FAILED for part in parts)
    return State.FAILED if broken else State.SUCCEEDED


def park(run: Run) -> None:
    """Pause the run, none of whose partitions is leased; a pause that everybody forgot is cancelled some day (M10)."""
    Partition.objects.filter(OPEN, run=run).update(wake_at=after(settings.paused_max))
    move(run, State.PAUSED)
    record(run, State.PAUSED)
