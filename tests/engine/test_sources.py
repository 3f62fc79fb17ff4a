"""What a linked run takes up when that is much: its own preparing partition collects it, batch by batch (PROTOCOL H12)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from console.engine import control, endings, sweeps
from console.exceptions import LeaseLost, NothingToRetry, RetryRefused, StillCollecting, VerbNotLawful
from console.models import Failure, Partition, Run
from console.operations import BaseOperation, ExternalOperation, ItemFailed, Operation
from console.states import State, Verb
from notes.models import Note
from tests.engine.kit import (
    begin,
    chunk,
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
from tests.world import Declare, ListBroker

pytestmark = pytest.mark.django_db(transaction=True)

bad: dict[int, str] = {}


class Picky(Operation):
    """Marks objects, but fails those that `bad` names, with the reason it names."""

    repeatable = True

    def process(self, objects: Any) -> Any:
        """Mark the good, and return what is wrong with the bad."""
        mark(self, [obj for obj in objects if obj.pk not in bad])
        return {obj.pk: ItemFailed(obj, bad[obj.pk]) for obj in objects if obj.pk in bad}


@pytest.fixture(autouse=True)
def _nobody_is_bad() -> None:
    bad.clear()


@pytest.fixture
def picky(declare: Declare) -> Any:
    """Return the operation that fails for what is bad."""
    return declare(None, base=Picky)


@pytest.fixture
def much(configure: Callable[..., None]) -> Callable[[], None]:
    """Return what makes more than three objects much, two a batch: call it when the earlier run has its targets."""
    return lambda: configure(prepare_above=3, prepare_batch=2)


def stopped(run: Run, *done: int) -> Run:
    """Return the run, cancelled when so many items of each of its first partitions were done."""
    leases = [must_win(run, place) for place in range(len(done))]
    for lease, items in zip(leases, done, strict=True):
        chunk(lease, items)
    control.cancel(run.pk)
    for lease in leases:
        endings.cancel(lease, 0)
    return fresh(run)


def ten_stopped(operation: type[BaseOperation], notes: list[Note]) -> Run:
    """Return a cancelled run: of ten notes two failed, two were done, six were not reached."""
    bad.update({notes[0].pk: "odd", notes[2].pk: "odd"})
    old = stopped(begin(operation, notes), 4)
    bad.clear()
    assert (old.done, old.failed) == (2, 2)
    return old


def objects_of(run: Run) -> list[str]:
    """Return the keys of the run's objects, in the order of its work."""
    return [target.object_id for target in targets(run)]


def keys(notes: list[Note]) -> list[str]:
    """Return the keys of notes as targets keep them."""
    return [str(note.pk) for note in notes]


def test_much_is_collected_in_batches_before_any_work(picky: Any, much: Any, broker: ListBroker) -> None:
    """H12: accepted at once without targets; objects are held batch by batch; then the work is due."""
    notes = make_notes(10)
    old = ten_stopped(picky, notes)
    much()
    before = marks()
    again = control.retry(old.pk).run
    assert (again.preparing, again.total, targets(again)) == (True, None, [])
    assert (again.retry_of, again.chain, part(again).kind) == (old, old.chain, Partition.Kind.PREPARE)
    lease = must_win(again)
    taken = []
    while fresh(again).preparing:
        chunk(lease)
        taken.append(len(targets(again)))
        assert marks() == before
    assert taken == [2, 4, 6, 8, 8]
    assert objects_of(again) == keys([*notes[4:], notes[0], notes[2]])
    broker.sent.clear()
    sweeps.sweep()
    assert len(broker.sent) == 1
    assert (fresh(again).total, settled(again).done) == (8, 8)
    assert marks() == once(notes)


def test_little_is_taken_at_once(picky: Any, much: Any) -> None:
    """H12: at the limit nothing is prepared."""
    notes = make_notes(6)
    old = stopped(begin(picky, notes), 3)
    much()
    again = control.retry(old.pk).run
    assert (again.preparing, again.total, objects_of(again)) == (False, 3, keys(notes[3:]))


def test_two_clicks_make_one_run_that_collects(picky: Any, much: Any) -> None:
    """H9: unique by the run retried, the scope and the group; everything and a part exclude each other."""
    old = ten_stopped(picky, make_notes(10))
    much()
    first, second = control.retry(old.pk), control.retry(old.pk)
    assert (first.created, second.created, second.run) == (True, False, first.run)
    assert first.run.first_retry
    with pytest.raises(RetryRefused):
        control.retry(old.pk, only="all")


@pytest.mark.parametrize("partitions", [1, 3])
def test_everything_again_is_collected(declare: Declare, much: Any, partitions: int) -> None:
    """§6: all that was done and failed, and what was left out as held; not what a person left out."""
    operation, notes = declare(None, base=Picky, partitions=partitions), make_notes(9)
    holder = begin(declare(), notes[3:4])
    run = begin(operation, notes, leave_held_out=True)
    control.withdraw(run.pk, target=targets(run)[5].pk)
    old = settled(run)
    control.cancel(holder.pk)
    much()
    again = control.retry(old.pk, only="all").run
    assert again.preparing
    assert settled(again).done == 8
    rest = [note for n, note in enumerate(notes) if n not in {3, 6}]
    assert marks() == once(rest) + once([*rest, notes[3]])


