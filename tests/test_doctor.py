"""The doctor: each trouble is found in what processes and runs leave in the database, with its urgency and its cure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.functions import Now
from django.utils import timezone

from console.engine.acceptance import start
from console.models import Heartbeat, Partition, Run
from console.monitoring.doctor import examine
from console.monitoring.findings import Finding, Severity
from console.monitoring.rules import clocks
from console.monitoring.scene import Scene
from console.monitoring.signs import Sign
from console.operations import BaseOperation
from console.testing import declared
from notes.models import Note

pytestmark = pytest.mark.django_db

LONG_AGO = Now() - timedelta(minutes=10)


@pytest.fixture
def operation() -> Iterator[type[BaseOperation]]:
    """Declare an operation that does nothing, in the queue “bulk”."""
    with declared(Note, permission="notes.change_note") as found:
        yield found


def started(operation: type[BaseOperation]) -> Run:
    """Return a run that waits for a worker."""
    return start(operation, objects=[Note.objects.create(title="A note", slug="a-note")])


def worker(**changed: Any) -> None:
    """Let a worker of the queue “bulk” give a sign of life."""
    Sign(Heartbeat.Kind.WORKER, **{"name": "bulk@here", "queues": ("bulk",), "pool": "prefork", **changed}).renew()


def scheduler(name: str = "beat@here") -> None:
    """Let a scheduler give a sign of life."""
    Sign(Heartbeat.Kind.SCHEDULER, name).renew()


def found(part: str) -> Finding | None:
    """Return the finding that says `part`, if there is one; every finding names a cure and a consequence."""
    findings = examine()
    assert all(finding.cure and finding.consequence for finding in findings)
    return next((finding for finding in findings if part in finding.what), None)


def severity(part: str) -> Severity | None:
    """Return how urgent the finding is that says `part`."""
    finding = found(part)
    return finding.severity if finding else None


def test_the_most_urgent_comes_first(operation: type[BaseOperation]) -> None:
    """Nobody is alive, and nobody listens where the tests' broker should be."""
    started(operation)
    urgencies = [finding.severity for finding in examine()]
    assert urgencies == sorted(urgencies)
    assert urgencies[0] == Severity.URGENT


def test_a_broker_that_is_away_is_one_urgent_finding() -> None:
    """One, however many queues there are."""
    assert sum("broker" in finding.what for finding in examine()) == 1
    assert severity("The broker does not answer") == Severity.URGENT


def test_a_queue_without_a_worker_is_urgent_once_runs_wait(operation: type[BaseOperation]) -> None:
    """Before that it is told in time; a worker that serves the queue ends it."""
    assert severity("No worker serves the queue “bulk”") == Severity.SOON
    started(operation)
    finding = found("No worker serves the queue “bulk”")
    assert finding is not None
    assert finding.severity == Severity.URGENT
    assert finding.consequence.startswith("1 run waits")
    worker()
    assert found("No worker serves the queue “bulk”") is None


def test_a_process_that_fell_silent_is_named_and_serves_nothing() -> None:
    """It was killed, or hangs: its row tells since when."""
    worker()
    scheduler()
    Heartbeat.objects.update(seen_at=LONG_AGO)
    assert severity("bulk@here gives no sign of life") == Severity.SOON
    assert severity("No worker serves the queue “bulk”") == Severity.SOON
    assert severity("No scheduler process is alive") == Severity.URGENT


def test_a_missing_scheduler_is_urgent_where_no_worker_looks_either() -> None:
    """Workers look too, only less often."""
    assert severity("No scheduler process is alive") == Severity.URGENT
    worker()
    assert severity("No scheduler process is alive") == Severity.SOON
    scheduler()
    assert found("No scheduler process is alive") is None


def test_two_schedulers_are_noted() -> None:
    """Harmless to the console, not to other apps' tasks."""
    scheduler("beat@one")
    scheduler("beat@two")
    assert severity("2 scheduler processes are alive") == Severity.NOTE


def test_a_pool_without_soft_limits_is_named() -> None:
    """PROTOCOL H8: the soft limit needs prefork."""
    worker(pool="solo")
    assert severity("runs a solo pool") == Severity.SOON


def test_a_worker_of_another_version_is_noted() -> None:
    """In the middle of a deploy, or forgotten by one."""
    worker()
    Heartbeat.objects.update(version="0.0.1")
    assert severity("runs version 0.0.1") == Severity.NOTE


def test_overdue_wake_ups_are_urgent(operation: type[BaseOperation]) -> None:
    """Whoever should look does not."""
    run = started(operation)
    assert found("overdue") is None
    Partition.objects.filter(run=run).update(wake_at=LONG_AGO)
    assert severity("1 wake-up is overdue") == Severity.URGENT


def test_a_run_without_an_open_partition_is_named(operation: type[BaseOperation]) -> None:
    """The sweep ends it; the finding names it."""
    run = started(operation)
    Partition.objects.filter(run=run).update(outcome=Partition.Outcome.DONE)
    Run.objects.filter(pk=run.pk).update(changed_at=LONG_AGO)
    finding = found("no open partition")
    assert finding is not None
    assert (finding.severity, finding.evidence) == (Severity.SOON, str(run.pk))


def test_a_run_of_an_unknown_operation_is_named() -> None:
    """The code that knew it is gone."""
    with declared(Note, name="notes.forgotten", permission="notes.change_note") as operation:
        started(operation)
        assert found("notes.forgotten") is None
    assert severity("“notes.forgotten”") == Severity.SOON


def test_missing_migrations_are_urgent_and_end_the_examination() -> None:
    """Nothing else can be asked of tables that are not there."""
    recorder = MigrationRecorder(connection)
    for app, name in recorder.applied_migrations():
        if app == "console":
            recorder.record_unapplied(app, name)
    assert severity("lacks migrations") == Severity.URGENT
    assert found("The broker") is None


def test_system_checks_are_findings_unless_silenced(settings: Any) -> None:
    """An error is urgent; what the site silenced stays silent."""
    settings.CONSOLE = {"MARGIN": 0}
    finding = found("MARGIN")
    assert finding is not None
    assert (finding.severity, finding.evidence) == (Severity.URGENT, "console.E006")
    settings.SILENCED_SYSTEM_CHECKS = ["console.E006"]
    assert found("MARGIN") is None


@pytest.mark.parametrize(("drift", "expected"), [(0, []), (30, [Severity.SOON]), (-30, [Severity.SOON])])
def test_clocks_that_differ_are_named(drift: int, expected: list[Severity]) -> None:
    """Leases use the database's clock alone, but pages and logs would mislead."""
    now = timezone.now() + timedelta(seconds=drift)
    scene = Scene(now=now, living=[], silent=[], waiting={}, busy={}, queues={})
    assert [finding.severity for finding in clocks(scene)] == expected


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_urgent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor answers all the same."""
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "NAME", "/nowhere/to/be/found")
        away.setitem(connection.settings_dict, "PORT", "1")
        connection.close()
        assert severity("The database does not answer") == Severity.URGENT
        connection.close()
