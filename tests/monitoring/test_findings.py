"""Findings: each is raised by what really causes it, kept since then, cleared when it is over, and told to all alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone, translation

from console.engine.acceptance import start
from console.engine.claims import claim
from console.models import FoundTrouble, Heartbeat, Partition, Queue, Run, Schedule
from console.monitoring.findings import Finding, Severity
from console.monitoring.scene import look
from console.monitoring.signs import Sign
from console.monitoring.watching import KEPT, listed, watch, watch_alone
from console.operations import BaseOperation
from console.testing import declared
from notes.models import Note
from tests.schedules.kit import NIGHTLY, scheduled

pytestmark = pytest.mark.django_db

LONG_AGO = Now() - timedelta(minutes=20)


@pytest.fixture
def operation() -> Iterator[type[BaseOperation]]:
    """Declare an operation that does nothing, in the queue “bulk”."""
    with declared(Note, permission="notes.change_note") as found:
        yield found


def started(operation: type[BaseOperation]) -> Run:
    """Return a run that waits for a worker."""
    return start(operation, objects=[Note.objects.create(title="A note", slug="a-note")])


def worker(name: str = "bulk@here", *queues: str) -> None:
    """Let a worker give a sign of life."""
    Sign(Heartbeat.Kind.WORKER, name, queues=queues, pool="prefork").renew()


def healthy() -> None:
    """Let a worker of each queue and a scheduler give signs of life."""
    worker("bulk@here", "bulk")
    worker("control@here", "control")
    Sign(Heartbeat.Kind.SCHEDULER, "beat@here").renew()


def codes() -> list[str]:
    """Look, and return the codes of what is found."""
    watch()
    return [finding.code for finding in listed()]


def one(code: str) -> Finding:
    """Look, and return the one finding with this code."""
    watch()
    (found,) = [finding for finding in listed() if finding.code == code]
    return found


def test_all_is_well_where_all_are_alive() -> None:
    """An empty list is the good news."""
    healthy()
    assert codes() == []


def test_a_finding_keeps_since_when_it_holds_while_its_facts_change(operation: type[BaseOperation]) -> None:
    """One more run waits: the same trouble as before."""
    worker("control@here", "control")
    first = one("unserved queue")
    started(operation)
    second = one("unserved queue")
    assert (first.severity, second.severity) == (Severity.SOON, Severity.URGENT)
    assert second.since == first.since is not None


def test_what_is_over_stays_for_an_hour_and_is_told_as_over() -> None:
    """Then it is forgotten; if it comes again meanwhile, it is new."""
    worker("control@here", "control")
    before = one("unserved queue").since
    worker("bulk@here", "bulk")
    assert "unserved queue" not in codes()
    (over,) = [finding for finding in listed(cleared=True) if finding.code == "unserved queue"]
    assert over.cleared_at is not None
    assert listed(cleared=True)[-1] == over
    Heartbeat.objects.filter(name="bulk@here").delete()
    again = one("unserved queue")
    assert before is not None
    assert again.since is not None
    assert again.since > before
    worker("bulk@here", "bulk")
    watch()
    FoundTrouble.objects.update(cleared_at=Now() - KEPT - timedelta(seconds=1))
    watch()
    assert not FoundTrouble.objects.filter(code="unserved queue").exists()


def test_the_words_are_the_readers() -> None:
    """Facts are kept, not sentences."""
    healthy()
    Heartbeat.objects.filter(kind="scheduler").delete()
    finding = one("no scheduler")
    with translation.override("pt-br"):
        portuguese = next(found for found in listed() if found.code == "no scheduler").what
    assert finding.what == "No scheduler process is alive."
    assert portuguese != finding.what


def test_that_nobody_watches_is_seen_by_whoever_reads() -> None:
    """The scheduler and all workers are dead: nobody is left to write anything down."""
    healthy()
    watch()
    assert listed() == []
    Heartbeat.objects.update(seen_at=LONG_AGO)
    (finding,) = listed()
    assert (finding.code, finding.severity) == ("unwatched", Severity.URGENT)


def test_a_worker_watches_where_no_scheduler_does() -> None:
    """Or nobody would tell that the scheduler is gone."""
    worker("control@here", "control", "bulk")
    Sign(Heartbeat.Kind.SCHEDULER, "beat@here").renew()
    watch_alone()
    assert not FoundTrouble.objects.exists()
    Heartbeat.objects.filter(kind="scheduler").delete()
    watch_alone()
    assert [finding.code for finding in listed()] == ["no scheduler"]


def test_a_process_is_late_then_dead_then_forgotten() -> None:
    """Two thresholds, and after an hour the row goes."""
    healthy()
    beats = Heartbeat.objects.filter(name="bulk@here")
    beats.update(seen_at=Now() - timedelta(seconds=30))
    assert one("silent process").severity == Severity.NOTE
    beats.update(seen_at=LONG_AGO)
    assert one("silent process").severity == Severity.SOON
    beats.update(seen_at=Now() - timedelta(hours=2))
    assert "silent process" not in codes()
    assert not beats.exists()


def test_a_worker_that_serves_no_queue_is_named() -> None:
    """Somebody took its queue from it."""
    healthy()
    worker("bulk@here")
    assert one("aimless worker").about == "bulk@here"
    worker("bulk@here", "bulk")
    assert codes() == []


def test_a_clock_that_differs_is_named_with_its_process() -> None:
    """By what each process writes of its own clock beside the database's."""
    healthy()
    Heartbeat.objects.filter(name="bulk@here").update(own_at=timezone.now() + timedelta(minutes=1))
    assert one("clock").about == "bulk@here"
    worker("bulk@here", "bulk")
    assert codes() == []


