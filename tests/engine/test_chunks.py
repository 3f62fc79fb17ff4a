"""Chunks: effects and checkpoint together, once; bad items apart; dry runs dry."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from console.engine import control, endings, sizes
from console.engine.progress import progress
from console.exceptions import ItemFailed, LeaseLost, NoDryRun, Retry, Skip
from console.models import Attempt, Failure, Partition
from console.operations import ExternalOperation, Hold, RetryPolicy
from console.states import State
from notes.models import Attachment, Note
from tests.engine.kit import (
    begin,
    chunk,
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
)
from tests.world import Declare

pytestmark = pytest.mark.django_db(transaction=True)


class HookError(Exception):
    """What a hook of the operation's own raises after the commit."""


def raise_after_commit() -> None:
    """Be the hook."""
    raise HookError


def test_an_error_after_the_commit_repeats_nothing(declare: Declare, configure: Any) -> None:
    """C4: the worker sees an error though the chunk was committed; it reads the cursor and goes on behind it."""
    raised: list[int] = []

    def process(self: Any, notes: Any) -> None:
        mark(self, notes)
        raised.append(len(notes))
        transaction.on_commit(raise_after_commit)

    configure(chunk_size=2, chunk_size_max=2, chunk_time=60)  # a slow machine would get smaller chunks
    notes = make_notes(5)
    done = settled(begin(declare(process), notes))
    assert raised == [2, 2, 1]
    assert marks() == once(notes)
    assert (done.state, done.done, done.failed) == (State.SUCCEEDED, 5, 0)


def test_the_fence_refuses_a_chunk_that_starts_behind_the_cursor(declare: Declare) -> None:
    """C4: a chunk replayed from memory, with a token that is still good, writes nothing."""
    notes = make_notes(3)
    run = begin(declare(), notes)
    lease = must_win(run)
    memory = Partition.objects.select_related("run").get(pk=lease.partition_id)
    chunk(lease, 2, seen=memory)
    with pytest.raises(LeaseLost):
        chunk(lease, 2, seen=memory)
    assert marks() == once(notes[:2])
    assert count_of(run) == (2, 0, 0)


def test_the_fence_refuses_a_worker_that_lost_its_lease(declare: Declare) -> None:
    """Promise 2: another claim raised the token, so the late chunk is rolled back whole."""
    notes = make_notes(2)
    run = begin(declare(), notes)
    late = must_win(run)
    lapse(late)
    mine = must_win(run)
    with pytest.raises(LeaseLost):
        chunk(late)
    assert not marks()
    chunk(mine, 2)
    with pytest.raises(LeaseLost):
        chunk(late)
    assert marks() == once(notes)


def test_a_late_slice_stops_quietly(declare: Declare) -> None:
    """Promise 2: a claim between the look and the checkpoint ends the slice as fenced; nothing is raised or repeated."""
    notes = make_notes(2)
    rescued: list[str | None] = []

    class Slow(ExternalOperation):
        def call(self, obj: Any, key: str) -> str:
            if not rescued:  # no transaction is open here: the lease lapses and another worker does everything
                rescued.append("being rescued")
                Partition.objects.update(lease_until=None)
                rescued[0] = slice_of(run, token=part(run).token)
            return "answer"

        def process(self, obj: Any, answer: Any) -> None:
            mark(self, [obj])

    operation = declare(None, base=Slow)
    run = begin(operation, notes)
    assert slice_of(run) == Attempt.Outcome.FENCED
    assert rescued == [Attempt.Outcome.DONE]
    assert marks() == once(notes)
    assert fresh(run).state == State.SUCCEEDED


def fail_on(*bad: Note) -> Any:
    """Return a process that marks its objects and then fails if one of `bad` is among them."""
    keys = {note.pk for note in bad}

    def process(self: Any, notes: Any) -> None:
        mark(self, notes)
        for note in notes:
            if note.pk in keys:
                raise ValueError(f"bad {note.pk}")

    return process


def test_one_bad_item_fails_and_the_others_succeed(declare: Declare) -> None:
    """A chunk that fails for its data is replayed item by item: one Failure, named and explained."""
    notes = make_notes(5)
    run = settled(begin(declare(fail_on(notes[2])), notes))
    failure = Failure.objects.get(run=run)
    assert (run.state, run.done, run.failed) == (State.SUCCEEDED, 4, 1)
    assert (failure.object_id, failure.object_label) == (str(notes[2].pk), notes[2].title)
    assert f"bad {notes[2].pk}" in failure.reason
    assert "ValueError" in failure.traceback
    assert marks() == once([*notes[:2], *notes[3:]])


