"""Wake-ups: noted before they are sent, sent again with growing patience, lost without harm."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import connection, transaction
from django_celery_results.models import TaskResult

from console.conf import settings as console_settings
from console.engine import partitions, runner, sweeps, wakeups
from console.models import Attempt, Heartbeat, Partition, Run
from console.monitoring import heartbeats
from console.operations import RetryPolicy
from console.states import State
from console.tasks import wake
from tests.engine.kit import (
    begin,
    come_due,
    fresh,
    make_notes,
    mark,
    marks,
    must_win,
    once,
    part,
    slice_of,
    win,
)
from tests.polling import until
from tests.world import Declare, ListBroker

pytestmark = pytest.mark.django_db(transaction=True)

real_send = wakeups.send


def wait_of(partition: Partition) -> timedelta:
    """Return how long after the last send the wake-up is owed again."""
    assert partition.wake_at is not None
    assert partition.sent_at is not None
    return partition.wake_at - partition.sent_at


def test_acceptance_sends_after_the_commit_with_the_run_partition_and_token(
    declare: Declare, broker: ListBroker
) -> None:
    """Promise 1: the first wake-up is owed in the same transaction, and sent when that has committed."""
    operation, notes = declare(partitions=2), make_notes(4)
    with transaction.atomic():
        run = begin(operation, notes)
        assert broker.sent == []
    assert broker.sent == [(run.pk, part(run, 0).pk, 0), (run.pk, part(run, 1).pk, 0)]
    assert round(wait_of(part(run)).total_seconds()) == console_settings.redelivery


def test_a_run_accepted_while_the_broker_is_away_is_owed_now(declare: Declare, broker: ListBroker) -> None:
    """Promise 1: what is accepted is never lost; the sweep sends it when the broker is back."""
    broker.down = True
    run = begin(declare(), make_notes(1))
    assert sweeps.sweep().failed_sends
    broker.down = False
    assert sweeps.sweep().sent == 1
    assert broker.sent == [(run.pk, part(run).pk, 0)]


def test_the_send_is_noted_and_committed_before_it_is_done(declare: Declare, broker: ListBroker) -> None:
    """H1: a crash after the send, or a loss, is healed by the date that was written before."""
    run = begin(declare(), make_notes(1))
    come_due(run)
    seen: list[bool] = []

    def look(partition: Partition) -> None:
        seen.append(connection.in_atomic_block)
        assert wait_of(part(run)) > timedelta(0)

    broker.on_send = look
    sweeps.sweep()
    assert seen == [False]


def test_a_claim_during_the_send_is_not_overwritten(declare: Declare, broker: ListBroker) -> None:
    """H1: the message arrived though the broker seemed to fail; the live lease does not look due."""
    run = begin(declare(), make_notes(2))
    come_due(run)
    broker.on_send = lambda _partition: must_win(run)  # type: ignore[assignment,func-returns-value]
    broker.down = True
    assert sweeps.sweep().failed_sends
    leased = part(run)
    assert leased.wake_at == leased.lease_until
    assert leased.lease_until is not None


def test_a_run_that_ended_during_the_send_stays_asleep(declare: Declare, broker: ListBroker) -> None:
    """H1: nothing is owed by a finished partition."""
    run = begin(declare(), make_notes(2))
    come_due(run)
    broker.on_send = lambda _partition: slice_of(run)  # type: ignore[assignment,return-value]
    broker.down = True
    sweeps.sweep()
    assert fresh(run).state == State.SUCCEEDED
    assert part(run).wake_at is None


def test_two_lookers_send_one_message(declare: Declare, broker: ListBroker) -> None:
    """H1: the date is compared and swapped, so that of two who read the same row one sends."""
    run = begin(declare(), make_notes(1))
    come_due(run)
    broker.sent.clear()
    read = [list(Partition.objects.select_related("run")), list(Partition.objects.select_related("run"))]
    assert [wakeups.send_owed(rows)[0] for rows in read] == [1, 0]
    assert len(broker.sent) == 1


def test_unanswered_messages_are_sent_less_and_less_often(declare: Declare) -> None:
    """H2: the wait doubles up to a quarter of an hour; a claim makes it short again."""
    run = begin(declare(), make_notes(1))
    waits = []
    for _ in range(7):
        come_due(run)
        sweeps.sweep()
        waits.append(round(wait_of(part(run)).total_seconds()))
    assert waits == [60, 120, 240, 480, 900, 900, 900]
    partitions.yield_(must_win(run))
    assert round(wait_of(part(run)).total_seconds()) == 30


def test_messages_of_an_empty_queue_are_known_to_be_lost(declare: Declare, broker: ListBroker, configure: Any) -> None:
    """H2: a flushed broker costs seconds, not a quarter of an hour; a queue that holds something is left in peace."""
    configure(lost_after=0)
    run = begin(declare(), make_notes(1))
    broker.sent.clear()
    for waiting in (None, 3):
        broker.waiting = waiting
        assert sweeps.sweep().sent == 0
    broker.waiting = 0
    assert sweeps.sweep().sent == 1
    assert broker.sent == [(run.pk, part(run).pk, 0)]


def test_what_was_sent_a_moment_ago_is_not_lost_yet(declare: Declare, broker: ListBroker) -> None:
    """H2: a message needs time to be taken even from a queue that is empty again."""
    begin(declare(), make_notes(1))
    broker.waiting = 0
    assert sweeps.sweep().sent == 0


def test_the_pass_stops_at_the_first_failed_send(declare: Declare, broker: ListBroker) -> None:
    """H2: a broker that is away costs one time-out a sweep, not one for each run."""
    operation = declare()
    runs = [begin(operation, make_notes(1)) for _ in range(4)]
    for run in runs:
        come_due(run)
    asked: list[int] = []
    broker.on_send = lambda partition: asked.append(partition.pk)
    broker.down = True
    swept = sweeps.sweep()
    assert (swept.sent, swept.failed_sends, len(asked)) == (0, True, 1)
    assert Partition.objects.filter(sends__gt=1).count() == 0


def test_a_yield_sends_the_next_message_with_the_new_token(
    declare: Declare, broker: ListBroker, configure: Any
) -> None:
    """Wake: the slice's end is followed at once by the next one's message."""
    configure(slice=0, chunk_size=1)
    run = begin(declare(), make_notes(3))
    broker.sent.clear()
    slice_of(run)
    assert broker.sent == [(run.pk, part(run).pk, part(run).token)]
    assert part(run).token == 2


def test_time_limits_lie_inside_the_lease(declare: Declare, monkeypatch: pytest.MonkeyPatch) -> None:
    """H8: soft = slice + timeout, hard = soft + margin, lease = hard + margin; the message carries the first two."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(current_app, "send_task", lambda *_args, **options: messages.append(options))
    run = begin(declare(timeout=7, priority=3, queue="control"), make_notes(1))
    assert real_send(Partition.objects.select_related("run").get(run=run))
    sent = messages[0]
    assert (sent["soft_time_limit"], sent["time_limit"]) == (17, 22)
    assert (sent["queue"], sent["priority"], sent["retry"]) == ("control", 3, False)
    assert not {"countdown", "eta", "expires"} & sent.keys()
    assert must_win(run).seconds == 27
    assert console_settings.lease(None) == 35