def test_a_slow_queue_is_told_and_urgent_when_it_is_dead(settings: Any) -> None:
    """By the probe that is still on its way, and by the newest answer."""
    healthy()
    queue = Queue.objects.create(name="bulk", round_trip=1, probe="mine", asked_at=Now(), sent_at=Now())
    assert codes() == []
    Queue.objects.update(asked_at=Now() - timedelta(seconds=90))
    assert one("slow queue").severity == Severity.SOON
    Queue.objects.update(asked_at=Now() - timedelta(seconds=700))
    assert one("slow queue").severity == Severity.URGENT
    Queue.objects.update(probe="")
    assert codes() == []
    assert look().latency(Queue.objects.get(pk=queue.pk)) == 1


def test_queues_are_unbalanced_where_one_waits_while_workers_of_another_idle(operation: type[BaseOperation]) -> None:
    """Idle: nothing in hand, and nobody waits for them."""
    healthy()
    Queue.objects.create(name="bulk", round_trip=90)
    assert one("unbalanced queues").evidence == "idle: control@here"
    with declared(Note, permission="notes.change_note", queue="control") as small:
        run = started(small)
        partition = Partition.objects.get(run=run)
        assert claim(run.pk, partition.pk, partition.token, task_id="task", worker="control@here")
        assert look().busy == {"control@here": 1}
        assert "unbalanced queues" not in codes()


def test_a_disk_that_fills_is_told(settings: Any) -> None:
    """This machine's own, measured against a bound that it does not meet."""
    healthy()
    settings.CONSOLE = {**settings.CONSOLE, "DISK_LOW": 0.999999}
    assert {"disk"} == set(codes())
    settings.CONSOLE = {**settings.CONSOLE, "DISK_LOW": 0.000001}
    assert codes() == []


def test_a_schedule_that_is_overdue_is_named() -> None:
    """Nobody starts what its time has come for."""
    healthy()
    schedule = scheduled("notes.statistics", NIGHTLY)
    times = Schedule.objects.filter(pk=schedule.pk)
    times.update(next_at=LONG_AGO)
    assert one("overdue schedules").evidence == schedule.task.name
    times.update(next_at=Now() + timedelta(hours=1))
    assert codes() == []


def test_reading_the_list_takes_two_queries(django_assert_num_queries: Any) -> None:
    """However much is the matter: it is read on every page."""
    watch()
    with django_assert_num_queries(2):
        assert listed()
