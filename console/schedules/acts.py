"""What people ask of a schedule: on, off, run now, skip the next, make up for a range. Each checks its permission and is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from console.engine.acceptance import check_may_start
from console.engine.transactions import short_transaction
from console.exceptions import NotDeclared, NothingToBackfill, NothingToSkip, NotPermitted, NotStarted, TooManyTimes
from console.models import Run, Schedule, ScheduleEvent, Slot
from console.operations import get_operation
from console.reports.words import person
from console.schedules import declared, store
from console.schedules.planning import PLAN, go_on, plan
from console.schedules.slots import Outcome, begin, give_up_waiting, record
from console.schedules.store import Entry

if TYPE_CHECKING:
    from console.engine.people import User

PERMISSION = "django_celery_beat.change_periodictask"
MOST = 1000  # times that are made up for at once
UNDONE = frozenset({Outcome.SKIPPED, Outcome.MISSED, Outcome.FAILED, Outcome.CANCELLED, Outcome.NOTHING})


@short_transaction
def enable(schedule_id: int, *, by: User | None = None, reason: str = "", moment: datetime | None = None) -> Schedule:
    """Switch a schedule on; nothing is made up for the time it was off.

    Raises:
        NotPermitted: The permission is missing.
    """
    check_permitted(by, pgettext("schedule", "switch it on"))
    schedule = _lock(schedule_id)
    store.switch(schedule.task_id, on=True)
    plan(schedule, store.entry_of(schedule.task_id), moment or timezone.now())
    schedule.failures, schedule.off_reason = 0, ""
    return _keep(schedule, "enabled", by, reason)


@short_transaction
def disable(schedule_id: int, *, by: User | None = None, reason: str = "", moment: datetime | None = None) -> Schedule:
    """Switch a schedule off; runs that have started go on, times that wait for them are skipped.

    Raises:
        NotPermitted: The permission is missing.
    """
    check_permitted(by, pgettext("schedule", "switch it off"))
    schedule = _lock(schedule_id)
    store.switch(schedule.task_id, on=False)
    plan(schedule, store.entry_of(schedule.task_id), moment or timezone.now())
    schedule.off_reason = _("By %(person)s: %(reason)s") if reason else _("By %(person)s.")
    schedule.off_reason %= {"person": person(by), "reason": reason}  # type: ignore[arg-type]
    give_up_waiting(schedule, schedule.off_reason)
    return _keep(schedule, "disabled", by, reason)


@short_transaction
def skip_next(schedule_id: int, *, by: User | None = None, reason: str = "") -> Schedule:
    """Skip the next time of a schedule: its row says by whom.

    Raises:
        NotPermitted: The permission is missing.
        NothingToSkip: It has no next time.
    """
    check_permitted(by, pgettext("schedule", "skip a time of it"))
    schedule = _lock(schedule_id)
    if schedule.next_slot is None:
        raise NothingToSkip
    why = _("Skipped by %(person)s: %(reason)s") if reason else _("Skipped by %(person)s.")
    record(schedule, schedule.next_slot, Outcome.SKIPPED, why % {"person": person(by), "reason": reason})  # type: ignore[arg-type]
    schedule.since = schedule.next_slot
    go_on(schedule, store.entry_of(schedule.task_id))
    return _keep(schedule, "skipped", by, reason)


@short_transaction
def run_now(
    schedule_id: int,
    *,
    by: User | None = None,
    params: Mapping[str, Any] | None = None,
    reason: str = "",
    moment: datetime | None = None,
) -> Run:
    """Start the schedule's operation now, with its own filter and parameters, or with others this once.

    Raises:
        NotPermitted: The permission for schedules, or for the operation, is missing.
        ConsoleError: Nothing was started, and why.
    """
    check_permitted(by, pgettext("schedule", "run it now"))
    schedule = _lock(schedule_id)
    check_may_start(get_operation(schedule.operation), by)
    slot = Slot(schedule=schedule, at=moment or timezone.now(), kind=Slot.Kind.NOW)
    run = begin(schedule, slot, slot.at, by=by, params=params)
    if run is None:  # the person is told; nothing is kept of it
        raise NotStarted(slot.reason or _("Nothing was started: there is nothing to do."))
    _keep(schedule, "run now", by, reason)
    return run


@short_transaction
def reset(schedule_id: int, *, by: User | None = None, reason: str = "") -> Schedule:
    """Put back what the code declares of a schedule; whether it is on stays as it is.

    Raises:
        NotPermitted: The permission is missing.
        NotDeclared: The code does not declare it, or no longer.
    """
    check_permitted(by, pgettext("schedule", "reset it"))
    schedule = _lock(schedule_id)
    if declared.declaration_of(schedule) is None:
        raise NotDeclared
    declared.reset(schedule)
    note(schedule, "reset", by=by, reason=reason)
    return schedule


def to_backfill(schedule: Schedule, first: datetime, last: datetime, moment: datetime | None = None) -> list[datetime]:
    """Return the times of a past range that have no run, by the times as they are set now.

    Raises:
        TooManyTimes: There are more than can be made up for at once.
        InvalidTiming: The times cannot be reckoned.
    """
    entry = store.entry_of(schedule.task_id)
    return _to_backfill(schedule, entry, first, min(last, moment or timezone.now()))


@short_transaction
def backfill(
    schedule_id: int,
    first: datetime,
    last: datetime,
    *,
    by: User | None = None,
    reason: str = "",
    moment: datetime | None = None,
) -> list[datetime]:
    """Make up for the times of a past range that have no run: one after the other, or beside each other where allowed.

    Returns:
        The times; the scheduler starts their runs.

    Raises:
        NotPermitted: The permission for schedules, or for the operation, is missing.
        NothingToBackfill: Each time of the range has its run, or there is none.
        TooManyTimes: There are more than can be made up for at once.
    """
    check_permitted(by, pgettext("schedule", "make up for times of it"))
    schedule = _lock(schedule_id)
    check_may_start(get_operation(schedule.operation), by)
    now = moment or timezone.now()
    times = _to_backfill(schedule, store.entry_of(schedule.task_id), first, min(last, now))
    if not times:
        raise NothingToBackfill
    told = _("Made up for by %(person)s.") % {"person": person(by)}  # type: ignore[arg-type]
    waiting = [
        Slot(schedule=schedule, at=at, kind=Slot.Kind.BACKFILL, outcome=Outcome.WAITING, open=True, reason=told)
        for at in times
    ]
    # A time that was skipped has its row already: it waits again.
    Slot.objects.bulk_create(
        waiting,
        update_conflicts=True,
        unique_fields=["schedule", "at"],
        update_fields=["kind", "outcome", "open", "reason"],
    )
    _keep(schedule, "backfilled", by, reason)
    return times


def check_permitted(by: User | None, act: str) -> None:
    """Check that `by` may change schedules.

    Raises:
        NotPermitted: The permission is missing.
    """
    if by is not None and not by.has_perm(PERMISSION):
        raise NotPermitted(PERMISSION, act)


def note(schedule: Schedule, what: str, *, by: User | None, reason: str = "") -> None:
    """Add a line to the schedule's history."""
    ScheduleEvent.objects.create(schedule=schedule, what=what, by_id=by.pk if by else None, reason=reason)


def _to_backfill(schedule: Schedule, entry: Entry, first: datetime, last: datetime) -> list[datetime]:
    before = first.replace(microsecond=0) - timedelta(microseconds=1)
    times = entry.timing.after(before, schedule.anchor)
    found = list(islice(takewhile(lambda at: at <= last, times), MOST + 1))
    if len(found) > MOST:
        raise TooManyTimes(MOST)
    kept = Slot.objects.filter(schedule=schedule, at__gte=first, at__lte=last).exclude(outcome__in=UNDONE)
    done = set(kept.values_list("at", flat=True))
    return [at for at in found if at not in done]


def _lock(schedule_id: int) -> Schedule:
    return Schedule.objects.select_for_update(no_key=True).get(pk=schedule_id)


def _keep(schedule: Schedule, what: str, by: User | None, reason: str) -> Schedule:
    schedule.save(update_fields=(*PLAN, "failures", "off_reason"))
    note(schedule, what, by=by, reason=reason)
    return schedule
