"""The scheduler: beat's own work, a sweep at each tick, and trouble that stops neither."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import DatabaseError, connection
from django.db.models.functions import Now
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from console.engine.acceptance import start
from console.models import Heartbeat, Partition, Run
from console.operations import BaseOperation
from console.schedules.scheduler import Scheduler
from console.testing import declared
from notes.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scheduler(settings: Any) -> Iterator[Scheduler]:
    """Make a scheduler that sweeps at every tick."""
    settings.CONSOLE = {**settings.CONSOLE, "SWEEP": 0.001, "HEARTBEAT": 0.001}
    made = Scheduler(app=current_app._get_current_object())
    yield made
    made.close()


@pytest.fixture
def operation() -> Iterator[type[BaseOperation]]:
    """Declare an operation that does nothing."""
    with declared(Note) as found:
        yield found


def stranded(operation: type[BaseOperation]) -> Run:
    """Return a run that only a sweep can end: active, without an open partition."""
    run = start(operation, objects=[Note.objects.create(title="A note", slug="a-note")])
    Partition.objects.filter(run=run).update(outcome=Partition.Outcome.DONE)
    Run.objects.filter(pk=run.pk).update(state="running")
    return run


def schedule_a_ping() -> PeriodicTask:
    """Return an entry of another app that is due at once."""
    every_second, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.SECONDS)
    return PeriodicTask.objects.create(
        name="ping", task="other.ping", interval=every_second, last_run_at=Now() - timedelta(hours=1)
    )


def test_beat_ticks_as_often_as_it_sweeps(settings: Any) -> None:
    """A tick sleeps no longer than a sweep may wait, whatever beat's own setting."""
    settings.CONSOLE = {**settings.CONSOLE, "SWEEP": 0.5}
    scheduler = Scheduler(app=current_app._get_current_object(), max_interval=300)
    assert scheduler.max_interval == 0.5
    assert 0 <= scheduler.tick() <= 0.5


def test_each_tick_sweeps_and_gives_a_sign_of_life(scheduler: Scheduler, operation: type[BaseOperation]) -> None:
    """The one who looks every second."""
    run = stranded(operation)
    scheduler.tick()
    run.refresh_from_db()
    assert run.state == "succeeded"
    assert Heartbeat.objects.get().kind == Heartbeat.Kind.SCHEDULER


def test_a_scheduler_that_stops_says_farewell(scheduler: Scheduler) -> None:
    """It is not missed."""
    scheduler.tick()
    scheduler.close()
    assert not Heartbeat.objects.exists()


def test_a_broker_that_is_away_stops_neither_beat_nor_sweep(
    scheduler: Scheduler, operation: type[BaseOperation], caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody listens where the tests' broker should be: a due entry is logged as not sent, and the sweep goes on."""
    schedule_a_ping()
    run = stranded(operation)
    with caplog.at_level(logging.ERROR, logger="celery.beat"):
        scheduler.tick()
    assert "Couldn't apply scheduled task ping" in caplog.text
    run.refresh_from_db()
    assert run.state == "succeeded"


def test_a_schedule_that_cannot_be_read_stops_neither_beat_nor_sweep(
    scheduler: Scheduler, operation: type[BaseOperation], caplog: pytest.LogCaptureFixture
) -> None:
    """The parent reads its tables anew from time to time; that they cannot be read is logged, and tried again."""
    run = stranded(operation)
    table = PeriodicTask._meta.db_table
    scheduler._last_full_sync -= timedelta(hours=1)
    rename(table, f"{table}_away")
    try:
        scheduler.tick()
    finally:
        rename(f"{table}_away", table)
    assert any(isinstance(record.exc_info[1], DatabaseError) for record in caplog.records if record.exc_info)
    run.refresh_from_db()
    assert run.state == "succeeded"
    scheduler.tick()


def rename(table: str, to: str) -> None:
    """Give a table another name, in a transaction of its own."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {to}")  # names of the test's own
