"""Retry in its scopes, and leaving one object out."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from console.engine import control, endings
from console.engine.acceptance import start
from console.exceptions import (
    AlreadyReached,
    HoldConflict,
    NothingToRetry,
    NotPermitted,
    NotRepeatable,
    ObjectHeld,
    RetryRefused,
    VerbNotLawful,
)
from console.models import Failure, Run
from console.operations import ExternalOperation, Operation
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
    settled,
    slice_of,
    targets,
)
from tests.world import Declare

pytestmark = pytest.mark.django_db(transaction=True)


class Picky(Operation):
    """Marks objects, but fails those that `bad` names."""

    repeatable = True

    def process(self, objects: Any) -> None:
        """Fail for each bad object, in one of two groups."""
        mark(self, objects)
        for obj in objects:
            if obj.pk in bad:
                raise ValueError("odd") if bad[obj.pk] == "odd" else KeyError("even")


bad: dict[int, str] = {}


@pytest.fixture(autouse=True)
def _nobody_is_bad() -> None:
    bad.clear()


@pytest.fixture
def picky(declare: Declare) -> Any:
    """Return the operation that fails for what is bad."""
    return declare(None, base=Picky)


def stopped_in_the_middle(operation: Any, notes: list[Note]) -> Run:
    """Return a cancelled run: of six notes one failed, two were done, three were not reached."""
    bad[notes[0].pk] = "odd"
    run = begin(operation, notes)
    lease = must_win(run)
    chunk(lease, 3, isolated=True)
    control.cancel(run.pk)
    assert fresh(run).state == State.CANCELLING
    with pytest.raises(VerbNotLawful):
        control.retry(run.pk)
    endings.cancel(lease, 3)
    bad.clear()
    return fresh(run)


def test_undone_is_what_failed_and_what_was_not_reached(picky: Any) -> None:
    """§6: the default scope; nothing that was done is done again."""
    notes = make_notes(6)
    old = stopped_in_the_middle(picky, notes)
    assert (old.done, old.failed) == (2, 1)
    again = control.retry(old.pk)
    assert (again.run.retry_of, again.run.chain, again.run.total) == (old, old.chain, 4)
    assert settled(again.run).done == 4
    assert marks() == once(notes)
    assert fresh(old).state == State.CANCELLED


def test_two_clicks_on_retry_make_one_run(picky: Any) -> None:
    """H9: unique by the run retried, the scope and the group."""
    old = stopped_in_the_middle(picky, make_notes(6))
    first, second = control.retry(old.pk), control.retry(old.pk)
    assert (first.created, second.created, second.run) == (True, False, first.run)
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.create(operation="x", label="x", queue="x", chain=old.chain, retry_of=old, only="undone")


def test_failed_takes_the_failures_and_undone_then_the_rest(picky: Any) -> None:
    """§6: undone is less what a linked retry took up."""
    notes = make_notes(6)
    old = stopped_in_the_middle(picky, notes)
    failed = control.retry(old.pk, only="failed").run
    rest = control.retry(old.pk).run
    assert ([t.object_id for t in targets(failed)], rest.total) == ([str(notes[0].pk)], 3)
    settled(failed)
    settled(rest)
    assert marks() == once(notes)


def test_one_group_of_failures(picky: Any) -> None:
    """§6: the failures with one cause can be retried alone; the others stay for another retry."""
    notes = make_notes(4)
    bad.update({notes[0].pk: "odd", notes[1].pk: "even", notes[2].pk: "odd"})
    old = settled(begin(picky, notes))
    bad.clear()
    group = Failure.objects.get(run=old, object_id=str(notes[1].pk)).group
    first = control.retry(old.pk, only="failed", group=group).run
    others = control.retry(old.pk, only="failed").run
    assert (first.total, others.total) == (1, 2)
    settled(first)
    settled(others)
    assert marks() == once(notes)
    with pytest.raises(NothingToRetry):
        control.retry(old.pk)


def test_all_repeats_everything_and_excludes_the_parts(picky: Any) -> None:
    """§6: one or the other, by constraint."""
    notes = make_notes(2)
    bad[notes[0].pk] = "odd"
    old = settled(begin(picky, notes))
    bad.clear()
    everything = control.retry(old.pk, only="all").run
    assert everything.total == 2
    with pytest.raises(RetryRefused, match=str(everything.pk)):
        control.retry(old.pk, only="failed")
    settled(everything)
    assert marks() == once(notes) + once(notes[1:])
    bad[notes[0].pk] = "odd"
    other = settled(begin(picky, notes))
    control.retry(other.pk, only="failed")
    with pytest.raises(RetryRefused):
        control.retry(other.pk, only="all")


def test_everything_again_only_where_that_is_safe(declare: Declare) -> None:
    """§6: the operation must say that it is repeatable."""
    run = begin(declare(), make_notes(1))
    control.cancel(run.pk)
    with pytest.raises(NotRepeatable):
        control.retry(run.pk, only="all")


def test_a_retry_takes_its_holds_anew(declare: Declare) -> None:
    """H9: somebody else may hold the objects by now."""
    operation, notes = declare(), make_notes(2)
    old = begin(operation, notes)
    control.cancel(old.pk)
    other = begin(operation, notes[:1])
    with pytest.raises(HoldConflict):
        control.retry(old.pk)
    retried = control.retry(old.pk, leave_held_out=True).run
    assert settled(retried).done == 1
    control.cancel(other.pk)


def test_the_rest_of_a_run_with_several_partitions(declare: Declare) -> None:
    """H9: the ranges after each partition's cursor."""
    notes = make_notes(9)
    run = begin(declare(partitions=3), notes)
    lease, other = must_win(run, 0), must_win(run, 2)
    chunk(lease, 2)
    chunk(other, 1)
    lapse(lease)
    lapse(other)
    control.cancel(run.pk)
    again = control.retry(run.pk).run
    assert again.total == 6
    assert settled(again).done == 6
    assert marks() == once(notes)


