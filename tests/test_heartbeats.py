"""Signs of life: one row for each process, renewed by the database's clock, gone when it stops in good order."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from celery.exceptions import TimeLimitExceeded, WorkerLostError
from celery.signals import task_failure, worker_ready, worker_shutdown
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from console.engine.acceptance import start
from console.engine.claims import claim
from console.engine.wakeups import TASK
from console.models import Heartbeat, Partition, Run
from console.monitoring.heartbeats import Pulse, guarded
from console.monitoring.signs import VERSION, Sign, forget_silent
from console.operations import BaseOperation
from console.testing import declared
from notes.models import Note
from tests.polling import until

WORKER = Heartbeat.Kind.WORKER
processes = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fast(settings: Any) -> None:
    """Beat often."""
    settings.CONSOLE = {**settings.CONSOLE, "HEARTBEAT": 0.1}


@pytest.fixture
def pulse(fast: None) -> Iterator[Pulse]:
    """Run the thread of a worker's main process in this one."""
    started = Pulse(lambda: Sign(WORKER, "bulk@here", queues=("bulk",), concurrency=2, pool="prefork"))
    started.start()
    yield started
    started.stop()
    assert not started.is_alive()


@pytest.fixture
def operation() -> Iterator[type[BaseOperation]]:
    """Declare an operation that does nothing."""
    with declared(Note) as found:
        yield found


class Sender(SimpleNamespace):
    """Who sends one of Celery's signals."""

    __hash__ = object.__hash__


def note() -> Note:
    """Return a note."""
    return Note.objects.create(title="A note", slug=uuid4().hex)


def claimed(run: Run, task_id: str) -> Partition:
    """Return the run's partition, claimed by a worker that is about to die."""
    partition = Partition.objects.get(run=run)
    assert claim(run.pk, partition.pk, partition.token, task_id=task_id, worker="bulk@here")
    return partition


def is_leased(partition: Partition) -> bool:
    """Tell whether a live lease is on the partition."""
    return Partition.objects.filter(pk=partition.pk, lease_until__gt=Now()).exists()


@pytest.mark.django_db
def test_a_sign_is_one_row_however_often_it_is_given() -> None:
    """The row is renewed, not multiplied, and the newest facts stand."""
    Sign(WORKER, "bulk@here", queues=("bulk",)).renew()
    Sign(WORKER, "bulk@here", queues=("bulk", "control"), concurrency=4, pool="prefork").renew()
    row = Heartbeat.objects.get()
    assert (row.queues, row.concurrency, row.pool, row.version) == (
        ["bulk", "control"],
        4,
        "prefork",
        VERSION,
    )
    assert abs(timezone.now() - row.seen_at) < timedelta(minutes=1)


@pytest.mark.django_db
def test_only_its_own_row_is_withdrawn() -> None:
    """A process that was started again under the same name keeps the row that is now its own."""
    old = Sign(WORKER, "bulk@here", pid=1)
    old.renew()
    Sign(WORKER, "bulk@here", pid=2).renew()
    Sign(Heartbeat.Kind.SCHEDULER, "bulk@here", pid=1).renew()
    old.withdraw()
    assert set(Heartbeat.objects.values_list("kind", "pid")) == {("worker", 2), ("scheduler", 1)}


@pytest.mark.django_db
def test_the_silent_are_forgotten_after_an_hour() -> None:
    """A dead process stays in sight for an hour, not for ever."""
    Sign(WORKER, "long@gone").renew()
    Sign(WORKER, "just@gone").renew()
    Heartbeat.objects.filter(name="long@gone").update(seen_at=Now() - timedelta(hours=2))
    Heartbeat.objects.filter(name="just@gone").update(seen_at=Now() - timedelta(minutes=10))
    assert forget_silent() == 1
    assert Heartbeat.objects.get().name == "just@gone"


@pytest.mark.django_db
def test_trouble_is_logged_and_does_not_spread(caplog: pytest.LogCaptureFixture) -> None:
    """A beat that fails is tried again in the next round."""

    def ask_for_what_is_not_there() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT * FROM no_such_table")

    with caplog.at_level(logging.ERROR, logger="console.monitoring.heartbeats"):
        guarded(ask_for_what_is_not_there)
    assert "ask_for_what_is_not_there" in caplog.text
    assert isinstance(caplog.records[0].exc_info[1], DatabaseError)  # type: ignore[index]


@processes
def test_a_worker_beats_and_says_farewell(pulse: Pulse) -> None:
    """Alive: its row is renewed by itself. Stopped in good order: its row is gone."""
    first = until(lambda: Heartbeat.objects.filter(name="bulk@here").first())
    assert first is not None
    until(lambda: Heartbeat.objects.filter(name="bulk@here", seen_at__gt=first.seen_at).exists())
    pulse.stop()
    assert not Heartbeat.objects.exists()


@processes
def test_a_worker_looks_for_what_is_owed(operation: type[BaseOperation], pulse: Pulse) -> None:
    """PROTOCOL M6: without any scheduler an active run without an open partition is settled."""
    run = start(operation, objects=[note()])
    Partition.objects.filter(run=run).update(outcome=Partition.Outcome.DONE)
    Run.objects.filter(pk=run.pk).update(state="running")
    until(lambda: Run.objects.filter(pk=run.pk, state="succeeded").exists())


@processes
def test_the_lease_of_a_dead_child_is_given_back_at_once(operation: type[BaseOperation], pulse: Pulse) -> None:
    """PROTOCOL H8: Celery tells the main process, which need not wait for the lease's end."""
    partition = claimed(start(operation, objects=[note()]), "task-of-the-dead")
    pulse.lost("task-of-another")
    pulse.lost("task-of-the-dead")
    until(lambda: not is_leased(partition))


@processes
def test_celerys_signals_start_and_stop_the_pulse(operation: type[BaseOperation], fast: None) -> None:
    """What `connect` connected: a worker that is ready beats, a lost child is reported, a hard limit is not."""
    consumer = Sender(
        hostname="bulk@signals",
        app=SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from={"bulk": None}))),
        pool=SimpleNamespace(num_processes=2),
    )
    lost = claimed(start(operation, objects=[note()]), "lost")
    limited = claimed(start(operation, objects=[note()]), "limited")
    sender = Sender(name=TASK)
    worker_ready.send(sender=consumer)
    try:
        row = until(lambda: Heartbeat.objects.filter(name="bulk@signals").first())
        assert row is not None
        assert (row.queues, row.concurrency) == (["bulk"], 2)
        task_failure.send(sender=sender, task_id="limited", exception=TimeLimitExceeded(1))
        task_failure.send(sender=Sender(name="other"), task_id="limited", exception=WorkerLostError())
        task_failure.send(sender=sender, task_id="lost", exception=WorkerLostError())
        until(lambda: not is_leased(lost))
        assert is_leased(limited)
    finally:
        worker_shutdown.send(sender=None)
    assert not Heartbeat.objects.exists()
