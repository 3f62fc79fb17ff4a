"""Claims: who may work a partition, for which message, and what counts as a try."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from console.engine import claims, control, partitions, sweeps
from console.models import Attempt, Failure, Limit, Partition
from console.operations import Operation, Retry, RetryPolicy
from console.operations.registry import unregister
from console.states import State
from tests.engine.kit import (
    begin,
    chunk,
    come_due,
    count_of,
    fresh,
    lapse,
    make_notes,
    marks,
    must_win,
    once,
    part,
    settled,
    slice_of,
    win,
)
from tests.world import Declare, ListBroker

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_of_ten_copies_of_a_message_claims(declare: Declare) -> None:
    """C3: a message is good for one token, so that its copies are stale after the first."""
    run = begin(declare(), make_notes(2))
    won = [lease for lease in (win(run, token=0) for _ in range(10)) if lease]
    assert len(won) == 1
    assert part(run).tries == 1


def give_back_by_yield(run: Any) -> None:
    """Let a slice be over."""
    partitions.yield_(must_win(run))


def give_back_by_error(run: Any) -> None:
    """Let outside trouble come."""
    partitions.back_off(must_win(run), 0, "away")


def give_back_by_pause(run: Any) -> None:
    """Park it, and wake it."""
    control.pause(run.pk)
    control.resume(run.pk)


@pytest.mark.parametrize(
    ("give_back", "steps"), [(give_back_by_yield, 2), (give_back_by_error, 2), (give_back_by_pause, 1)]
)
def test_an_old_message_claims_nothing(declare: Declare, give_back: Any, steps: int) -> None:
    """C3: claim, yield, back-off and park each make stale what was sent before, were it for a lease that lapsed."""
    run = begin(declare(), make_notes(2))
    old = part(run).token
    give_back(run)
    assert part(run).token == old + steps
    assert [win(run, token=token) for token in range(old, old + steps)] == [None] * steps
    assert win(run) is not None


def test_a_message_for_a_cancelled_run_claims_nothing(declare: Declare) -> None:
    """C1: cancel raises the token and ends the partition in its own transaction."""
    run = begin(declare(), make_notes(1))
    control.cancel(run.pk)
    assert win(run, token=0) is None
    assert (part(run).token, part(run).outcome) == (1, "cancelled")


def test_a_leased_partition_is_not_claimed_again(declare: Declare) -> None:
    """C3: while the lease lives not even the right token wins it."""
    run = begin(declare(), make_notes(1))
    lease = must_win(run)
    assert win(run, token=lease.token) is None
    lapse(lease)
    assert win(run, token=lease.token) is not None


def test_yield_pause_and_refusal_are_no_tries(declare: Declare, configure: Any) -> None:
    """H3: a claim that ends without failure gives its try back."""
    configure(slice=0, chunk_size_max=1)
    run = begin(declare(), make_notes(6))
    for _ in range(3):
        assert slice_of(run) == Attempt.Outcome.YIELDED
        assert part(run).tries == 0
    partitions.yield_(must_win(run))
    assert part(run).tries == 0
    lease = must_win(run)
    control.pause(run.pk)
    assert slice_of(run, token=lease.token) is None
    partitions.park(lease)
    assert part(run).tries == 0


def test_progress_gives_all_tries_back(declare: Declare) -> None:
    """H3: tries count claims since the cursor last moved."""
    run = begin(declare(), make_notes(3))
    for _ in range(2):
        lapse(must_win(run))
    lease = must_win(run)
    assert part(run).tries == 3
    chunk(lease)
    assert part(run).tries == 0


def die_at(run: Any) -> None:
    """Claim, and die with the first item in hand."""
    lapse(must_win(run))


def test_an_item_that_kills_its_worker_each_time_is_given_up_by_the_claim(declare: Declare) -> None:
    """H3: nobody need survive to write its failure; the run goes on behind it."""
    notes = make_notes(3)
    run = begin(declare(retry=RetryPolicy(tries=2)), notes)
    die_at(run)
    die_at(run)
    lease = must_win(run)
    failure = Failure.objects.get(run=run)
    assert (failure.kind, failure.object_id) == (Failure.Kind.GIVEN_UP, str(notes[0].pk))
    assert part(run).position == failure.position
    chunk(lease)
    done = settled(run)
    assert (done.state, done.done, done.failed) == (State.SUCCEEDED, 2, 1)
    assert marks() == once(notes[1:])
    assert Attempt.objects.filter(run=run, outcome=Attempt.Outcome.LOST).count() >= 2


def test_an_item_that_kills_its_worker_stops_a_run_that_shall_stop(declare: Declare) -> None:
    """H3: with on_error = stop the claim that gives the item up fails the run."""
    run = begin(declare(retry=RetryPolicy(tries=1), on_error="stop"), make_notes(2))
    die_at(run)
    die_at(run)
    assert win(run) is None
    assert fresh(run).state == State.FAILED
    assert fresh(run).failed == 1


def test_after_a_lost_attempt_items_go_one_a_checkpoint_until_the_chunk_is_over(
    declare: Declare, configure: Any
) -> None:
    """H4: the chunk that died with its worker is done item by item, then the size is restored."""
    seen: list[int] = []
    operation = declare(lambda _self, notes: seen.append(len(notes)))
    configure(chunk_size=3, chunk_size_max=3)
    run = begin(operation, make_notes(7))
    die_at(run)
    slice_of(run)
    assert seen == [1, 1, 1, 3, 1]
    assert fresh(run).state == State.SUCCEEDED


def test_a_large_chunk_that_was_lost_is_narrowed_by_sixteenths(declare: Declare, configure: Any) -> None:
    """H4: a worker that merely died costs a few small chunks; one that dies again leaves its item alone."""
    configure(chunk_size=64, chunk_size_max=64)
    run = begin(declare(), make_notes(100))
    sizes = []
    for _ in range(3):
        die_at(run)
        lapsed = part(run)
        sizes.append((lapsed.caution, lapsed.chunk_size))
    assert sizes == [(0, 64), (64, 4), (4, 1)]
    assert settled(run).state == State.SUCCEEDED
    assert part(run).caution == 0


def test_three_items_given_up_in_a_row_fail_the_run(declare: Declare) -> None:
    """M3: where everything is given up the trouble is not the items'."""

    def away(_self: Operation, _notes: Any) -> None:
        raise Retry("the service is away")

    run = begin(declare(away, retry=RetryPolicy(tries=1, base=0.001, cap=0.001)), make_notes(9))
    done = settled(run)
    assert (done.state, done.failed) == (State.FAILED, 3)
    assert "the service is away" in done.why