def dangle(*bad: Note) -> Any:
    """Return a process that leaves a dangling foreign key at `bad`, which only COMMIT notices."""
    keys = {note.pk for note in bad}

    def process(self: Any, notes: Any) -> None:
        mark(self, notes)
        Attachment.objects.bulk_create(Attachment(note_id=10**9, name=str(n.pk)) for n in notes if n.pk in keys)

    return process


def test_an_item_that_only_commit_refuses_is_found(declare: Declare) -> None:
    """H5: deferred constraints are checked in the chunk, or the items go one a transaction; one Failure, no endless replay."""
    notes = make_notes(4)
    run = settled(begin(declare(dangle(notes[1])), notes), rounds=20)
    assert (run.state, run.done, run.failed) == (State.SUCCEEDED, 3, 1)
    assert Failure.objects.get(run=run).object_id == str(notes[1].pk)
    assert marks() == once([notes[0], *notes[2:]])


def test_a_dry_run_sees_what_commit_would_refuse_where_the_database_can_say(declare: Declare) -> None:
    """H5: on PostgreSQL a dry run reports a dangling key; SQLite can only say so at COMMIT."""
    notes = make_notes(3)
    run = settled(begin(declare(dangle(notes[1])), notes, dry_run=True))
    assert run.failed == (1 if connection.vendor == "postgresql" else 0)
    assert run.state == State.SUCCEEDED


def test_no_more_than_fifty_savepoints_in_a_transaction(declare: Declare, configure: Any) -> None:
    """H5: isolating a large chunk is cut into transactions."""
    configure(chunk_size=200, chunk_size_max=200)
    notes = make_notes(120)
    run = begin(declare(fail_on(notes[110])), notes)
    lease = must_win(run)
    assert chunk(lease, 200, isolated=True).items == 50


def test_on_error_stop_fails_the_run_and_leaves_the_rest_undone(declare: Declare, configure: Any) -> None:
    """M1: a run that shall stop at the first failure ends failed, with the cause, and what was done stays."""
    configure(chunk_size=1, chunk_size_max=1)
    notes = make_notes(4)
    run = settled(begin(declare(fail_on(notes[1]), on_error="stop"), notes))
    assert (run.state, run.done, run.failed) == (State.FAILED, 1, 1)
    assert "bad" in run.why
    assert marks() == once(notes[:1])


def test_on_error_stop_leaves_what_is_behind_the_failing_item_in_its_chunk(declare: Declare) -> None:
    """Within one chunk too: nothing behind the first failure is done, and a retry takes it all up."""
    notes = make_notes(9)
    run = settled(begin(declare(fail_on(notes[4]), on_error="stop"), notes))
    assert (run.state, run.done, run.failed) == (State.FAILED, 4, 1)
    assert marks() == once(notes[:4])


def test_on_error_stop_stops_at_an_object_that_is_gone(declare: Declare) -> None:
    """An item that failed without an error stops the run just so."""
    notes = make_notes(5)
    run = begin(declare(on_error="stop"), notes)
    Note.all_objects.filter(pk=notes[2].pk)._raw_delete("default")  # type: ignore[attr-defined]
    run = settled(run)
    assert (run.state, run.done, run.failed) == (State.FAILED, 2, 1)
    assert marks() == once(notes[:2])


def test_too_many_failures_stop_the_run(declare: Declare, configure: Any) -> None:
    """M1: more failures than max_failures stop the run, counted over all of its partitions."""
    configure(chunk_size=1, chunk_size_max=1)
    notes = make_notes(8)
    run = settled(begin(declare(fail_on(*notes), max_failures=2, partitions=2), notes))
    assert (run.state, run.failed) == (State.FAILED, 3)


def test_outcomes_that_the_operation_raises_or_returns_are_reports(declare: Declare) -> None:
    """ItemFailed and Skip, raised or returned, fail or skip one item with the operation's words."""
    notes = make_notes(4)

    def process(self: Any, batch: Any) -> dict[int, Any]:
        if any(note.pk == notes[0].pk for note in batch):
            raise ItemFailed(notes[0], "not this one", {"field": "value"})
        mark(self, [note for note in batch if note.pk == notes[3].pk])
        told = {notes[1].pk: Skip(notes[1], "was so before"), notes[2].pk: ItemFailed(notes[2], "nor this")}
        return {note.pk: told[note.pk] for note in batch if note.pk in told}

    run = settled(begin(declare(process), notes))
    assert (run.done, run.failed, run.skipped) == (1, 2, 1)
    assert set(run.failures.values_list("kind", "reason")) == {
        ("failed", "not this one"),
        ("skipped", "was so before"),
        ("failed", "nor this"),
    }
    assert run.failures.get(reason="not this one").data == {"field": "value"}


