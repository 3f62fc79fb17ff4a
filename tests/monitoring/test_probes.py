"""Probes: a message through each queue, answered by a worker; and findings of real processes that stop and come back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from console.models import Heartbeat, Queue
from console.monitoring import probes
from console.monitoring.doctor import examine
from console.monitoring.watching import listed
from tests.faults.runs import begin, make, succeeded
from tests.polling import until
from tests.processes import Processes, broker, processes, warden

__all__ = ["broker", "processes", "warden"]


def codes() -> set[tuple[str, str]]:
    """Return what the watching processes have found."""
    return {finding.key for finding in listed()}


@pytest.mark.django_db
def test_only_the_probe_that_is_on_its_way_is_an_answer() -> None:
    """A doubled or a late message changes nothing."""
    asked_at = Now() - timedelta(seconds=3)
    Queue.objects.create(name="bulk", probe="mine", asked_at=asked_at, sent_at=asked_at)
    assert not probes.answer("bulk", "another", "bulk@here")
    assert not probes.answer("elsewhere", "mine", "bulk@here")
    assert probes.answer("bulk", "mine", "bulk@here")
    queue = Queue.objects.get()
    assert (queue.probe, queue.worker) == ("", "bulk@here")
    assert queue.round_trip is not None
    assert queue.round_trip >= 3
    assert not probes.answer("bulk", "mine", "another@here")
    assert Queue.objects.get().worker == "bulk@here"


@pytest.mark.django_db
def test_a_broker_that_is_away_is_found_and_no_probe_is_lost(caplog: Any) -> None:
    """Nobody listens where the tests' broker should be: that is written down, and nothing counts as sent."""
    probes.probe_queues()
    queue = Queue.objects.get(name="bulk")
    assert (queue.depth, queue.probe, queue.sent_at) == (None, "", None)
    assert "broker" in {finding.code for finding in examine()}


@pytest.mark.processes
def test_findings_come_and_go_with_processes(processes: Processes) -> None:
    """Stop the worker, fill its queue, stop beat, stop the broker, and start each again: each is found, and cleared."""
    processes.broker.start()
    beat, worker = processes.beat(), processes.worker()
    control = processes.worker("control")
    until(lambda: Queue.objects.filter(name="bulk", round_trip__isnull=False).exists() and not codes(), 60)
    make(3)

    worker.kill()
    Heartbeat.objects.filter(name__startswith="bulk@").update(seen_at=Now() - timedelta(minutes=1))
    run = begin()
    until(lambda: ("unserved queue", "bulk") in codes())
    until(lambda: any("1 run waits" in finding.consequence for finding in listed()))
    worker.start()
    succeeded(run)
    until(lambda: ("unserved queue", "bulk") not in codes())

    processes.broker.kill()
    until(lambda: ("broker", "") in codes())
    processes.broker.start()
    until(lambda: not codes(), 60)

    beat.kill()
    Heartbeat.objects.filter(kind=Heartbeat.Kind.SCHEDULER).update(seen_at=Now() - timedelta(minutes=1))
    until(lambda: ("no scheduler", "") in codes())
    beat.start()
    until(lambda: ("no scheduler", "") not in codes())
    assert control.running
