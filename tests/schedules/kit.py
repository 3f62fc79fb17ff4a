"""Schedules for tests, and what became of their times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import User

from console.models import Schedule, Slot
from console.operations import BaseOperation
from console.schedules.editing import write
from console.schedules.timing import Crontab, Interval, Pattern, Timing

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MINUTELY = Interval(1, "minutes")
NIGHTLY = Crontab("30", "2")

numbers = count(1)


def after(minutes: float = 0, *, seconds: float = 0, days: float = 0) -> datetime:
    """Return the moment so long after noon."""
    return NOON + timedelta(minutes=minutes, seconds=seconds, days=days)


def owner(**attributes: Any) -> User:
    """Return a superuser to act for."""
    return User.objects.create_superuser(f"owner {next(numbers)}", **attributes)


def scheduled(
    operation: type[BaseOperation] | str, pattern: Pattern = MINUTELY, *, moment: datetime = NOON, **attributes: Any
) -> Schedule:
    """Schedule an operation at `moment`, for a superuser unless an owner is given."""
    name = operation if isinstance(operation, str) else operation.name
    timing = Timing(pattern, **{key: attributes.pop(key) for key in ("start", "end", "once") if key in attributes})
    attributes.setdefault("owner", None if "declared" in attributes else owner())
    made = Schedule(operation=name, **attributes)
    return write(made, name=f"schedule {next(numbers)}", timing=timing, moment=moment)


def slots(schedule: Schedule) -> list[tuple[datetime, str]]:
    """Return the schedule's times and what became of them, in order."""
    return list(Slot.objects.filter(schedule=schedule).order_by("at").values_list("at", "outcome"))


def outcomes(schedule: Schedule) -> list[str]:
    """Return what became of the schedule's times, in order."""
    return [outcome for _at, outcome in slots(schedule)]


def accounted(schedule: Schedule) -> int:
    """Return of how many times it is known what became of them."""
    return sum(slot.times for slot in Slot.objects.filter(schedule=schedule))
