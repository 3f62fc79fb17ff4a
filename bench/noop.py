"""Runs that do nothing, against stock Celery tasks that do nothing and store their result with django-celery-results."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import connection
from django_celery_results.models import TaskResult

from bench.figures import Figure, at_least
from bench.operations import Idle
from bench.processes import until
from bench.tasks import idle
from bench.world import World
from console.engine.acceptance import start
from console.models import Run
from console.states import State

GOALS = {"postgresql": 3, "sqlite": 1}


def measure(world: World) -> list[Figure]:
    """Measure how many a second one worker ends, of a queue that was filled before it starts."""
    count = world.sizes.idle
    rates = world.medians(
        {
            "runs": lambda: runs(world, count),
            "stock tasks": lambda: tasks(world, count, BENCH_STOCK="1"),
            "tasks with our settings": lambda: tasks(world, count),
        }
    )
    goal = at_least(GOALS[connection.vendor])
    return [
        Figure("runs that do nothing (runs/s)", rates["runs"], rates["stock tasks"], "stock Celery tasks", goal),
        Figure(
            "runs that do nothing (runs/s)",
            rates["runs"],
            rates["tasks with our settings"],
            "Celery tasks, connection kept",
        ),
    ]


def runs(world: World, count: int) -> float:
    """Return how many runs a second a worker ends."""
    for _time in range(count):
        start(Idle)
    succeeded = Run.objects.filter(state=State.SUCCEEDED)
    with world.worker("bulk", world.hands):
        until(lambda: succeeded.count() == count)
    return pace(list(succeeded.values_list("ended_at", flat=True)))


def tasks(world: World, count: int, **environment: str) -> float:
    """Return how many tasks a second a worker ends."""
    for _time in range(count):
        idle.apply_async(queue="bulk")
    results: Callable[[], int] = TaskResult.objects.filter(status="SUCCESS").count
    with world.worker("bulk", world.hands, **environment):
        until(lambda: results() == count)
    return pace(list(TaskResult.objects.values_list("date_done", flat=True)))


def pace(moments: list[datetime]) -> float:
    """Return how many a second there are between the first and the last."""
    return (len(moments) - 1) / max((max(moments) - min(moments)).total_seconds(), 1e-3)