def test_a_success_between_two_given_up_items_keeps_the_run_going(declare: Declare) -> None:
    """M3: only three in a row fail the run."""
    notes = make_notes(7)
    good = {notes[2].pk, notes[5].pk}

    def mostly_away(_self: Operation, chunk_of: Any) -> None:
        if any(note.pk not in good for note in chunk_of):
            raise Retry("away")

    run = begin(declare(mostly_away, retry=RetryPolicy(tries=1, base=0.001, cap=0.001)), notes)
    done = settled(run)
    assert (done.state, done.done, done.failed) == (State.SUCCEEDED, 2, 5)


def test_an_operation_that_this_worker_does_not_know_is_tried_again(declare: Declare) -> None:
    """M5: a worker of the last deploy backs off; the run fails only when all tries are used up."""
    operation = declare(retry=RetryPolicy(tries=2))
    run = begin(operation, make_notes(1))
    unregister(operation.name)
    assert slice_of(run) == Attempt.Outcome.BACKED_OFF
    assert (fresh(run).state, part(run).tries) == (State.WAITING, 1)
    done = settled(run)
    assert done.state == State.FAILED
    assert operation.name in done.why


def test_a_refused_claim_is_no_try_and_a_free_slot_wakes_the_oldest(declare: Declare, broker: ListBroker) -> None:
    """M4: no more than max_active runs work at once; the refused one is woken when a slot is free."""
    operation = declare(max_active=1)
    first, second, third = (begin(operation, make_notes(2)) for _ in range(3))
    lease = must_win(first)
    assert win(second) is None
    assert win(third) is None
    assert (fresh(second).state, part(second).tries, part(second).token) == (State.QUEUED, 0, 0)
    broker.sent.clear()
    come_due(second)
    sweeps.sweep()
    assert broker.sent == []
    chunk(lease, 5)
    sweeps.sweep()
    assert [run_id for run_id, _partition, _token in broker.sent] == [second.pk]
    assert win(second) is not None