def test_an_item_of_a_run_without_a_selection_is_retried_once(declare: Declare) -> None:
    """§6: what a linked retry took up is not taken up again, rows as little as objects."""
    seen: list[int] = []

    def read(_self: Operation, after: int, limit: int) -> list[tuple[int, int]]:
        return [(n, n) for n in range(after + 1, 7)][:limit]

    def process(_self: Operation, rows: list[int]) -> None:
        if 2 in rows and bad:
            raise ValueError("second row")
        seen.extend(rows)

    bad[2] = "odd"
    old = settled(begin(declare(process, model=None, read=read, count=lambda _self: 6)))
    assert (old.done, old.failed) == (5, 1)
    bad.clear()
    assert settled(control.retry(old.pk, only="failed").run).done == 1
    assert sorted(seen) == [1, 2, 3, 4, 5, 6]
    with pytest.raises(NothingToRetry):
        control.retry(old.pk)


def test_only_who_may_retries(picky: Any, django_user_model: Any) -> None:
    """Bad input: the permission is named, nothing is made."""
    old = stopped_in_the_middle(picky, make_notes(6))
    with pytest.raises(NotPermitted):
        control.retry(old.pk, by=django_user_model.objects.create_user("clerk"))
    assert Run.objects.count() == 1


def test_who_asked_may_cancel_and_others_may_not(declare: Declare, django_user_model: Any) -> None:
    """Bad input: whoever asked for a run may always cancel it."""
    asker, other = (django_user_model.objects.create_user(name) for name in ("asker", "other"))
    run = start(declare(permission=None), by=asker, objects=make_notes(1))
    for verb in (control.cancel, control.pause):
        with pytest.raises(NotPermitted):
            verb(run.pk, by=other)
    with pytest.raises(NotPermitted):
        control.pause(run.pk, by=asker)
    assert control.cancel(run.pk, by=asker).state == State.CANCELLED


# --- withdraw


def test_a_withdrawn_object_is_free_at_once_and_left_out(declare: Declare) -> None:
    """§6: the run goes on without it, and says so."""
    notes = make_notes(3)
    run = begin(declare(), notes)
    control.withdraw(run.pk, target=targets(run)[1].pk, reason="still needed")
    notes[1].save()
    with pytest.raises(ObjectHeld):
        notes[2].save()
    done = settled(run)
    assert (done.done, done.skipped) == (2, 1)
    assert marks() == once([notes[0], notes[2]])
    assert Failure.objects.get(run=run).kind == Failure.Kind.WITHDRAWN
    with pytest.raises((NothingToRetry, VerbNotLawful)):
        control.retry(run.pk)


