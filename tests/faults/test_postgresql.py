"""What can only happen to connections to a database server; collected on PostgreSQL alone."""

from __future__ import annotations

import os
import signal

import pytest
from django.db import connection

from console.models import Attempt, Failure, Partition
from tests.faults.models import Item
from tests.faults.operations import POISON
from tests.faults.runs import begin, counts, done, make, succeeded, told_of
from tests.polling import until
from tests.processes import Processes, is_in_transaction, is_stopped

pytestmark = pytest.mark.processes


def cut_connections() -> None:
    """End every connection to the test's database but our own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


def test_connections_cut_under_a_worker_cost_one_try_at_most(processes: Processes) -> None:
    """The chunk is rolled back, the worker connects anew, and each item is done once."""
    make(400)
    processes.broker.start()
    worker = processes.worker()
    run = begin(pace=100)
    for _ in range(3):
        before = done(run)
        until(lambda before=before: done(run) > before)
        assert Partition.objects.get(run=run).outcome is None
        cut_connections()
    succeeded(run)
    assert counts() == {1}
    assert worker.running


def test_a_worker_frozen_in_its_transaction_holds_nothing_up(processes: Processes) -> None:
    """The server ends what stands idle past the lease: the objects are free for another worker, though the first still stands."""
    make(10, POISON)
    processes.broker.start()
    late = processes.worker()
    run = begin("faults.hang")
    frozen = until(Attempt.objects.filter(run=run, outcome=None).first)
    until(is_in_transaction)
    late.signal_all(signal.SIGSTOP)
    processes.worker(name="rescuer")
    succeeded(run)
    assert all(is_stopped(pid) for pid in (late.pid, *late.children()))
    assert Failure.objects.get(run=run).object_label == POISON
    assert set(Item.objects.exclude(name=POISON).values_list("count", flat=True)) == {1}
    (child,) = late.children()
    os.kill(child, signal.SIGCONT)
    os.kill(child, signal.SIGUSR1)  # the soft time limit, which is long over
    until(lambda: told_of(frozen))
    assert told_of(frozen) == Attempt.Outcome.FENCED
    assert set(Item.objects.exclude(name=POISON).values_list("count", flat=True)) == {1}
