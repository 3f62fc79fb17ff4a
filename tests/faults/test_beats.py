"""Schedulers: two of them, and one that is killed."""

from __future__ import annotations

import signal

import pytest

from console.models import Heartbeat
from tests.faults.runs import begin, counts, make, outcomes, succeeded
from tests.polling import until
from tests.processes import Processes

pytestmark = pytest.mark.processes


def schedulers() -> int:
    """Return how many schedulers give signs of life."""
    return Heartbeat.objects.filter(kind=Heartbeat.Kind.SCHEDULER).count()


def test_two_beats_do_no_harm(processes: Processes) -> None:
    """Both look for the same runs, each of which is carried out once."""
    make(20)
    beats = processes.beat(), processes.beat("another beat")
    until(lambda: schedulers() == 2)
    runs = [begin("faults.count", hold="") for _ in range(5)]  # the broker is away: all are owed
    processes.broker.start()
    processes.worker()
    for run in runs:
        succeeded(run)
        assert outcomes(run) == ["done"]
    assert counts() == {5}
    assert all(beat.running for beat in beats)


def test_a_beat_killed_and_started_again_sends_what_is_owed(processes: Processes) -> None:
    """No worker looks: the wake-up that the dead one could not send is sent by the new one."""
    make(3)
    beat = processes.beat()
    until(lambda: schedulers() == 1)
    run = begin()  # the broker is away
    until(lambda: "did not take a wake-up" in beat.printed())
    beat.signal(signal.SIGKILL)
    beat.wait()
    processes.broker.start()
    beat.start()
    until(lambda: run.partitions.exclude(sent_at=None).exists())
    processes.worker()
    succeeded(run)
    assert counts() == {1}
