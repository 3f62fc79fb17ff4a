"""Cancel, pause, resume, failure of a partition, settlement: with the database alone."""

from __future__ import annotations

from typing import Any

import pytest

from console.engine import checkpoints, control, endings, holds, partitions, runner, sweeps
from console.engine.checkpoints import commit_chunk
from console.engine.transitions import move
from console.exceptions import ObjectHeld, UnlawfulTransition, VerbNotLawful
from console.models import Attempt, Event, Partition, Run, Target
from console.states import ACTIVE, ENDED, TRANSITIONS, VERBS, State, Verb
from tests.engine.kit import (
    begin,
    chunk,
    come_due,
    fresh,
    lapse,
    make_notes,
    mark,
    marks,
    must_win,
    once,
    part,
    settled,
    slice_of,
    targets,
    win,
)
from tests.world import Declare, ListBroker

pytestmark = pytest.mark.django_db(transaction=True)


def test_cancel_ends_a_run_that_nobody_works_on_though_the_broker_is_away(declare: Declare, broker: ListBroker) -> None:
    """C5: no worker and no broker is needed; the objects are free at once."""
    broker.down = True
    notes = make_notes(2)
    run = begin(declare(), notes)
    with pytest.raises(ObjectHeld):
        notes[0].save()
    assert control.cancel(run.pk, reason="a mistake").state == State.CANCELLED
    notes[0].save()
    assert [(e.what, e.reason) for e in run.events.order_by("pk")][1:] == [("cancel", "a mistake"), ("cancelled", "")]


def test_cancel_does_not_wait_for_a_dead_worker(declare: Declare) -> None:
    """C5: a lapsed lease is no reason to wait; the late worker's chunk is refused."""
    run = begin(declare(), make_notes(2))
    lapse(must_win(run))
    assert control.cancel(run.pk).state == State.CANCELLED
    assert Attempt.objects.get(run=run).outcome == Attempt.Outcome.LOST


def test_cancelling_ends_when_the_last_lease_lapses(declare: Declare, broker: ListBroker) -> None:
    """C5: the sweep ends it with the database alone, and sends nothing."""
    run = begin(declare(), make_notes(2))
    lease = must_win(run)
    assert control.cancel(run.pk).state == State.CANCELLING
    broker.sent.clear()
    assert sweeps.sweep().ended == 0
    lapse(lease)
    assert sweeps.sweep().ended == 1
    assert fresh(run).state == State.CANCELLED
    assert broker.sent == []