def test_a_dry_run_of_much_is_done_now_in_batches(picky: Any, much: Any) -> None:
    """M11: one linked run on the preview's objects, less what a person left out of it, whoever clicks how often."""
    notes = make_notes(6)
    preview = begin(picky, notes, dry_run=True)
    control.withdraw(preview.pk, target=targets(preview)[1].pk)
    settled(preview)
    much()
    real, again = control.do_it_now(preview.pk), control.do_it_now(preview.pk)
    assert (real.run.preparing, real.created, again.created, again.run) == (True, True, False, real.run)
    cancelled = control.cancel(real.run.pk)
    assert not marks()
    assert settled(control.retry(cancelled.pk).run).done == 5
    assert marks() == once([notes[0], *notes[2:]])


def test_the_rest_of_each_partition_is_collected(declare: Declare, much: Any) -> None:
    """H9: the ranges after each partition's cursor, in as many partitions again."""
    notes = make_notes(12)
    old = stopped(begin(declare(partitions=3), notes), 1, 4, 2)
    much()
    again = control.retry(old.pk).run
    assert settled(again).done == 5
    assert marks() == once(notes)
    assert again.partitions.filter(kind=Partition.Kind.WORK).count() == 3


def test_what_stopped_in_the_middle_of_its_parts_is_collected_exactly(declare: Declare, much: Any) -> None:
    """§6: of six notes with ten copies each fourteen were made; the retry makes the other 46, each once."""
    made: list[tuple[int, int]] = []

    def spans(_self: Any, given: Any) -> None:
        made.extend((span.obj.pk, n) for span in given for n in range(span.first, span.last + 1))

    notes = make_notes(6)
    old = stopped(begin(declare(process_spans=spans, parts=lambda _self: 10), notes), 14)
    much()
    again = control.retry(old.pk).run
    half = stopped_after_collecting(again, 3)
    assert (half.total, half.done) == (46, 3)
    assert settled(control.retry(half.pk).run).done == 43
    assert sorted(made) == [(note.pk, n) for note in notes for n in range(10)]


def stopped_after_collecting(run: Run, items: int) -> Run:
    """Return the run, cancelled when it had collected its targets and done so many items."""
    slice_of(run)
    lease = must_win(run, 1)
    chunk(lease, items)
    control.cancel(run.pk)
    endings.cancel(lease, 0)
    return fresh(run)


def test_the_outside_gets_the_same_keys(declare: Declare, much: Any) -> None:
    """H10: an item is called by the same key, whether its retry was collected or taken at once."""
    called: list[tuple[int, str]] = []

    class Caller(ExternalOperation):
        def call(self, obj: Any, key: str) -> None:
            called.append((obj.pk, key))
            if bad:
                raise ItemFailed(obj, "away")

        def process(self, _obj: Any, _answer: Any) -> None:
            """Store nothing."""

    notes = make_notes(5)
    bad[0] = "all"
    old = settled(begin(declare(None, base=Caller), notes))
    bad.clear()
    much()
    again = control.retry(old.pk, only="failed").run
    assert (again.preparing, settled(again).done) == (True, 5)
    assert called[:5] == called[5:]


# --- what others took up


def test_one_group_of_failures_is_collected_and_then_the_others(picky: Any, much: Any) -> None:
    """§6: while one run collects, nobody knows what is left for another: it is refused, and may come later."""
    notes = make_notes(10)
    bad.update({note.pk: "odd" if n % 2 else "even" for n, note in enumerate(notes)})
    old = settled(begin(picky, notes))
    bad.clear()
    much()
    odd = Failure.objects.get(run=old, object_id=str(notes[1].pk)).group
    first = control.retry(old.pk, only="failed", group=odd).run
    chunk(must_win(first))
    with pytest.raises(StillCollecting, match=f"{first.pk} is still collecting"):
        control.retry(old.pk)
    assert Run.objects.count() == 2
    settled(first)
    assert objects_of(first) == keys(notes[1::2])
    rest = control.retry(old.pk).run
    assert (rest.preparing, settled(rest).done) == (True, 5)
    assert marks() == once(notes)


def test_what_a_retry_left_out_as_held_is_its_own_to_retry(picky: Any, declare: Declare, much: Any) -> None:
    """§6: two runs would do it twice, if the old run could take it up as well."""
    notes = make_notes(10)
    old = ten_stopped(picky, notes)
    holder = begin(declare(), notes[:1])
    part_of_it = control.retry(old.pk, only="failed", leave_held_out=True).run
    control.cancel(holder.pk)
    much()
    rest = settled(control.retry(old.pk).run)
    assert objects_of(rest) == keys(notes[4:])
    settled(part_of_it)
    settled(control.retry(part_of_it.pk).run)
    assert marks() == once(notes)


