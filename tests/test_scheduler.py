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
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

from console.engine.acceptance import start
from console.models import Heartbeat, Partition, Run
from console.operations import BaseOperation
from console.schedules import store
from console.schedules.scheduler import Scheduler
from console.testing import declared, run_pending
from notes.models import Note
from tests.schedules.kit import outcomes, scheduled

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


def plain(name: str = "plain", **fields: Any) -> PeriodicTask:
    """Return a plain Celery task that is due each hour, for the first time in an hour, unless it says otherwise."""
    if "crontab" not in fields:
        fields["interval"] = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.HOURS)[0]
    return PeriodicTask.objects.create(name=name, task="other.task", **fields)


def due_an_hour_ago(task: PeriodicTask) -> None:
    """Let a task be due at once."""
    PeriodicTask.objects.filter(pk=task.pk).update(last_run_at=timezone.now() - timedelta(hours=2))
    PeriodicTasks.update_changed()


class TestPlainTasks:
    """Django-celery-beat's own entries, without the faults that its users report."""

    def test_an_edit_is_not_overwritten_by_what_beat_remembers(self, scheduler: Scheduler) -> None:
        """Stock writes the whole row back: the switch came on again, the description was gone (#1038)."""
        task = plain()
        due_an_hour_ago(task)
        scheduler.tick()
        PeriodicTask.objects.filter(pk=task.pk).update(description="by staff", enabled=False, last_run_at=None)
        scheduler._dirty.add(task.name)
        scheduler.sync()
        task.refresh_from_db()
        assert (task.description, task.enabled, task.last_run_at) == ("by staff", False, None)

    def test_what_was_sent_is_written_at_once(self, scheduler: Scheduler) -> None:
        """Stock writes up to three minutes later: a scheduler that dies meanwhile sends it again."""
        task = plain()
        due_an_hour_ago(task)
        scheduler.tick()
        task.refresh_from_db()
        assert task.total_run_count == 1
        assert task.last_run_at > timezone.now() - timedelta(minutes=1)

    def test_one_that_was_to_run_once_is_switched_off_and_no_more(self, scheduler: Scheduler) -> None:
        """Also where it was edited, or deleted, meanwhile (#1069)."""
        task, deleted = plain(one_off=True), plain("deleted", one_off=True)
        for one in (task, deleted):
            due_an_hour_ago(one)
        scheduler.tick()
        scheduler.tick()
        PeriodicTask.objects.filter(pk=task.pk).update(description="by staff")
        PeriodicTask.objects.filter(pk=deleted.pk).delete()
        for entry in list(scheduler._schedule.values()):
            entry.is_due()
        task.refresh_from_db()
        assert (task.description, task.enabled) == ("by staff", False)

    @pytest.mark.parametrize("hour", range(0, 24, 3))
    @pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Sao_Paulo"])
    def test_a_crontab_is_read_whatever_its_hour_and_zone(self, scheduler: Scheduler, hour: int, zone: str) -> None:
        """Stock reads those of the hours around the server's own, by offsets of a fixed January (#894, #902, #956)."""
        task = plain(crontab=CrontabSchedule.objects.create(hour=hour, minute=0, timezone=zone))
        assert task.name in scheduler.all_as_schedule()

    def test_one_that_is_switched_on_again_does_not_fire_at_once(self, scheduler: Scheduler) -> None:
        """Stock falls back to the day on which it was last edited (#537, #607, #912)."""
        task = plain()
        PeriodicTask.objects.filter(pk=task.pk).update(
            enabled=False, last_run_at=None, date_changed=timezone.now() - timedelta(days=3)
        )
        store.switch_plain(task.pk, on=True)
        assert not scheduler.all_as_schedule()[task.name].is_due().is_due

    @pytest.mark.parametrize("broken", ["zone", "crontab", "nothing", "arguments"])
    def test_one_that_cannot_be_read_stops_no_other(
        self, scheduler: Scheduler, broken: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is left out, and the log says so (#875, #882)."""
        crontab = CrontabSchedule.objects.create(minute="7")
        bad, good = plain("bad", crontab=crontab), plain("good")
        with connection.cursor() as cursor:
            match broken:
                case "zone":
                    cursor.execute("UPDATE django_celery_beat_crontabschedule SET timezone = 'Lisboa'")
                case "crontab":
                    cursor.execute("UPDATE django_celery_beat_crontabschedule SET hour = 'x'")
                case "nothing":
                    PeriodicTask.objects.filter(pk=bad.pk).update(crontab=None)
                case "arguments":
                    PeriodicTask.objects.filter(pk=bad.pk).update(headers="{")
        found = scheduler.all_as_schedule()
        assert good.name in found
        assert bad.name not in found
        assert "bad is left out" in caplog.text
        scheduler.tick()

    def test_what_the_settings_declare_overwrites_no_edit(self, scheduler: Scheduler) -> None:
        """Stock puts the settings' values back at each start."""
        declared = {"declared": {"task": "other.task", "schedule": 3600, "args": [1]}}
        scheduler.update_from_dict(declared)
        task = PeriodicTask.objects.get(name="declared")
        PeriodicTask.objects.filter(pk=task.pk).update(args="[2]", enabled=False)
        scheduler.update_from_dict(declared)
        task.refresh_from_db()
        assert (task.args, task.enabled) == ("[2]", False)

    def test_a_change_that_was_written_late_is_seen(self, scheduler: Scheduler) -> None:
        """Its stamp may be older than the one that was seen last (#1061)."""
        PeriodicTasks.update_changed()
        scheduler.schedule_changed()
        PeriodicTasks.objects.update(last_update=timezone.now() - timedelta(seconds=5))
        assert scheduler.schedule_changed()
        assert not scheduler.schedule_changed()

    def test_a_schedule_of_an_operation_is_not_among_them(self, scheduler: Scheduler) -> None:
        """It is found when it is due, by its index."""
        schedule = scheduled("notes.statistics")
        assert schedule.task.name not in scheduler.all_as_schedule()


class TestSchedulesOfOperations:
    """What each tick does for them."""

    def test_a_tick_starts_what_is_due_and_settles_what_has_ended(self, scheduler: Scheduler) -> None:
        """With the broker away."""
        schedule = scheduled("notes.statistics", moment=timezone.now() - timedelta(minutes=2), missed="each")
        scheduler.tick()
        assert set(outcomes(schedule)) <= {"started", "skipped"}
        run_pending()
        scheduler.tick()
        assert "succeeded" in outcomes(schedule)

    def test_a_change_in_the_stock_tables_is_seen_at_the_next_tick(self, scheduler: Scheduler) -> None:
        """By whatever way it was made, as long as it is announced as for plain tasks."""
        scheduler.tick()
        schedule = scheduled("notes.statistics")
        crontab = CrontabSchedule.objects.create(minute=30, hour=2)
        PeriodicTask.objects.filter(pk=schedule.task_id).update(interval=None, crontab=crontab)
        PeriodicTasks.update_changed()
        scheduler.tick()
        schedule.refresh_from_db()
        assert (schedule.next_slot.hour, schedule.next_slot.minute) == (2, 30)
        assert outcomes(schedule) == []