def test_the_lease_of_a_process_that_died_is_given_back_at_once(declare: Declare) -> None:
    """H8: the worker's main process knows the task that died; the next claim finds the attempt lost and is careful."""
    run = begin(declare(), make_notes(3))
    lease = must_win(run)
    task_id = Attempt.objects.get(pk=lease.attempt_id).task_id
    assert partitions.release_lost("another") == 0
    assert partitions.release_lost(task_id) == 1
    assert win(run) is not None
    assert part(run).caution > 0
    assert partitions.release_lost(task_id) == 0


def test_workers_look_for_what_is_owed_when_beat_is_down(declare: Declare, broker: ListBroker) -> None:
    """M6: the pulse of a worker's main process sweeps too."""
    run = begin(declare(), make_notes(1))
    come_due(run)
    broker.sent.clear()
    pulse = heartbeats.Pulse(lambda: heartbeats.Sign(Heartbeat.Kind.WORKER, "worker"))
    pulse.start()
    try:
        until(lambda: broker.sent)
    finally:
        pulse.stop()
        pulse.join(10)
    assert not pulse.is_alive()
    assert broker.sent[0] == (run.pk, part(run).pk, 0)


def test_in_one_process_nothing_yields_and_a_sweep_wakes_what_backs_off(
    declare: Declare, monkeypatch: pytest.MonkeyPatch, configure: Any
) -> None:
    """M8: eager runs go to their end without recursion, whatever the slice; waiting ones go on by a sweep."""
    configure(slice=0, chunk_size=1, chunk_size_max=1)
    monkeypatch.setattr(wakeups, "send", real_send)
    notes = make_notes(5)
    attempts: list[int] = []

    def process(self: Any, batch: Any) -> None:
        attempts.append(len(batch))
        mark(self, batch)
        if len(attempts) == 3:
            raise ConnectionError("away")

    current_app.conf.task_always_eager = True
    try:
        run = begin(declare(process, retry=RetryPolicy(base=0.001, cap=0.001)), notes)
        assert fresh(run).state == State.WAITING
        assert run.attempts.count() == 1
        until(lambda: sweeps.sweep().sent)
    finally:
        current_app.conf.task_always_eager = False
    assert fresh(run).state == State.SUCCEEDED
    assert marks() == once(notes)