def test_a_run_that_its_pace_holds_back_makes_room_for_another(declare: Declare, configure: Any) -> None:
    """M4: it is queued between its items, another of its operation may work, and it goes on when that one has ended."""
    configure(slice=1, chunk_size=1)
    operation = declare(max_active=1, pace=0.05)
    first, second = begin(operation, make_notes(2)), begin(operation, make_notes(1))
    assert slice_of(first) == Attempt.Outcome.YIELDED
    assert fresh(first).state == State.QUEUED
    lease = must_win(second)
    come_due(first)
    assert win(first) is None
    assert (fresh(first).state, part(first).tries) == (State.QUEUED, 0)
    chunk(lease, 1)
    assert settled(first).state == State.SUCCEEDED
    assert sum(marks().values()) == 3


def test_a_limit_set_while_the_site_runs_goes_before_the_declared_one(declare: Declare) -> None:
    """M4: the limit's row counts, not the class alone."""
    operation = declare()
    Limit.objects.create(operation=operation.name, max_active=1)
    first, second = begin(operation, make_notes(1)), begin(operation, make_notes(1))
    must_win(first)
    assert win(second) is None


def test_a_worker_whose_clock_is_wrong_keeps_to_the_databases(
    declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L5: leases are reckoned on the database's clock alone."""
    ahead = timezone.now() + timedelta(days=1)
    run = begin(declare(), make_notes(1))
    with monkeypatch.context() as wrong:
        wrong.setattr(timezone, "now", lambda: ahead)
        must_win(run)
    until = part(run).lease_until
    assert until is not None
    assert until < ahead - timedelta(hours=23)
    assert win(run, token=part(run).token) is None


def test_attempts_that_simply_yielded_are_not_kept(declare: Declare, configure: Any) -> None:
    """L3: the history of a long run is what went otherwise, and the last slice."""
    configure(slice=0, chunk_size=1, chunk_size_max=1)
    run = begin(declare(), make_notes(6))
    lapse(must_win(run))
    for _ in range(4):
        slice_of(run)
    assert list(run.attempts.values_list("outcome", flat=True)) == [Attempt.Outcome.LOST, Attempt.Outcome.YIELDED]


def test_an_error_while_reading_the_next_item_does_not_keep_a_run_alive(
    declare: Declare, caplog: pytest.LogCaptureFixture
) -> None:
    """Promise 5: a source that can never be read ends in a failed run, not in a claim that raises for ever."""
    caplog.set_level(logging.CRITICAL)

    def read(_self: Operation, _after: int, _limit: int) -> Any:
        raise ConnectionError("the shelf is gone")

    run = begin(declare(model=None, read=read, retry=RetryPolicy(tries=1, base=0.001, cap=0.001)))
    done = settled(run, rounds=8)
    assert done.state == State.FAILED
    assert "the shelf is gone" in done.why


def test_claims_lock_nothing_that_is_not_there(declare: Declare) -> None:
    """C3: a message of a run or partition that is gone is stale, not an error."""
    run = begin(declare(), make_notes(1))
    partition = part(run)
    run.delete()
    assert claims.claim(run.pk, partition.pk, 0, task_id="t", worker="w") is None
    assert not Partition.objects.exists()


def test_counters_tell_of_items_that_were_given_up(declare: Declare) -> None:
    """H3: the failure that a claim writes is counted with the others."""
    run = begin(declare(retry=RetryPolicy(tries=1)), make_notes(2))
    die_at(run)
    die_at(run)
    must_win(run)
    assert count_of(run) == (0, 1, 0)
