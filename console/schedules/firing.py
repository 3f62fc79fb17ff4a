"""The due times of schedules: each becomes one row, with its run or with the reason why there is none, in one transaction.

Any number of schedulers may look at once. Each transaction first locks the schedule's row, then looks again.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from itertools import islice, takewhile

from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils import timezone
from django.utils.translation import gettext as _

from console.conf import settings
from console.engine.transactions import short_transaction
from console.models import Schedule, Slot
from console.schedules import store
from console.schedules.planning import PLAN, due_at, go_on, plan
from console.schedules.slots import come, count_failure, record
from console.schedules.store import Entry
from console.schedules.words import between

logger = logging.getLogger(__name__)

AT_ONCE = 100  # times of one schedule in one look
MOST_MISSED = 100_000  # times that one row stands for
# Seconds after which a time counts as missed; where each is made up for, that is when it is too late for it.
PATIENCE = {Schedule.Missed.ONCE: 5, Schedule.Missed.SKIP: 60}


def fire_due(moment: datetime | None = None) -> int:
    """Look once for schedules that are due, and return how many of their times were dealt with.

    What goes wrong with one schedule keeps no other from its time.
    """
    now = moment or timezone.now()
    return sum(_fire_all(pk, now) for pk in due(now))


def due(moment: datetime) -> list[int]:
    """Return the schedules that are due, the longest overdue first; read by an index of what is due."""
    found = Schedule.objects.filter(next_at__lte=moment).order_by("next_at")
    return list(found.values_list("pk", flat=True)[: settings.sweep_limit])


def _fire_all(pk: int, moment: datetime) -> int:
    fired = 0
    try:
        while fired < AT_ONCE and fire(pk, moment):
            fired += 1
    except (OperationalError, InterfaceError):
        logger.exception("Schedule %s: the database did not answer; the next look tries again", pk)
        close_old_connections()
    except Exception as error:  # one schedule's trouble keeps no other from its time
        logger.exception("Schedule %s: its time failed", pk)
        _give_up(pk, moment, repr(error))
    return fired


@short_transaction
def _give_up(pk: int, moment: datetime, error: str) -> None:
    """Record a time as failed that could not even be dealt with, and go on after it."""
    schedule = Schedule.objects.select_for_update(no_key=True).filter(pk=pk, next_slot__isnull=False).first()
    if schedule is None or schedule.next_slot is None:
        return
    why = _("Nothing was started, because of an unexpected error (%(error)s).") % {"error": error}
    record(schedule, schedule.next_slot, Slot.Outcome.FAILED, why)
    schedule.since, schedule.next_slot, schedule.next_at = moment, None, None
    count_failure(schedule, why)
    entry = store.entry_of(schedule.task_id)
    try:
        go_on(schedule, entry)
    except Exception as trouble:  # nor does it come again until it is mended
        logger.exception("Schedule %s: its next time cannot be reckoned", pk)
        schedule.problem = repr(trouble)
    schedule.save(update_fields=(*PLAN, "failures", "off_reason"))


@short_transaction
def fire(pk: int, moment: datetime) -> bool:
    """Deal with the next due time of a schedule; return whether there was one.

    Raises:
        OperationalError: The database is busy or away; nothing was changed.
    """
    schedule = Schedule.objects.select_for_update(no_key=True).filter(pk=pk).first()
    if schedule is None or schedule.next_at is None or schedule.next_at > moment:
        return False
    entry = store.entry_of(schedule.task_id)
    if entry.text != schedule.timing:  # changed by somebody's hand, after this time was reckoned
        plan(schedule, entry, moment)
    else:
        _deal_with(schedule, entry, moment)
    schedule.save(update_fields=(*PLAN, "failures", "off_reason"))
    return True


def _deal_with(schedule: Schedule, entry: Entry, moment: datetime) -> None:
    slot = schedule.next_slot
    assert slot is not None
    if schedule.problem:
        record(schedule, slot, Slot.Outcome.FAILED, schedule.problem)
        count_failure(schedule, schedule.problem)
        schedule.next_slot = schedule.next_at = None
        return
    late = _missed(schedule, entry, moment)
    if late:
        _record_missed(schedule, late, moment)
        schedule.since = late[-1]
    else:
        come(schedule, slot, moment)
        schedule.since = slot
        if entry.timing.once:
            store.switch(entry.pk, on=False)
            schedule.timing = store.entry_of(entry.pk).text
            schedule.off_reason = schedule.off_reason or _("It was to run once.")
    go_on(schedule, store.entry_of(entry.pk))  # which may be off by now


def _missed(schedule: Schedule, entry: Entry, moment: datetime) -> list[datetime]:
    """Return the first due times, as far as it is too late for them."""
    times = entry.timing.after(schedule.since, schedule.anchor)
    found = list(islice(takewhile(lambda at: due_at(schedule, at) <= moment, times), MOST_MISSED))
    patience = PATIENCE.get(Schedule.Missed(schedule.missed), schedule.catch_up)
    late = [at for at in found if due_at(schedule, at) < moment - timedelta(seconds=patience)]
    if schedule.missed == Schedule.Missed.ONCE and late == found and _is_in_time(schedule, late[-1], moment):
        late.pop()
    return late


def _is_in_time(schedule: Schedule, slot: datetime, moment: datetime) -> bool:
    return due_at(schedule, slot) >= moment - timedelta(seconds=schedule.catch_up)


def _record_missed(schedule: Schedule, late: list[datetime], moment: datetime) -> None:
    why = _("The scheduler was away: %(range)s.") % {"range": between(late[0], moment)}
    record(schedule, late[0], Slot.Outcome.MISSED, why, until=late[-1], times=len(late))
