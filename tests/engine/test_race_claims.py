"""Two real sessions on PostgreSQL: claims, ends and verbs of one run meet. None of these waits for time to pass."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from console.engine import admission, control, endings, partitions, relaunch, sweeps
from console.engine.runner import carry_out
from console.engine.transactions import AGAIN, short_transaction
from console.engine.transitions import lock
from console.exceptions import AlreadyReached, LeaseLost
from console.models import Failure, Limit, Partition, Run, Target
from console.operations import Retry
from console.states import State
from notes.models import Note
from tests.engine.kit import (
    begin,
    chunk,
    come_due,
    count_of,
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
from tests.engine.sessions import Session
from tests.polling import until
from tests.testapp.models import Place, Restaurant
from tests.world import Declare, ListBroker

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_claim_that_meets_a_cancel_waits_and_finds_it(declare: Declare) -> None:
    """C1: the claim locks the Run before it looks, so that no worker writes for a cancelled run."""
    run = begin(declare(), make_notes(2))
    with transaction.atomic():
        control.cancel(run.pk)
        claim = Session(win, run, token=0)
        assert claim.blocks()
    assert claim.result() is None
    assert fresh(run).state == State.CANCELLED
    assert part(run).lease_until is None


def test_a_cancel_that_meets_a_claim_sees_the_lease(declare: Declare) -> None:
    """C1: the verb waits for the claim and leaves the live partition to its worker."""
    run = begin(declare(), make_notes(2))
    with transaction.atomic():
        lease = must_win(run)
        cancel = Session(control.cancel, run.pk)
        assert cancel.blocks()
    assert cancel.result().state == State.CANCELLING
    chunk(lease, 2)
    assert fresh(run).state == State.CANCELLED


def test_a_claim_that_meets_a_back_off_looks_at_the_run_again(declare: Declare) -> None:
    """C1: else the run would be waiting with a worker at it: every change of its state comes after a look under its lock."""
    run = begin(declare(partitions=2), make_notes(4))
    one, other = must_win(run), must_win(run, 1)
    endings.back_off(other, 0, "away", "", 0)
    with transaction.atomic():
        endings.back_off(one, 600, "away", "", 0)
        claim = Session(win, run, 1)
        assert claim.blocks()
    assert claim.result() is not None
    assert fresh(run).state == State.RUNNING


def test_ten_workers_with_one_message_make_one_claim(declare: Declare) -> None:
    """C3: all at once, on ten connections."""
    run = begin(declare(), make_notes(2))
    gate = threading.Barrier(10)

    def take() -> Any:
        gate.wait(10)
        return win(run, token=0)

    sessions = [Session(take) for _ in range(10)]
    assert len([lease for lease in (session.result() for session in sessions) if lease]) == 1
    assert part(run).tries == 1


def test_two_last_partitions_end_their_run(declare: Declare) -> None:
    """C2: each locks the Run before it ends its partition; the second sees the first one's end."""
    notes = make_notes(4)
    run = begin(declare(partitions=2), notes)
    one, other = must_win(run), must_win(run, 1)
    with transaction.atomic():
        chunk(one, 2)
        last = Session(chunk, other, 2)
        assert last.blocks()
    assert last.result().closed
    assert (fresh(run).state, fresh(run).done) == (State.SUCCEEDED, 4)
    assert marks() == once(notes)


def test_a_claim_between_the_look_and_the_checkpoint_fences_the_late_worker(declare: Declare) -> None:
    """C3, C4: the fence is looked at when the checkpoint is written, not when the chunk begins."""
    notes = make_notes(2)
    rescued: list[Any] = []

    def process(self: Any, batch: Any) -> None:
        mark(self, batch)
        if not rescued:
            lapse_session = Session(lapse, late)
            lapse_session.result()
            rescued.append(Session(win, run).result())

    run = begin(declare(process, hold="shared"), notes)
    late = must_win(run)
    with pytest.raises(LeaseLost):
        chunk(late, 2)
    assert not marks()
    chunk(rescued[0], 2)
    assert marks() == once(notes)
    assert count_of(run) == (2, 0, 0)


def test_a_cancel_between_the_look_and_the_checkpoint_of_a_lapsed_worker_wins(declare: Declare) -> None:
    """C1, C5: a run that has ended is written to by nobody."""
    notes = make_notes(2)

    def process(self: Any, batch: Any) -> None:
        mark(self, batch)
        Session(lapse, late).result()
        assert Session(control.cancel, run.pk).result().state == State.CANCELLED

    run = begin(declare(process, hold="shared"), notes)
    late = must_win(run)
    with pytest.raises(LeaseLost):
        chunk(late, 2)
    assert not marks()
    assert fresh(run).done == 0


def test_inserting_a_failure_does_not_wait_for_who_locks_the_run(declare: Declare) -> None:
    """H6: the Run is locked without its key, so that two checkpoints with failures cannot deadlock."""
    run = begin(declare(), make_notes(1))
    with transaction.atomic():
        lock(run.pk)
        report = Session(
            Failure.objects.create, run_id=run.pk, kind="failed", position=1, reason="r", group="g", partition=part(run)
        )
        assert not report.blocks()
        report.result()


