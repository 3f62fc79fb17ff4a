"""A schedule is written: its entry in django-celery-beat, our own row beside it, and the time it has next, in one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from console.engine.transactions import short_transaction
from console.models import Schedule
from console.schedules import store
from console.schedules.planning import plan
from console.schedules.timing import Timing


@short_transaction
def write(
    schedule: Schedule, *, name: str, timing: Timing, enabled: bool = True, moment: datetime | None = None, **task: Any
) -> Schedule:
    """Write a schedule, new or changed; nothing is made up for the time before.

    Args:
        schedule: Our row, as it shall be.
        name: What people call it; unique.
        timing: When it is due.
        enabled: Whether it is on.
        moment: Now.
        task: The description, the queue and the priority.

    Raises:
        InvalidTiming: There are no such times.
    """
    timing.check()
    now = moment or timezone.now()
    if schedule.pk:  # schedule first, in every transaction
        Schedule.objects.select_for_update(no_key=True).get(pk=schedule.pk)
    schedule.task_id = store.write(
        schedule.task_id if schedule.pk else None, name=name, timing=timing, enabled=enabled, **task
    )
    schedule.anchor = schedule.since = now
    entry = store.entry_of(schedule.task_id)
    if not schedule.pk:
        schedule.save()  # the spread goes by its key
    if enabled:
        schedule.off_reason, schedule.failures = "", 0
    plan(schedule, entry, now)
    schedule.save()
    return schedule