def test_an_object_that_is_gone_is_a_failure_that_says_so(declare: Declare) -> None:
    """Promise 4: data is read when it is used."""
    notes = make_notes(3)
    run = begin(declare(), notes)
    Note.all_objects.filter(pk=notes[1].pk)._raw_delete("default")
    done = settled(run)
    assert (done.state, done.done, done.failed) == (State.SUCCEEDED, 2, 1)
    assert Failure.objects.get(run=run).kind == Failure.Kind.GONE


def test_fresh_data_is_used_not_what_was_selected(declare: Declare) -> None:
    """Promise 4: what raw SQL wrote after acceptance is what the worker sees."""
    notes = make_notes(1)
    seen: list[str] = []
    run = begin(declare(lambda _self, batch: seen.extend(n.title for n in batch)), notes)
    Note.all_objects.filter(pk=notes[0].pk).update(title="newer")
    settled(run)
    assert seen == ["newer"]


def test_a_transient_error_backs_off_and_tries_again(declare: Declare) -> None:
    """A Retry rolls the chunk back; the next try does it once."""
    notes = make_notes(2)
    tries: list[int] = []

    def process(self: Any, batch: Any) -> None:
        mark(self, batch)
        tries.append(1)
        if len(tries) == 1:
            raise Retry("away", after=120)

    run = begin(declare(process, retry=RetryPolicy(base=0.5)), notes)
    assert slice_of(run) == Attempt.Outcome.BACKED_OFF
    waiting = part(run)
    assert (fresh(run).state, waiting.error, waiting.backing_off) == (State.WAITING, "away", True)
    assert waiting.wake_at is not None
    assert waiting.progress_at is None
    assert not marks()
    assert settled(run).state == State.SUCCEEDED
    assert marks() == once(notes)


# --- external operations


class Caller(ExternalOperation):
    """Calls the outside, and remembers what was called, with which key, in a transaction or not."""

    def call(self, obj: Any, key: str) -> str:
        """Answer, or refuse what is bad."""
        calls.append((obj.pk, key, connection.in_atomic_block))
        if obj.body == "bad":
            raise ValueError("refused")
        return f"answer {obj.pk}"

    def process(self, obj: Any, answer: Any) -> str:
        """Keep the answer."""
        answers.append((obj.pk, answer, connection.in_atomic_block))
        mark(self, [obj])
        return str(answer)


calls: list[tuple[int, str, bool]] = []
answers: list[tuple[int, str, bool]] = []


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    calls.clear()
    answers.clear()


def test_the_outside_is_called_with_no_transaction_open_and_once_an_item(declare: Declare) -> None:
    """C9: one item a checkpoint; an item that fails repeats no other one's call; the answer is stored inside."""
    notes = make_notes(4)
    Note.all_objects.filter(pk=notes[2].pk).update(body="bad")
    run = settled(begin(declare(None, base=Caller), notes))
    assert part(run).rate
    assert [pk for pk, _key, _open in calls] == [note.pk for note in notes]
    assert not any(is_open for _pk, _key, is_open in calls)
    assert answers == [(n.pk, f"answer {n.pk}", True) for n in notes if n is not notes[2]]
    assert (run.done, run.failed) == (3, 1)


def test_an_operation_with_outside_effects_has_no_dry_run(declare: Declare) -> None:
    """C9: it is refused at acceptance."""
    with pytest.raises(NoDryRun):
        begin(declare(None, base=Caller), make_notes(1), dry_run=True)


def test_idempotency_keys_are_stable_through_retries(declare: Declare) -> None:
    """H10: the retry of a run calls with the same key; another item and another chain have others."""
    notes = make_notes(2)
    Note.all_objects.filter(pk=notes[0].pk).update(body="bad")
    operation = declare(None, base=Caller)
    first = settled(begin(operation, notes))
    settled(control.retry(first.pk, only="failed").run)
    settled(begin(operation, notes[:1]))
    bad, good, again, other = (key for _pk, key, _open in calls)
    assert bad == again
    assert len({bad, good, other}) == 3


# --- dry runs, locks, rest


def test_a_dry_run_keeps_the_report_and_nothing_else(declare: Declare) -> None:
    """M11: effects and their on_commit hooks are undone, the failures and counts stay, nothing is held."""
    notes = make_notes(4)
    told: list[str] = []

    def process(self: Any, batch: Any) -> None:
        fail_on(notes[1])(self, batch)
        transaction.on_commit(lambda: told.append("mail sent"))

    run = begin(declare(process), notes, dry_run=True)
    assert not any(target.hold for target in targets(run))
    notes[0].save()
    done = settled(run)
    assert (done.state, done.done, done.failed) == (State.SUCCEEDED, 3, 1)
    assert Failure.objects.filter(run=run).count() == 1
    assert not marks()
    assert told == []