def test_two_checkpoints_with_failures_both_commit(declare: Declare) -> None:
    """H6: failures first, then the Run, then the partition, in both."""
    notes = make_notes(4)

    def process(_self: Any, _batch: Any) -> None:
        raise ValueError("bad")

    run = begin(declare(process, partitions=2), notes)
    one, other = must_win(run), must_win(run, 1)
    with transaction.atomic():
        chunk(one, 2, isolated=True)
        last = Session(chunk, other, 2, isolated=True)
        assert last.blocks()
    last.result()
    assert (fresh(run).state, fresh(run).failed) == (State.SUCCEEDED, 4)


def test_the_victim_of_a_deadlock_is_tried_again() -> None:
    """H6: acceptance and verbs are done up to three times."""
    one, other = make_notes(2)
    met, tries = threading.Barrier(2), []

    @short_transaction
    def lock_both(first: Note, second: Note) -> str:
        tries.append(first.pk)
        rows = Note.all_objects.select_for_update(no_key=True)
        rows.get(pk=first.pk)
        if len(tries) <= 2:
            met.wait(10)
        rows.get(pk=second.pk)
        return "done"

    sessions = [Session(lock_both, one, other), Session(lock_both, other, one)]
    assert [session.result() for session in sessions] == ["done", "done"]
    assert len(tries) >= 3


def test_the_victim_rests_before_it_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """H6: for a random time that grows, with nothing open, so that the two do not meet again and again."""
    rests: list[float] = []

    def rest(seconds: float) -> None:
        assert not connection.in_atomic_block
        rests.append(seconds)

    @short_transaction
    def be_the_victim() -> None:
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'a deadlock' USING ERRCODE = '40P01'; END $$")

    monkeypatch.setattr(time, "sleep", rest)
    for _ in range(20):
        with pytest.raises(OperationalError):
            be_the_victim()
    firsts, seconds = rests[::2], rests[1::2]
    assert len(rests) == 40
    assert len(set(rests)) > 30
    assert 0 <= min(rests) <= max(firsts) <= AGAIN.bound(1) < max(seconds) <= AGAIN.bound(2)


def test_a_frozen_worker_loses_its_locks_before_its_lease_ends(declare: Declare, configure: Any) -> None:
    """H7: its session is ended for standing idle, and the object is free to be locked; what it did is undone."""
    configure(slice=0, timeout=0.2, margin=0.2)
    notes = make_notes(1)
    frozen, thaw = threading.Event(), threading.Event()

    def process(self: Any, batch: Any) -> None:
        mark(self, batch)
        if not frozen.is_set():
            frozen.set()
            thaw.wait(10)

    run = begin(declare(process), notes)
    worker = Session(slice_of, run)
    assert frozen.wait(10)
    with transaction.atomic():
        assert Note.all_objects.select_for_update(no_key=True).get(pk=notes[0].pk)
    thaw.set()
    assert worker.result() == "backed off"
    assert not marks()
    assert settled(run).state == State.SUCCEEDED
    assert marks() == once(notes)


def test_a_worker_waits_for_a_lock_less_long_than_its_lease(declare: Declare, configure: Any) -> None:
    """H7: somebody else's lock makes it back off; the wait is outside trouble."""
    configure(slice=0, timeout=0.1, margin=0.1)
    notes = make_notes(1)
    run = begin(declare(), notes)
    with transaction.atomic():
        Note.all_objects.select_for_update(no_key=True).get(pk=notes[0].pk)
        worker = Session(slice_of, run)
        assert worker.result() == "backed off"
    assert fresh(run).state == State.WAITING
    assert "lock timeout" in part(run).error


def test_two_clicks_on_retry_at_once_make_one_run(declare: Declare) -> None:
    """H9: the second waits on the unique link, and finds the first one's run."""
    old = begin(declare(), make_notes(2))
    control.cancel(old.pk)
    with transaction.atomic():
        first = control.retry(old.pk)
        second = Session(relaunch.retry, old.pk)
        assert second.blocks()
    assert (second.result().run, second.result().created) == (first.run, False)
    assert Run.objects.count() == 2


def test_two_claims_under_a_limit_admit_one(declare: Declare) -> None:
    """M4: the limit's row is locked while runs are counted."""
    operation = declare(max_active=1)
    one, other = begin(operation, make_notes(1)), begin(operation, make_notes(1))
    Limit.objects.create(operation=operation.name)
    with transaction.atomic():
        must_win(one)
        second = Session(win, other)
        assert second.blocks()
    assert second.result() is None
    assert [fresh(run).state for run in (one, other)] == [State.RUNNING, State.QUEUED]
    assert admission.full_operations() == {operation.name}