def test_a_hook_of_somebody_else_that_raises_does_not_keep_ours_from_sending(
    declare: Declare, broker: ListBroker, caplog: pytest.LogCaptureFixture
) -> None:
    """M8: our hooks are robust, and what a broken one before them keeps from being sent is owed all the same."""
    caplog.set_level(logging.CRITICAL)
    operation, notes = declare(), make_notes(1)

    def broken() -> None:
        raise ValueError("not ours")

    def ask() -> None:
        with transaction.atomic():
            begin(operation, notes)
            transaction.on_commit(broken)

    with pytest.raises(ValueError, match="not ours"):
        ask()
    run = Run.objects.get()
    assert broker.sent == [(run.pk, part(run).pk, 0)]
    broker.on_send = lambda _partition: broken()
    with transaction.atomic():
        other = begin(operation, make_notes(1))
    broker.on_send = None
    broker.sent.clear()
    come_due(other)
    sweeps.sweep()
    assert broker.sent == [(other.pk, part(other).pk, 0)]


def test_a_result_is_kept_only_of_wake_ups_that_won_their_claim(declare: Declare) -> None:
    """M9: a stale message leaves no row beside the attempts."""
    run = begin(declare(), make_notes(1))
    for task_id in ("first", "second"):
        wake.apply(args=(run.pk, part(run).pk, 0), task_id=task_id)
    assert list(TaskResult.objects.values_list("task_id", flat=True)) == ["first"]
    assert Attempt.objects.get(run=run).task_id == "first"


def test_a_slice_that_breaks_off_loses_nothing(
    declare: Declare, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Promise 2: whatever breaks the runner itself, the lease ends by itself and the next claim goes on from the cursor."""
    caplog.set_level(logging.CRITICAL)
    notes = make_notes(2)
    run = begin(declare(), notes)

    def broken(*_: Any) -> Any:
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patched:
        patched.setattr(runner, "next_size", broken)
        assert slice_of(run) == Attempt.Outcome.LOST
    Partition.objects.filter(run=run).update(lease_until=None)
    assert slice_of(run) == Attempt.Outcome.DONE
    assert marks() == once(notes)
