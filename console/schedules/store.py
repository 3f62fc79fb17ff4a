"""Django-celery-beat's tables, where schedules are kept: read column by column, so that a row that nobody can read spoils no other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import CharField, QuerySet
from django.db.models.functions import Cast
from django.utils import timezone
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
    SolarSchedule,
)

from console.schedules.solar import Solar
from console.schedules.timing import Clocked, Crontab, Interval, NoPattern, Pattern, Timing

MODEL = PeriodicTask  # whose admin is that of schedules
TASK = "console.fire"  # what an entry of ours names, for a stock scheduler to call
CRONTAB = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
COLUMNS = (
    "pk",
    "name",
    "enabled",
    "one_off",
    "start_time",
    "expires",
    "interval_id",
    "interval__every",
    "interval__period",
    "crontab_id",
    *(f"crontab__{name}" for name in CRONTAB),
    "clocked_id",
    "clocked__clocked_time",
    "solar_id",
    "solar__event",
    "solar__latitude",
    "solar__longitude",
)


@dataclass(frozen=True)
class Entry:
    """What django-celery-beat keeps of a schedule."""

    pk: int
    name: str
    enabled: bool
    timing: Timing

    @property
    def text(self) -> str:
        """What tells whether anybody has changed its times since, or switched it on or off."""
        return f"{self.enabled} {self.timing}"


def entry_of(task_id: int) -> Entry:
    """Return what is kept of one schedule.

    Raises:
        PeriodicTask.DoesNotExist: It was deleted.
    """
    for entry in entries([task_id]):
        return entry
    raise PeriodicTask.DoesNotExist


def entries(task_ids: Iterable[int] | QuerySet[Any]) -> Iterator[Entry]:
    """Yield what is kept of schedules, of plain tasks too."""
    rows = PeriodicTask.objects.filter(pk__in=task_ids).annotate(
        # Read as text: the field itself raises where the name is not a time zone.
        console_zone=Cast("crontab__timezone", CharField()),
    )
    for row in rows.values(*COLUMNS, "console_zone").iterator():
        yield Entry(row["pk"], row["name"], row["enabled"], _timing(row))


def is_taken(name: str, *, but: int | None = None) -> bool:
    """Tell whether another schedule has this name."""
    return bool(PeriodicTask.objects.filter(name=name).exclude(pk=but).exists())


def description_of(task_id: int) -> str:
    """Return what people wrote of a schedule."""
    return str(PeriodicTask.objects.values_list("description", flat=True).get(pk=task_id))


def options_of(task_id: int) -> dict[str, Any]:
    """Return the queue and the priority that runs of a schedule are to have."""
    queue, priority = PeriodicTask.objects.values_list("queue", "priority").get(pk=task_id)
    return {"queue": queue or "", "priority": priority}


def switch(task_id: int, *, on: bool) -> None:
    """Switch a schedule on or off: that column alone, so that nobody's edit is lost."""
    PeriodicTask.objects.filter(pk=task_id).update(enabled=on, last_run_at=None)
    PeriodicTasks.update_changed()


def write(
    task_id: int | None, *, name: str, timing: Timing, enabled: bool = True, description: str = "", **options: Any
) -> int:
    """Write an entry of ours, new or changed, and return its key; beat sees it within a second.

    Args:
        task_id: The entry's key; None for a new one.
        name: Its unique name.
        timing: When it is due.
        enabled: Whether it is on.
        description: What it is for.
        options: The queue and the priority, where they are not the operation's own.
    """
    task = PeriodicTask.objects.select_for_update().get(pk=task_id) if task_id else PeriodicTask(task=TASK)
    task.name, task.enabled, task.description = name, enabled, description
    task.start_time, task.expires, task.one_off = timing.start, timing.end, timing.once
    task.interval = task.crontab = task.clocked = task.solar = None
    setattr(task, *_row_of(timing.pattern))
    for field, value in options.items():
        setattr(task, field, value)
    task.save()
    return int(task.pk)


def switch_plain(task_id: int, *, on: bool) -> None:
    """Switch a plain Celery task on or off; on again, it counts from now, and does not fire at once."""
    PeriodicTask.objects.filter(pk=task_id).update(enabled=on, last_run_at=None, date_changed=timezone.now())
    PeriodicTasks.update_changed()


def _row_of(pattern: Pattern) -> tuple[str, Any]:
    """Return the entry's column for a pattern, and the row that it leads to, shared with other entries."""
    if isinstance(pattern, Interval):
        return "interval", _found(IntervalSchedule, every=pattern.every, period=pattern.period)
    if isinstance(pattern, Crontab):
        fields = {name: getattr(pattern, name) for name in CRONTAB}
        return "crontab", _found(CrontabSchedule, **fields, timezone=pattern.zone)
    if isinstance(pattern, Solar):
        place = {name: Decimal(str(getattr(pattern, name))) for name in ("latitude", "longitude")}
        return "solar", _found(SolarSchedule, event=pattern.event, **place)
    assert isinstance(pattern, Clocked)
    return "clocked", _found(ClockedSchedule, clocked_time=pattern.at)


def _found(model: Any, **fields: Any) -> Any:
    return model.objects.filter(**fields).first() or model.objects.create(**fields)


def _timing(row: dict[str, Any]) -> Timing:
    return Timing(_pattern(row), row["start_time"], row["expires"], row["one_off"])


def _pattern(row: dict[str, Any]) -> Pattern:
    if row["interval_id"] is not None:
        return Interval(row["interval__every"], row["interval__period"])
    if row["crontab_id"] is not None:
        return Crontab(**{name: row[f"crontab__{name}"] for name in CRONTAB}, zone=row["console_zone"] or "")
    if row["clocked_id"] is not None:
        return Clocked(row["clocked__clocked_time"])
    if row["solar_id"] is not None:
        return Solar(row["solar__event"], float(row["solar__latitude"]), float(row["solar__longitude"]))
    return NoPattern()
