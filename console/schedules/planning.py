"""Which time a schedule has next: reckoned when it was made, edited, switched on or off, and after each of its times."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from itertools import islice

from django.utils import timezone

from console.engine.transactions import short_transaction
from console.exceptions import InvalidTiming
from console.models import Schedule
from console.schedules import store
from console.schedules.store import Entry
from console.schedules.timing import Timing, anchor_at

PLAN = ("timing", "anchor", "since", "next_slot", "next_at", "problem")


def plan(schedule: Schedule, entry: Entry, moment: datetime) -> None:
    """Reckon a schedule anew that was made or changed at `moment`: nothing is made up for the time before it.

    Times that cannot be reckoned are due at once: that one fails, with its reason.
    """
    schedule.timing, schedule.problem = entry.text, ""
    schedule.anchor, schedule.since = moment, moment
    try:
        entry.timing.check()
        schedule.anchor = anchor_at(moment, entry.timing)
        go_on(schedule, entry)
    except InvalidTiming as error:
        schedule.problem = str(error)
        schedule.next_slot = schedule.next_at = moment if entry.enabled else None


def go_on(schedule: Schedule, entry: Entry) -> None:
    """Reckon the time after `since`; None where there is no more, or the schedule is off."""
    times = entry.timing.after(schedule.since, schedule.anchor) if entry.enabled else iter(())
    schedule.next_slot = next(times, None)
    schedule.next_at = due_at(schedule, schedule.next_slot) if schedule.next_slot else None


def next_times(timing: Timing, anchor: datetime | None, count: int = 10) -> list[datetime]:
    """Return the times that come next; none where they cannot be reckoned.

    Args:
        timing: When something is due.
        anchor: Where intervals are counted from; None: from now.
        count: The most times to return.
    """
    now = timezone.now()
    try:
        timing.check()
    except InvalidTiming:
        return []
    return list(islice(timing.after(now, anchor or anchor_at(now, timing)), 1 if timing.once else count))


def due_at(schedule: Schedule, slot: datetime) -> datetime:
    """Return when a time is due: later by its share of the spread, the same one for whoever asks."""
    if not schedule.spread:
        return slot
    told = hashlib.sha256(f"{schedule.pk} {slot.timestamp()}".encode()).digest()
    share = int.from_bytes(told[:8], "big") / 2**64
    return slot + timedelta(seconds=round(schedule.spread * share))


def replan(moment: datetime | None = None) -> int:
    """Look at every schedule for changes that anybody made in django-celery-beat's tables; return how many there were."""
    now = moment or timezone.now()
    kept = dict(Schedule.objects.values_list("task", "timing"))
    changed = [entry for entry in store.entries(Schedule.objects.values("task")) if kept.get(entry.pk) != entry.text]
    for entry in changed:
        _replan(entry.pk, now)
    return len(changed)


@short_transaction
def _replan(task_id: int, moment: datetime) -> None:
    schedule = Schedule.objects.select_for_update(no_key=True).filter(task=task_id).first()
    entry = store.entry_of(task_id) if schedule else None
    if schedule is None or entry is None or schedule.timing == entry.text:
        return
    plan(schedule, entry, moment)
    schedule.save(update_fields=PLAN)