def test_a_withdrawal_waits_for_the_chunk_in_flight_and_is_refused(declare: Declare) -> None:
    """§6: the worker has read the object; the cursor is looked at only when its chunk is written."""
    notes = make_notes(2)
    run = begin(declare(), notes)
    target = targets(run)[0]
    lease = must_win(run)
    with transaction.atomic():
        chunk(lease)
        late = Session(control.withdraw, run.pk, target=target.pk)
        assert late.blocks()
    with pytest.raises(AlreadyReached):
        late.result()
    assert Target.objects.get(pk=target.pk).hold


def test_a_chunk_waits_for_a_withdrawal_and_leaves_the_object_out(declare: Declare) -> None:
    """§6: the other way round: who locks the target first is first."""
    notes = make_notes(2)
    run = begin(declare(), notes)
    lease = must_win(run)
    with transaction.atomic():
        control.withdraw(run.pk, target=targets(run)[0].pk)
        later = Session(chunk, lease, 2)
        assert later.blocks()
    later.result()
    assert marks() == once(notes[1:])


def test_a_chunk_keeps_other_writers_from_its_objects(declare: Declare) -> None:
    """M12: a QuerySet.update of somebody else comes before the read or after the write, never between."""
    notes = make_notes(1)
    waits: list[bool] = []

    def process(self: Any, batch: Any) -> None:
        update = Session(Note.all_objects.filter(pk=batch[0].pk).update, title="theirs")
        waits.append(update.blocks())
        Note.all_objects.filter(pk=batch[0].pk).update(title="ours")
        sessions.append(update)

    sessions: list[Session[int]] = []
    settled(begin(declare(process), notes))
    sessions[0].result()
    assert waits == [True]


def test_a_chunk_locks_the_row_that_stands_for_an_inherited_object(declare: Declare) -> None:
    """M12: guard and acceptance lock the root's row, and so does the worker."""
    place = Restaurant.objects.create(name="old", stars=1)
    waits: list[bool] = []
    sessions: list[Session[int]] = []

    def process(_self: Any, _batch: Any) -> None:
        sessions.extend(
            [
                Session(Place.objects.filter(pk=place.pk).update, name="theirs"),
                Session(Restaurant.objects.filter(pk=place.pk).update, stars=5),
            ]
        )
        waits.extend(session.blocks() for session in sessions)

    settled(begin(declare(process, model=Restaurant), [place]))
    for session in sessions:
        session.result()
    assert waits == [True, True]


def test_sweeps_at_once_send_each_message_once(declare: Declare, broker: ListBroker) -> None:
    """H1: any number may look at once."""
    operation = declare()
    runs = [begin(operation, make_notes(1)) for _ in range(6)]
    for run in runs:
        come_due(run)
    broker.sent.clear()
    gate = threading.Barrier(4)

    def look() -> int:
        gate.wait(10)
        return sweeps.sweep().sent

    assert sum(session.result() for session in [Session(look) for _ in range(4)]) == 6
    assert sorted(run_id for run_id, _p, _t in broker.sent) == [run.pk for run in runs]


def test_a_back_off_that_meets_a_cancel_ends_the_partition(declare: Declare) -> None:
    """C1, M2: giving a partition back looks at the Run's state again, under its lock."""
    gate = threading.Event()

    def process(_self: Any, _batch: Any) -> None:
        gate.wait(10)
        raise Retry("away")

    run = begin(declare(process, hold="shared"), make_notes(1))
    worker = Session(slice_of, run)
    until(lambda: part(run).lease_until)
    with transaction.atomic():
        assert control.cancel(run.pk).state == State.CANCELLING
        gate.set()
        assert worker.blocks()
    worker.result()
    assert fresh(run).state == State.CANCELLED
    assert part(run).wake_at is None


def test_the_last_item_and_a_pause_end_in_one_of_the_two(declare: Declare) -> None:
    """C2, M2: the last checkpoint waits for the pause, and settles the run that is pausing."""
    run = begin(declare(), make_notes(1))
    lease = must_win(run)
    with transaction.atomic():
        assert control.pause(run.pk).state == State.PAUSING
        last = Session(chunk, lease)
        assert last.blocks()
    last.result()
    assert fresh(run).state == State.SUCCEEDED


def test_claims_and_yields_of_many_sessions_lose_nothing(declare: Declare, configure: Any) -> None:
    """Promise 2: four workers take whatever is due of one run with four partitions, as often as they like."""
    configure(slice=0, chunk_size=1, chunk_size_max=1)
    notes = make_notes(24)
    run = begin(declare(partitions=4), notes)

    def work() -> None:
        while fresh(run).state in {State.QUEUED, State.RUNNING}:
            for partition in Partition.objects.filter(run=run, outcome=None):
                carry_out(run.pk, partition.pk, partition.token, task_id="t", worker="w")

    for session in [Session(work) for _ in range(4)]:
        session.result(60)
    assert fresh(run).state == State.SUCCEEDED
    assert marks() == once(notes)
    assert partitions.open_of(run).count() == 0