def test_what_is_reached_cannot_be_withdrawn(declare: Declare) -> None:
    """§6: at or behind the cursor it is refused; so is a second time."""
    run = begin(declare(), make_notes(3))
    first, second, third = targets(run)
    lease = must_win(run)
    chunk(lease)
    with pytest.raises(AlreadyReached):
        control.withdraw(run.pk, target=first.pk)
    control.withdraw(run.pk, target=third.pk)
    with pytest.raises(AlreadyReached):
        control.withdraw(run.pk, target=third.pk)
    chunk(lease, 2)
    with pytest.raises(VerbNotLawful):
        control.withdraw(run.pk, target=second.pk)


def test_an_item_in_the_middle_of_its_parts_is_reached(declare: Declare) -> None:
    """§6: of ten copies four are made: too late to leave the note out."""
    run = begin(declare(process_spans=lambda _self, _spans: None, parts=lambda _self: 10), make_notes(2))
    first, second = targets(run)
    chunk(must_win(run), 4)
    with pytest.raises(AlreadyReached):
        control.withdraw(run.pk, target=first.pk)
    control.withdraw(run.pk, target=second.pk)


def test_an_object_that_is_being_sent_cannot_be_withdrawn(declare: Declare) -> None:
    """§6, C9: the outside has it already; its answer is stored, and it is not called “left out”."""
    notes = make_notes(2)
    refused: list[bool] = []

    class Sending(ExternalOperation):
        def call(self, obj: Any, key: str) -> str:
            target = targets(run)[[n.pk for n in notes].index(obj.pk)]
            try:
                control.withdraw(run.pk, target=target.pk)
            except AlreadyReached:
                refused.append(True)
            return "sent"

        def process(self, obj: Any, answer: Any) -> None:
            mark(self, [obj])

    run = begin(declare(None, base=Sending), notes)
    slice_of(run)
    assert refused == [True, True]
    assert marks() == once(notes)
    assert fresh(run).done == 2


def test_retry_of_a_part_of_the_copies(declare: Declare) -> None:
    """§6: of two notes with ten copies each fourteen were made; the retry makes the other six, each once."""
    made: list[tuple[int, int]] = []

    def spans(_self: Any, given: Any) -> None:
        made.extend((span.obj.pk, n) for span in given for n in range(span.first, span.last + 1))

    operation = declare(process_spans=spans, parts=lambda _self: 10)
    notes = make_notes(3)
    run = begin(operation, notes)
    assert run.total == 30
    lease = must_win(run)
    chunk(lease, 14)
    control.cancel(run.pk)
    endings.cancel(lease, 0)
    again = control.retry(run.pk).run
    assert again.total == 16
    assert settled(again).done == 16
    assert sorted(made) == [(note.pk, n) for note in notes for n in range(10)]


def test_what_a_retry_left_out_as_held_is_its_own_to_retry(picky: Any, declare: Declare) -> None:
    """§6: two runs would do it twice, if the old run could take it up as well."""
    notes = make_notes(3)
    bad.update({notes[0].pk: "odd", notes[1].pk: "odd"})
    old = settled(begin(picky, notes))
    bad.clear()
    holder = begin(declare(None), notes[:1])
    part_of_it = control.retry(old.pk, only="failed", leave_held_out=True).run
    assert [t.object_id for t in targets(part_of_it)] == [str(notes[1].pk)]
    control.cancel(holder.pk)
    with pytest.raises(NothingToRetry):
        control.retry(old.pk)
    settled(part_of_it)
    settled(control.retry(part_of_it.pk).run)
    assert marks() == once(notes)


def test_a_retry_of_all_that_is_left_leaves_no_other(picky: Any) -> None:
    """§6: neither the button nor the verb; the same click still leads to the same run."""
    old = stopped_in_the_middle(picky, make_notes(6))
    assert Verb.RETRY in control.verbs_for(old, None)
    again = control.retry(old.pk)
    assert Verb.RETRY not in control.verbs_for(old, None)
    assert control.retry(old.pk).run == again.run
    with pytest.raises(NothingToRetry):
        control.retry(old.pk, only="failed")


def test_retryable_is_told_of_many_runs_at_once(picky: Any, django_assert_max_num_queries: Any) -> None:
    """One query for their retries, whatever their number."""
    for _run in range(3):
        stopped_in_the_middle(picky, make_notes(6))
    control.retry(Run.objects.earliest("pk").pk)
    with django_assert_max_num_queries(2):
        runs = Run.objects.filter(retry_of=None).prefetch_related("retries").order_by("pk")
        assert [control.is_lawful(run, Verb.RETRY) for run in runs] == [False, True, True]
