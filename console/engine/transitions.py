"""The only writer of a run's state. Whoever calls `move` or `settle` holds the Run's row lock (PROTOCOL C1)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import transaction
from django.db.models import Case, Q, When

from console.conf import settings
from console.engine.clock import after, now
from console.engine.statements import Bound, Given, Rows, insert
from console.exceptions import UnlawfulTransition
from console.models import Event, Partition, Run
from console.signals import run_ended
from console.states import ENDED, State, is_lawful

if TYPE_CHECKING:
    from datetime import datetime

    from console.engine.people import User

COUNTERS = ("done", "failed", "skipped")
OPEN = Q(outcome=None)
UNLEASED = Q(lease_until=None) | Q(lease_until__lte=now())
# Refused, or paced: nobody was told of it, and nobody shall be before its time.
HELD_BACK = Q(sent_at=None, backing_off=False, wake_at__gt=now())


class _Part(NamedTuple):
    """What settling asks of a partition."""

    outcome: str | None
    lease_until: datetime | None
    wake_at: datetime | None
    backing_off: bool
    held_back: bool
    done: int
    failed: int
    skipped: int


_ONE = Rows(lambda: Run.objects.filter(pk=Given("run")))
_LOCKED = Rows(lambda: Run.objects.select_for_update(no_key=True).filter(pk=Given("run")))
_PARTS = Rows(
    lambda: (
        Partition.objects.filter(run=Given("run"))
        .annotate(held_back=Case(When(HELD_BACK, then=True), default=False))
        .values_list(*_Part._fields)
    )
)


def lock(run_id: int) -> Run:
    """Lock the Run's row, and return it as it is now.

    Raises:
        Run.DoesNotExist: It was deleted.
    """
    run: Run | None = _LOCKED.first(run=run_id)
    if run is None:
        raise Run.DoesNotExist
    return run


def move(run: Run, to: State, **fields: Any) -> None:
    """Write the run's state, and `fields` with it.

    Raises:
        UnlawfulTransition: The table has no such arrow: a bug.
    """
    moving(run, to, **fields).run()


def moving(run: Run, to: State, **fields: Any) -> Bound:
    """Return the statement of `move`, for another one to follow; the instance is changed already.

    Raises:
        UnlawfulTransition: The table has no such arrow: a bug.
    """
    if run.state != to:
        if not is_lawful(State(run.state), to):
            raise UnlawfulTransition(run.pk, run.state, to)
        fields["state"] = to
    for name, value in fields.items():
        setattr(run, name, value)
    return _ONE.updating({"run": run.pk}, **fields, changed_at=now())


def record(run: Run, what: str, *first: Bound, by: User | None = None, reason: str = "") -> None:
    """Add a line to the run's history, after the statements that come `first`."""
    insert(Event(run_id=run.pk, by_id=by.pk if by else None, what=what, reason=reason), *first)


def settle(run: Run) -> None:
    """End or park the run if nothing is left to do; the caller has changed a partition under the Run's lock.

    A run without an open partition ends; one that was pausing, and has none leased, is paused. One whose partitions all
    back off waits, and one whose partitions are all refused or paced makes room for others.
    """
    if run.state in ENDED:
        return
    parts = _parts_of(run)
    left = [part for part in parts if part.outcome is None]
    if not left:
        _end(run, _end_state(run, parts), parts)
    elif any(part.lease_until for part in left):
        return
    elif run.state == State.PAUSING:
        if all(part.wake_at is None for part in left):
            park(run)
    elif run.state == State.RUNNING and all(part.backing_off for part in left):
        move(run, State.WAITING)
    elif run.state == State.RUNNING and all(part.held_back for part in left):
        move(run, State.QUEUED)


def end(run: Run, to: State) -> None:
    """End the run with the sums of its partitions; with the state its holds are free."""
    _end(run, to, _parts_of(run))


def _end(run: Run, to: State, parts: list[_Part]) -> None:
    ending = moving(run, to, ended_at=now(), **{name: sum(getattr(part, name) for part in parts) for name in COUNTERS})
    record(run, to, ending, reason=run.why if to == State.FAILED else "")
    transaction.on_commit(partial(run_ended.send_robust, sender=Run, run=run), robust=True)


def _parts_of(run: Run) -> list[_Part]:
    return [_Part(*row) for row in _PARTS.read(run=run.pk)]


def _end_state(run: Run, parts: list[_Part]) -> State:
    if run.state == State.CANCELLING:
        return State.FAILED if run.stopped_by_error else State.CANCELLED
    broken = any(part.outcome == Partition.Outcome.FAILED for part in parts)
    return State.FAILED if broken else State.SUCCEEDED


def park(run: Run) -> None:
    """Pause the run, none of whose partitions is leased; a pause that everybody forgot is cancelled some day (M10)."""
    Partition.objects.filter(OPEN, run=run).update(wake_at=after(settings.paused_max))
    move(run, State.PAUSED)
    record(run, State.PAUSED)