def test_a_chunk_does_nothing_whose_run_was_cancelled_while_it_waited_for_the_database(
    declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was seen before SQLite's one writer gave way is looked at again: a cancel has come, and is obeyed."""
    monkeypatch.setattr(checkpoints, "WAITED", -1.0)
    run = begin(declare(), make_notes(2))

    def overtaken(*given: Any) -> Any:
        assert control.cancel(run.pk).state == State.CANCELLING
        return commit_chunk(*given)

    monkeypatch.setattr(runner, "commit_chunk", overtaken)
    assert slice_of(run) == Attempt.Outcome.STOPPED
    assert fresh(run).state == State.CANCELLED
    assert not marks()


def test_a_stray_message_ends_a_cancelling_run_too(declare: Declare) -> None:
    """C5: whoever looks ends or parks, even by a stale message."""
    run = begin(declare(), make_notes(2))
    lease = must_win(run)
    control.cancel(run.pk)
    lapse(lease)
    assert win(run, token=0) is None
    assert fresh(run).state == State.CANCELLED


def test_cancel_ends_unleased_partitions_at_once_and_the_leased_one_obeys(declare: Declare) -> None:
    """C5: of two partitions the idle one ends in the verb's transaction, the other at its next checkpoint."""
    notes = make_notes(4)
    run = begin(declare(partitions=2), notes)
    lease = must_win(run)
    chunk(lease)
    control.cancel(run.pk)
    assert (part(run, 1).outcome, part(run, 1).wake_at) == ("cancelled", None)
    chunk(lease)  # the last item of the leased one
    assert fresh(run).state == State.CANCELLED
    assert fresh(run).done == 2
    assert marks() == once(notes[:2])


def test_pause_parks_resume_wakes_and_nothing_is_done_twice(declare: Declare, broker: ListBroker) -> None:
    """C5: pause and resume between chunks; a partition that yields while pausing is parked by whoever looks."""
    notes = make_notes(6)
    run = begin(declare(partitions=2), notes)
    lease, other = must_win(run), must_win(run, 1)
    chunk(lease)
    assert control.pause(run.pk).state == State.PAUSING
    partitions.yield_(lease)
    lapse(other)
    sweeps.sweep()
    assert fresh(run).state == State.PAUSED
    assert not Partition.objects.filter(run=run, lease_until__isnull=False).exists()
    broker.sent.clear()
    assert control.resume(run.pk).state == State.QUEUED
    assert len(broker.sent) == 2
    assert settled(run).state == State.SUCCEEDED
    assert marks() == once(notes)


def test_resume_while_pausing_keeps_the_live_lease(declare: Declare) -> None:
    """M2: pausing → running is lawful; who works goes on, who was parked is woken."""
    run = begin(declare(partitions=2), make_notes(4))
    lease = must_win(run)
    control.pause(run.pk)
    assert control.resume(run.pk).state == State.RUNNING
    chunk(lease)
    assert part(run).done == 1
    assert part(run, 1).wake_at is not None
    assert settled(run).state == State.SUCCEEDED


def test_resume_of_a_waiting_run_tries_again_now(declare: Declare, broker: ListBroker) -> None:
    """§6: “retry now” wakes at once, gives all tries back, and leaves the token as it is."""
    run = begin(declare(), make_notes(1))
    partitions_before = must_win(run)

    endings.back_off(partitions_before, 600, "away", "", 0)
    assert fresh(run).state == State.WAITING
    token = part(run).token
    broker.sent.clear()
    assert control.resume(run.pk).state == State.QUEUED
    assert (part(run).tries, part(run).token) == (0, token)
    assert broker.sent == [(run.pk, part(run).pk, token)]


def test_a_forgotten_pause_is_cancelled_some_day(declare: Declare) -> None:
    """M10: the objects of a paused run do not stay locked for ever."""
    notes = make_notes(1)
    run = begin(declare(), notes)
    control.pause(run.pk)
    sweeps.sweep()
    assert fresh(run).state == State.PAUSED
    come_due(run)
    sweeps.sweep()
    assert fresh(run).state == State.CANCELLED
    assert "paused" in fresh(run).why
    notes[0].save()


def test_a_failed_partition_lets_the_others_go_on(declare: Declare) -> None:
    """M1: one fails, the other finishes; the run is failed at the end, not before."""
    notes = make_notes(4)
    run = begin(declare(partitions=2), notes)
    lease = must_win(run)
    other = must_win(run, 1)
    partitions.end(lease, Partition.Outcome.FAILED, "broken")
    assert fresh(run).state == State.RUNNING
    chunk(other, 2)
    assert fresh(run).state == State.FAILED
    assert marks() == once(notes[2:])


def test_a_run_waits_only_when_every_open_partition_backs_off(declare: Declare) -> None:
    """M1: any claim makes it running again."""
    run = begin(declare(partitions=2), make_notes(4))
    lease, other = must_win(run), must_win(run, 1)
    endings.back_off(lease, 600, "away", "", 0)
    assert fresh(run).state == State.RUNNING
    endings.back_off(other, 600, "away", "", 0)
    assert fresh(run).state == State.WAITING
    come_due(run)
    must_win(run)
    assert fresh(run).state == State.RUNNING


def test_a_stop_waits_for_the_other_worker_and_ends_failed_with_its_cause(declare: Declare) -> None:
    """M1: on_error = stop makes the run cancelling while another partition is leased; it ends failed."""
    notes = make_notes(4)

    def process(self: Any, batch: Any) -> None:
        if batch[0].pk == notes[0].pk:
            raise ValueError("broken")
        mark(self, batch)

    run = begin(declare(process, partitions=2, on_error="stop"), notes)
    other = must_win(run, 1)
    slice_of(run)
    assert fresh(run).state == State.CANCELLING
    chunk(other)

    endings.cancel(other, 0)
    ended = fresh(run)
    assert ended.state == State.FAILED
    assert "broken" in ended.why


def test_a_cancel_that_was_asked_for_ends_cancelled_though_the_last_item_was_done(declare: Declare) -> None:
    """M1: whoever asked reads “cancelled”, with everything counted."""
    run = begin(declare(), make_notes(1))
    lease = must_win(run)
    control.cancel(run.pk)
    chunk(lease)
    assert (fresh(run).state, fresh(run).done) == (State.CANCELLED, 1)


def test_a_stop_after_a_cancel_does_not_make_it_failed(declare: Declare) -> None:
    """M1: the cancel that was asked for first keeps its word."""
    notes = make_notes(2)

    def process(_self: Any, _batch: Any) -> None:
        raise ValueError("broken")

    run = begin(declare(process, on_error="stop"), notes)
    lease = must_win(run)
    control.cancel(run.pk)
    chunk(lease, 2, isolated=True)
    assert fresh(run).state == State.CANCELLED


def test_the_sweep_settles_a_run_without_an_open_partition(declare: Declare) -> None:
    """C2: the backstop, should a partition ever have ended without its run."""
    run = begin(declare(), make_notes(1))
    must_win(run)
    Partition.objects.filter(run=run).update(outcome="done", lease_until=None, wake_at=None)
    assert sweeps.sweep().settled == 1
    assert fresh(run).state == State.SUCCEEDED


def test_settled_means_released_and_the_column_is_cleared_later(
    declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H12: with the state the objects are free, in one row; the targets' column follows in bounded steps."""
    monkeypatch.setattr(holds, "RELEASE_STEP", 2)
    notes = make_notes(5)
    run = settled(begin(declare(), notes))
    assert all(target.hold for target in targets(run))
    for note in notes:
        note.save()
    cleared = []
    while Target.objects.filter(run=run, hold__isnull=False).exists():
        before = Target.objects.filter(run=run, hold__isnull=False).count()
        sweeps.sweep()
        cleared.append(before - Target.objects.filter(run=run, hold__isnull=False).count())
    sweeps.sweep()
    assert cleared == [2, 2, 1]
    assert not fresh(run).holding


@pytest.mark.parametrize("ended", sorted(ENDED))
def test_ended_states_have_no_way_out(declare: Declare, ended: State) -> None:
    """H9: no arrow leaves them, in the table and in the writer; cancel, pause and resume are refused with a reason."""
    assert not [arrow for arrow in TRANSITIONS if arrow[0] == ended]
    assert not set(VERBS[ended]) - {Verb.RETRY, Verb.START}
    run = begin(declare(), make_notes(1))
    Run.objects.filter(pk=run.pk).update(state=ended)
    for verb in (control.cancel, control.pause, control.resume):
        with pytest.raises(VerbNotLawful, match=rf"{run.pk}.*already ended"):
            verb(run.pk)
    for state in ACTIVE:
        with pytest.raises(UnlawfulTransition):
            move(fresh(run), state)
    assert fresh(run).state == ended
    assert not Event.objects.filter(run=run, what__in=("cancel", "pause", "resume")).exists()
