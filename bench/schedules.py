"""A tick of the scheduler with nothing due: of 5,000 schedules against 50, and against the stock scheduler's tick."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

from celery import current_app
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from bench.figures import Figure, at_most
from bench.world import World
from console.models import Schedule
from console.schedules.planning import replan
from console.schedules.scheduler import Scheduler
from console.schedules.store import TASK

TICKS = 30


def measure(world: World) -> list[Figure]:
    """Measure a tick, in milliseconds."""
    few, many = world.sizes.schedules_few, world.sizes.schedules
    found = world.medians(
        {
            "many": lambda: ours(many),
            "few": lambda: ours(few),
            "stock, many": lambda: stock(many),
        }
    )
    return [
        Figure("a tick with 5,000 schedules (ms)", found["many"], found["few"], "with 50", at_most(1.5)),
        Figure("a tick with 5,000 schedules (ms)", found["many"], found["stock, many"], "stock DatabaseScheduler"),
    ]


def ours(count: int) -> float:
    """Return what a tick of the console's scheduler takes with so many schedules of operations."""
    make(count)
    now = timezone.now()
    tasks = PeriodicTask.objects.filter(task=TASK)
    Schedule.objects.bulk_create(
        [Schedule(task=task, operation="notes.statistics", declared={}, anchor=now, since=now) for task in tasks],
        batch_size=500,
    )
    replan(now)
    scheduler = Scheduler(app=current_app._get_current_object())  # noqa: SLF001 - Celery's own way
    return ticks(scheduler.tick, before=lambda: setattr(scheduler, "_next_sweep", 0.0))


def stock(count: int) -> float:
    """Return what a tick of django-celery-beat's scheduler takes with so many plain tasks."""
    make(count)
    scheduler = DatabaseScheduler(app=current_app._get_current_object())  # noqa: SLF001 - Celery's own way
    return ticks(scheduler.tick, before=lambda: None)


def make(count: int) -> None:
    """Write so many entries, the first of which is due in a month."""
    monthly = IntervalSchedule.objects.create(every=30, period=IntervalSchedule.DAYS)
    last = timezone.now()
    PeriodicTask.objects.bulk_create(
        [PeriodicTask(name=f"schedule {n}", task=TASK, interval=monthly, last_run_at=last) for n in range(count)],
        batch_size=500,
    )


def ticks(tick: Callable[[], object], *, before: Callable[[], object]) -> float:
    """Return the median of some ticks, after one that reads everything."""
    tick()
    taken = []
    for _time in range(TICKS):
        before()
        begun = perf_counter()
        tick()
        taken.append(1000 * (perf_counter() - begun))
    return median(taken)