def test_nothing_left_ends_the_run_in_words(picky: Any, much: Any) -> None:
    """Promise 5: that another took all up is seen by whoever looks: the run ends, and offers no retry."""
    notes = make_notes(5)
    bad.update({note.pk: "odd" for note in notes[:4]})
    run = begin(picky, notes)
    lease = must_win(run)
    chunk(lease, 4)
    control.withdraw(run.pk, target=targets(run)[4].pk)
    control.cancel(run.pk)
    endings.cancel(lease, 0)
    bad.clear()
    much()
    settled(control.retry(run.pk, only="failed").run)
    rest = settled(control.retry(run.pk).run)
    assert (rest.state, rest.preparing, rest.total) == (State.FAILED, False, 0)
    assert rest.why == str(NothingToRetry(run.pk))
    with pytest.raises(NothingToRetry):
        control.retry(rest.pk)
    assert marks() == once(notes[:4])


# --- holds


def test_a_clash_fails_the_run(declare: Declare, much: Any) -> None:
    """H12: nobody is at the page: the run names what was in the way, and holds nothing."""
    operation, notes = declare(), make_notes(6)
    old = control.cancel(begin(operation, notes).pk)
    other = begin(operation, notes[3:4])
    much()
    failed = settled(control.retry(old.pk).run)
    assert failed.state == State.FAILED
    assert f"(run {other.pk})" in failed.why
    notes[0].save()
    control.cancel(other.pk)
    assert settled(control.retry(failed.pk).run).done == 6
    assert marks() == once(notes)


def test_a_clash_is_left_out_if_asked(declare: Declare, much: Any) -> None:
    """H12: each held object is a failure that names the run; its retry takes it up."""
    operation, notes = declare(), make_notes(6)
    old = control.cancel(begin(operation, notes).pk)
    other = begin(operation, notes[3:4])
    much()
    again = settled(control.retry(old.pk, leave_held_out=True).run)
    assert (again.state, again.total, again.done, again.skipped) == (State.SUCCEEDED, 6, 5, 1)
    left_out = Failure.objects.get(run=again)
    assert (left_out.kind, left_out.object_id) == (Failure.Kind.HELD, str(notes[3].pk))
    assert f"run {other.pk}" in left_out.reason
    control.cancel(other.pk)
    assert settled(control.retry(again.pk).run).done == 1
    assert marks() == once(notes)


# --- stops


def test_a_worker_that_dies_while_collecting_repeats_and_skips_nothing(picky: Any, much: Any) -> None:
    """H12: mark and targets commit together; whoever comes late with a batch writes nothing."""
    notes = make_notes(10)
    old = ten_stopped(picky, notes)
    much()
    again = control.retry(old.pk).run
    late = must_win(again)
    chunk(late)
    seen = Partition.objects.select_related("run").get(pk=late.partition_id)
    lapse(late)
    chunk(must_win(again))
    with pytest.raises(LeaseLost):
        chunk(late, seen=seen)
    assert objects_of(again) == keys(notes[4:8])
    assert settled(again).done == 8
    assert marks() == once(notes)


def test_cancelled_while_collecting_its_own_retry_takes_all_of_it(picky: Any, much: Any) -> None:
    """H12: nothing was done, everything is free; the retry of such a retry collects the same, and so does the next."""
    notes = make_notes(10)
    old = ten_stopped(picky, notes)
    much()
    run = control.retry(old.pk).run
    for _ in range(2):
        lease = must_win(run)
        chunk(lease)
        with pytest.raises(VerbNotLawful):
            control.pause(run.pk)
        assert control.cancel(run.pk).state == State.CANCELLING
        lapse(lease)
        sweeps.sweep()
        assert fresh(run).state == State.CANCELLED
        notes[4].save()
        assert Verb.RETRY not in control.verbs_for(old, None)
        with pytest.raises(NothingToRetry):
            control.retry(run.pk, only="failed")
        run = control.retry(run.pk).run
    assert settled(run).done == 8
    assert marks() == once(notes)


def test_what_was_given_up_while_collecting_is_taken_up_once(picky: Any, much: Any) -> None:
    """§6: by the earlier run's next retry or by its own, whichever comes first."""
    notes = make_notes(10)
    bad.update({note.pk: "odd" for note in notes[:6]})
    old = stopped(begin(picky, notes), 6)
    bad.clear()
    much()
    failed = control.retry(old.pk, only="failed").run
    lease = must_win(failed)
    chunk(lease)
    control.cancel(failed.pk)
    lapse(lease)
    sweeps.sweep()
    rest = control.retry(old.pk).run
    with pytest.raises(StillCollecting):
        control.retry(failed.pk)
    assert settled(rest).done == 10
    assert settled(control.retry(failed.pk).run).state == State.FAILED
    assert marks() == once(notes)


def test_the_earlier_run_is_deleted_while_it_is_collected(picky: Any, much: Any) -> None:
    """Promise 5: the run ends, and says why."""
    old = ten_stopped(picky, make_notes(10))
    much()
    again = control.retry(old.pk).run
    old.delete()
    done = settled(again)
    assert done.state == State.FAILED
    assert "was deleted" in done.why