def test_an_exclusive_chunk_locks_its_objects_in_key_order(declare: Declare) -> None:
    """M12: no QuerySet.update of others comes between the worker's read and its write; a shared run locks none."""
    for hold, locks in ((Hold.EXCLUSIVE, 1), (Hold.SHARED, 0)):
        run = begin(declare(hold=hold), make_notes(2))
        lease = must_win(run)
        with CaptureQueriesContext(connection) as queries:
            chunk(lease, 2)
        reads = [q["sql"] for q in queries if q["sql"].startswith("SELECT") and 'FROM "notes_note"' in q["sql"]]
        assert len(reads) == 1
        assert "ORDER BY" in reads[0]
        assert reads[0].count("FOR NO KEY UPDATE") == (locks if connection.vendor == "postgresql" else 0)


def test_a_chunk_writes_no_row_for_each_target(declare: Declare) -> None:
    """L4: what became of a target follows from the cursor and the failures."""
    counts = []
    for size in (2, 20):
        run = begin(declare(), make_notes(size + 1))
        lease = must_win(run)
        with CaptureQueriesContext(connection) as queries:
            chunk(lease, size)
        counts.append(len(queries))
        assert not [q for q in queries if q["sql"].startswith("UPDATE") and "console_target" in q["sql"]]
    assert counts[0] == counts[1]


def test_a_worker_rests_between_chunks_with_no_transaction_open(
    declare: Declare, configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C8: on SQLite a quarter of the time worked, at least 10 ms, belongs to the other writers."""
    rests: list[float] = []

    def rest(seconds: float) -> None:
        assert not connection.in_atomic_block
        rests.append(seconds)

    configure(chunk_size=1, chunk_size_max=1, chunk_time=0.0)
    run = begin(declare(), make_notes(4))
    with monkeypatch.context() as patched:
        patched.setattr(time, "sleep", rest)
        slice_of(run)
    assert len(rests) == 3
    on_sqlite = connection.vendor == "sqlite"
    assert all(seconds >= 0.01 for seconds in rests) if on_sqlite else not any(rests)
    configure(chunk_time=None)
    assert sizes.chunk_time() == (0.05 if on_sqlite else 0.5)
    assert sizes.rest_after(run, 10, 0.4, 0.4) == (pytest.approx(0.1) if on_sqlite else 0.0)
    assert sizes.rest_after(run, 1, 0.002, 0.02) == 0.0


def test_the_pace_makes_a_slice_yield_until_the_next_items_may_come(declare: Declare, configure: Any) -> None:
    """Pace: a wait longer than the slice is slept by nobody; the wake-up is owed when it is over, no try is counted.

    Meanwhile the run is queued again: it makes room for another of its operation, and says when it goes on.
    """
    configure(slice=1, chunk_size=1)
    run = begin(declare(pace=0.05), make_notes(3))
    assert slice_of(run) == Attempt.Outcome.YIELDED
    partition = part(run)
    assert (partition.done, partition.tries, partition.sent_at) == (1, 0, None)
    assert partition.wake_at is not None
    assert partition.wake_at > partition.progress_at
    assert fresh(run).state == State.QUEUED
    assert progress(fresh(run)).goes_on_at == partition.wake_at
    assert settled(run).state == State.SUCCEEDED


def test_a_slice_parks_only_what_is_still_to_be_paused(declare: Declare, monkeypatch: pytest.MonkeyPatch) -> None:
    """M2: the worker saw pausing; the run was resumed before it could park; it goes on."""
    notes = make_notes(2)
    lock = endings.lock

    def resume_first(run_id: int) -> Any:
        if fresh(run).state == State.PAUSING:
            control.resume(run_id)
        return lock(run_id)

    class Pausing(ExternalOperation):
        def call(self, obj: Any, key: str) -> None:
            if obj.pk == notes[0].pk:
                control.pause(run.pk)

        def process(self, obj: Any, answer: Any) -> None:
            mark(self, [obj])

    run = begin(declare(None, base=Pausing, hold=Hold.NONE), notes)
    monkeypatch.setattr(endings, "lock", resume_first)
    assert slice_of(run) == Attempt.Outcome.DONE
    assert marks() == once(notes)
    assert fresh(run).state == State.SUCCEEDED
