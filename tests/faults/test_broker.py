"""A broker that is away, killed, emptied; messages that come too often."""

from __future__ import annotations

import signal

import pytest
from celery import current_app, uuid

from console.engine.acceptance import accept
from console.engine.selection import Selection
from console.engine.wakeups import TASK, depth
from console.models import Attempt, Heartbeat, Partition
from tests.faults.models import Item
from tests.faults.runs import begin, counts, in_the_middle, make, outcomes, succeeded
from tests.polling import until
from tests.processes import Processes

pytestmark = pytest.mark.processes

PACE = 200


def test_a_run_accepted_while_the_broker_is_down_starts_when_it_is_back(processes: Processes) -> None:
    """Acceptance says that the broker is away, and everybody waits for it in patience."""
    make(3)
    worker, beat = processes.worker(), processes.beat()
    until(lambda: "Cannot connect" in worker.printed())
    answer = accept("faults.count", by=None, selection=Selection.of_queryset(Item.objects.all()), params={})
    assert (answer.created, answer.woken) == (True, False)
    assert not Attempt.objects.exists()
    processes.broker.start()
    succeeded(answer.run)
    assert counts() == {1}
    assert worker.running
    assert beat.running


def test_a_broker_killed_and_emptied_in_mid_run_loses_nothing(processes: Processes) -> None:
    """The wake-up that was in its queues is sent again, by the database's word."""
    make(1500)
    processes.broker.start()
    worker = processes.worker()
    run = begin(pace=PACE)
    in_the_middle(run)
    processes.broker.signal(signal.SIGKILL)
    processes.broker.wait()
    processes.broker.lose_everything()
    until(Partition.objects.filter(run=run, lease_until=None).exists)  # the slice has ended; nobody could be told
    processes.broker.start()
    succeeded(run)
    assert counts() == {1}
    assert worker.running


def test_the_same_wake_up_ten_times_at_once_is_one_claim(processes: Processes) -> None:
    """Four processes get ten messages with one token: one wins, the others are stale."""
    make(50)
    run = begin(pace=PACE)
    partition = Partition.objects.get(run=run)
    processes.broker.start()
    for _ in range(10):
        args = (run.pk, partition.pk, partition.token)
        current_app.send_task(TASK, args=args, task_id=uuid(), queue=partition.queue, ignore_result=True)
    processes.worker(hands=4)
    succeeded(run)
    until(lambda: depth("bulk") == 0)
    assert counts() == {1}
    tokens = list(Attempt.objects.filter(run=run).values_list("token", flat=True))
    assert len(tokens) == len(set(tokens))
    assert Attempt.Outcome.LOST not in outcomes(run)


def test_a_run_starts_by_its_message_and_waits_for_nobody_who_looks(processes: Processes) -> None:
    """With no scheduler, and a worker that looks once an hour, the first attempt is there all the same."""
    processes.broker.start()
    processes.worker(CONSOLE_HEARTBEAT="3600")
    until(Heartbeat.objects.exists)
    until(lambda: "Connected to" in processes.started[-1].printed())
    make(3)
    run = begin()
    succeeded(run)
    assert outcomes(run) == [Attempt.Outcome.DONE]
    assert Partition.objects.get(run=run).sends == 0
