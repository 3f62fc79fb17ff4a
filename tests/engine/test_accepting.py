"""Acceptance: one transaction, one answer for one request, and a clear refusal of everything else."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber

from console.engine import clashes, control, sweeps
from console.engine.acceptance import accept, page_key, start
from console.engine.selection import Selection, register_resolver
from console.exceptions import (
    ConsoleError,
    EmptySelection,
    HoldConflict,
    InvalidParameters,
    KeyReused,
    NotPermitted,
    ObjectHeld,
    SelectionChanged,
    SelectionVanished,
    UnknownOperation,
)
from console.models import Event, Failure, Partition, Run, Target
from console.operations import Hold
from console.states import State
from notes.models import Note, Tag
from tests.engine.kit import (
    begin,
    chunk,
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
    targets,
    win,
)
from tests.testapp.models import Restaurant, Token
from tests.world import Declare, ListBroker

pytestmark = pytest.mark.django_db(transaction=True)


class HowMany(forms.Form):
    """A parameter."""

    many = forms.IntegerField(min_value=1, max_value=9)


def nothing_is_there() -> bool:
    """Tell whether a refusal left nothing behind."""
    return not any(model.objects.exists() for model in (Run, Target, Partition, Event, Failure))


def test_an_unknown_operation_is_named(declare: Declare) -> None:
    """Bad input: the operation of an old page."""
    with pytest.raises(UnknownOperation, match=r"gone\.away"):
        accept("gone.away", by=None, selection=None, params={})
    assert nothing_is_there()


def test_invalid_parameters_name_their_fields(declare: Declare) -> None:
    """Bad input: what the form refuses, field by field."""
    operation = declare(form=HowMany)
    with pytest.raises(InvalidParameters) as refusal:
        begin(operation, make_notes(1), params={"many": "10"})
    assert list(refusal.value.errors) == ["many"]
    assert nothing_is_there()


def test_an_object_that_vanished_is_counted(declare: Declare) -> None:
    """Bad input: of three selected objects one is gone."""
    operation, notes = declare(), make_notes(3)
    notes[1].delete()
    with pytest.raises(SelectionVanished) as refusal:
        begin(operation, [notes[0], Note(pk=10**9), notes[2]])
    assert (refusal.value.gone, refusal.value.asked) == (1, 3)
    assert nothing_is_there()


@pytest.mark.parametrize("objects", [[], [Note(pk=10**9)], Note.objects.none(), None])
def test_an_empty_selection_is_refused(declare: Declare, objects: Any) -> None:
    """L1: nobody starts a run on nothing."""
    with pytest.raises(EmptySelection):
        start(declare(), objects=objects)
    assert nothing_is_there()


def test_a_run_without_a_selection_has_a_partition(declare: Declare) -> None:
    """L1: there is always something to settle."""
    seen: list[Any] = []
    run = begin(declare(lambda _self, items: seen.extend(items), model=None))
    assert Partition.objects.filter(run=run).count() == 1
    assert settled(run).state == State.SUCCEEDED
    assert seen == [None]


def test_a_count_that_changed_since_it_was_shown_is_asked_again(declare: Declare) -> None:
    """L2: the number that was confirmed is the number that is taken."""
    operation, notes = declare(), make_notes(3)
    rows = Selection.of_queryset(Note.objects.all())
    with pytest.raises(SelectionChanged, match="2"):
        accept(operation, by=None, selection=rows, params={}, confirmed=2)
    assert nothing_is_there()
    assert accept(operation, by=None, selection=rows, params={}, confirmed=3).run.total == len(notes)


def test_a_held_object_refuses_with_the_run_that_holds_it(declare: Declare) -> None:
    """C6: the clash is named, and nothing is half done."""
    operation, notes = declare(label="Archive"), make_notes(3)
    first = begin(operation, notes[:1])
    with pytest.raises(HoldConflict) as refusal:
        begin(operation, notes)
    assert (refusal.value.count, refusal.value.total) == (1, 3)
    assert refusal.value.clashes == [(first.pk, "Archive", str(notes[0].pk))]
    assert str(first.pk) in str(refusal.value)
    assert Run.objects.get() == first
    assert Target.objects.get().run == first


def test_held_objects_can_be_left_out(declare: Declare) -> None:
    """C6, H12: each left-out object is a failure that names the run, is counted, and is taken up by a retry."""
    operation, notes = declare(), make_notes(3)
    first = begin(operation, notes[:1])
    run = begin(operation, notes, leave_held_out=True)
    failure = Failure.objects.get(run=run)
    assert (failure.kind, failure.object_id, failure.object_label) == ("held", str(notes[0].pk), notes[0].title)
    assert str(first.pk) in failure.reason
    done = settled(run)
    assert (done.total, done.done, done.skipped) == (3, 2, 1)
    control.cancel(first.pk)
    retried = settled(control.retry(run.pk).run)
    assert (retried.total, retried.done) == (1, 1)
    assert marks() == once(notes)


def test_if_everything_is_held_nothing_is_started(declare: Declare) -> None:
    """C6: leaving everything out is no run."""
    operation, notes = declare(), make_notes(2)
    begin(operation, notes)
    with pytest.raises(HoldConflict):
        begin(operation, notes, leave_held_out=True)
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        (Hold.SHARED, Hold.SHARED, False),
        (Hold.SHARED, Hold.EXCLUSIVE, True),
        (Hold.EXCLUSIVE, Hold.SHARED, True),
        (Hold.EXCLUSIVE, Hold.EXCLUSIVE, True),
        (Hold.NONE, Hold.EXCLUSIVE, False),
        (Hold.EXCLUSIVE, Hold.NONE, False),
    ],
)
def test_which_holds_go_together(declare: Declare, one: Hold, other: Hold, clash: Any) -> None:
    """C6: two shared holds do, an exclusive one with nothing."""
    notes = make_notes(1)
    begin(declare(hold=one), notes)
    second = declare(hold=other)
    preview = clashes.clashes(Selection.of_objects(Note, notes), other)
    assert (preview.count, preview.total) == (int(clash), 1)
    if clash:
        with pytest.raises(HoldConflict):
            begin(second, notes)
    else:
        begin(second, notes)


def test_nobody_starts_what_they_may_not(declare: Declare) -> None:
    """Bad input: the permission is named."""
    clerk = get_user_model().objects.create_user("clerk")
    with pytest.raises(NotPermitted, match=r"notes\.add_note"):
        start(declare(permission="notes.add_note"), by=clerk, objects=make_notes(1))
    assert nothing_is_there()


def test_the_same_key_is_the_same_run_whatever_its_state(declare: Declare) -> None:
    """H11: the holds of the first request are no conflict for its own repetition."""
    operation, notes = declare(), make_notes(2)
    first = begin(operation, notes, key="form")
    again = accept(operation, by=None, selection=Selection.of_objects(Note, notes), params={}, key="form")
    assert (again.run, again.created) == (first, False)
    settled(first)
    assert begin(operation, notes, key="form") == first
    assert Run.objects.count() == 1


def test_a_key_that_comes_with_another_request_is_refused(declare: Declare) -> None:
    """H11: other parameters, or another operation, under the same key."""
    operation, notes = declare(form=HowMany), make_notes(1)
    run = begin(operation, notes, key="form", params={"many": "1"})
    with pytest.raises(KeyReused, match=str(run.pk)):
        begin(operation, notes, key="form", params={"many": "2"})
    with pytest.raises(KeyReused):
        begin(declare(), notes, key="form")


def test_a_page_makes_one_run_of_each_way_to_post_it() -> None:
    """H11: a dry run, then the act, from one page are two keys; two clicks are one."""
    keys = {
        page_key("k", {"many": many}, dry_run=dry, leave_held_out=skip)
        for many in ("1", "2")
        for dry in (True, False)
        for skip in (True, False)
        for _twice in range(2)
    }
    assert len(keys) == 8


@pytest.mark.parametrize(
    "rows",
    [
        lambda: Note.objects.filter(tags__name__startswith="t").distinct(),
        lambda: Note.objects.annotate(n=Count("tags")).filter(n=2),
        lambda: Note.objects.order_by("tags__name", "title"),
        lambda: Note.objects.select_related("author").order_by("author__username"),
        lambda: Note.objects.annotate(place=Window(RowNumber(), order_by=F("title").desc())),
        lambda: Note.objects.order_by("-title")[:3],
        lambda: Note.objects.filter(slug="") | Note.objects.exclude(tags=None),
    ],
    ids=["distinct", "group by", "to many", "outer join", "window", "slice", "or"],
)
def test_any_query_of_the_admin_can_be_locked_and_taken_in_key_order(declare: Declare, rows: Any) -> None:
    """H13: what is locked is a plain query of the keys."""
    notes = make_notes(3)
    tags = [Tag.objects.create(name=name, slug=name) for name in ("ta", "tb")]
    for note in notes:
        note.tags.set(tags)
    run = start(declare(), objects=rows())
    assert [target.object_id for target in targets(run)] == [str(note.pk) for note in notes]


def test_several_partitions_divide_the_targets(declare: Declare) -> None:
    """Each item belongs to one partition, and each takes effect once."""
    notes = make_notes(7)
    run = begin(declare(partitions=3), notes)
    cuts = [(p.position, p.last) for p in Partition.objects.filter(run=run).order_by("pk")]
    assert len(cuts) == 3
    assert cuts[0][0] == 0
    assert cuts[-1][1] is None
    assert [last for _after, last in cuts[:-1]] == [after for after, _last in cuts[1:]]
    done = settled(run)
    assert (done.state, done.done) == (State.SUCCEEDED, 7)
    assert marks() == once(notes)


def test_inherited_and_uuid_models_are_taken_under_one_identity(declare: Declare) -> None:
    """A run on a child model holds the parent's row; a key that is no number keeps its text."""
    places = [Restaurant.objects.create(name=f"r{n}") for n in range(2)]
    run = begin(declare(model=Restaurant), places)
    assert {t.content_type.model for t in targets(run)} == {"place"}
    assert settled(run).done == 2
    tokens = [Token.objects.create(name=f"t{n}") for n in range(3)]
    assert settled(begin(declare(model=Token), tokens)).done == 3


# --- preparing


@pytest.fixture
def _prepare(configure: Any) -> None:
    configure(prepare_above=3, prepare_batch=2)


@pytest.mark.usefixtures("_prepare")
def test_a_large_selection_is_taken_in_batches_before_any_work(declare: Declare, broker: ListBroker) -> None:
    """H12: the preparing partition ends before the work partitions exist; then they are owed at once."""
    notes = make_notes(5)
    run = begin(declare(partitions=2), notes)
    assert (run.preparing, run.total, targets(run)) == (True, None, [])
    lease = must_win(run)
    chunk(lease)
    assert (len(targets(run)), marks().total(), Partition.objects.count()) == (2, 0, 1)
    with pytest.raises(ObjectHeld):
        notes[0].save()
    notes[4].save()
    chunk(lease)
    chunk(lease)
    assert (fresh(run).preparing, fresh(run).total, Partition.objects.count()) == (False, 5, 3)
    broker.sent.clear()
    sweeps.sweep()
    assert len(broker.sent) == 2
    done = settled(run)
    assert (done.state, done.done, marks()) == (State.SUCCEEDED, 5, once(notes))


@pytest.mark.usefixtures("_prepare")
def test_preparing_ends_by_sending_the_work(declare: Declare, broker: ListBroker) -> None:
    """H12: no sweep is needed between the two."""
    run = begin(declare(), make_notes(5))
    broker.sent.clear()
    slice_of(run)
    assert broker.sent == [(run.pk, part(run, 1).pk, 0)]


@pytest.mark.usefixtures("_prepare")
def test_cancel_while_preparing_frees_what_was_taken(declare: Declare) -> None:
    """H12: nothing was done, everything is free; a retry prepares again."""
    notes = make_notes(5)
    run = begin(declare(), notes)
    lease = must_win(run)
    chunk(lease)
    assert control.cancel(run.pk).state == State.CANCELLING
    lapse(lease)
    sweeps.sweep()
    assert fresh(run).state == State.CANCELLED
    notes[0].save()
    retried = control.retry(run.pk).run
    assert retried.preparing
    assert settled(retried).done == 5
    assert marks() == once(notes)


@pytest.mark.usefixtures("_prepare")
def test_the_last_batch_of_a_cancelled_run_opens_no_work(declare: Declare) -> None:
    """H12: whoever finishes preparing looks at the run again under its lock."""
    run = begin(declare(), make_notes(5))
    lease = must_win(run)
    control.cancel(run.pk)
    for _ in range(3):
        chunk(lease)
    assert fresh(run).state == State.CANCELLED
    assert not Partition.objects.filter(run=run, outcome=None).exists()


@pytest.mark.usefixtures("_prepare")
def test_a_clash_while_preparing_fails_the_run(declare: Declare) -> None:
    """H12: nobody is at the page: without leave to leave out the run fails, and says which run was in the way."""
    operation, notes = declare(), make_notes(5)
    first = begin(operation, notes[3:4])
    run = settled(begin(operation, notes))
    assert run.state == State.FAILED
    assert str(first.pk) in run.why
    assert not marks()
    notes[0].save()


@pytest.mark.usefixtures("_prepare")
def test_a_clash_while_preparing_is_left_out_if_asked(declare: Declare) -> None:
    """H12: the held object is a failure; the others are done."""
    operation, notes = declare(), make_notes(5)
    first = begin(operation, notes[3:4])
    run = settled(begin(operation, notes, leave_held_out=True))
    assert (run.state, run.total, run.done, run.skipped) == (State.SUCCEEDED, 5, 4, 1)
    assert Failure.objects.get(run=run).object_id == str(notes[3].pk)
    assert fresh(first).state == State.QUEUED


@pytest.mark.usefixtures("_prepare")
def test_what_is_newer_than_acceptance_does_not_count(declare: Declare) -> None:
    """H12: the run's own copies, and whatever else is made meanwhile, are not taken in."""
    register_resolver("testing", lambda model, _descriptor: model._base_manager.all())
    operation, notes = declare(), make_notes(5)
    rows = Selection.of_descriptor(Note, {"kind": "testing"})
    run = accept(operation, by=None, selection=rows, params={}).run
    make_notes(3)
    assert settled(run).done == 5
    assert marks() == once(notes)


@pytest.mark.usefixtures("_prepare")
def test_a_large_selection_is_counted_before_it_is_accepted(declare: Declare) -> None:
    """L2: what vanished, or came, since it was shown is asked again, however large the selection."""
    operation, notes = declare(), make_notes(5)
    with pytest.raises(SelectionVanished):
        begin(operation, [*notes, Note(pk=10**9)])
    with pytest.raises(SelectionChanged):
        begin(operation, notes, confirmed=6)
    assert nothing_is_there()


@pytest.mark.usefixtures("_prepare")
def test_a_selection_that_cannot_be_rebuilt_fails_the_run(declare: Declare) -> None:
    """H12: the run says so, and ends."""
    run = begin(declare(), make_notes(5))
    Run.objects.filter(pk=run.pk).update(selection={"kind": "forgotten"})
    done = settled(run)
    assert done.state == State.FAILED
    assert "forgotten" in done.why


@pytest.mark.usefixtures("_prepare")
def test_keys_that_are_no_numbers_are_prepared_too(declare: Declare) -> None:
    """H12: batches go by the key's own order; nothing is taken twice or left out."""
    tokens = [Token.objects.create(name=f"t{n}") for n in range(7)]
    run = settled(begin(declare(model=Token), tokens))
    assert (run.state, run.done) == (State.SUCCEEDED, 7)
    assert marks() == once(tokens)


@pytest.mark.usefixtures("_prepare")
def test_a_worker_that_dies_while_preparing_leaves_no_gap(declare: Declare) -> None:
    """H12: the next claim goes on after the last batch that was committed."""
    notes = make_notes(6)
    run = begin(declare(), notes)
    chunk(must_win(run))
    done = settled(run)
    assert (done.state, marks()) == (State.SUCCEEDED, once(notes))
    assert count_of(run) == (6, 0, 0)


@pytest.mark.usefixtures("_prepare")
def test_a_preparing_run_cannot_be_paused_and_its_old_message_is_stale(declare: Declare) -> None:
    """H12, C3: cancel is its only verb."""
    run = begin(declare(), make_notes(5))
    with pytest.raises(ConsoleError):
        control.pause(run.pk)
    must_win(run)
    assert win(run, token=0) is None


def test_a_dry_run_then_the_act(declare: Declare) -> None:
    """M11, H9: “do it now” starts one linked run on the preview's objects, whoever clicks how often."""
    notes = make_notes(3)
    preview = settled(begin(declare(), notes, dry_run=True))
    assert not marks()
    real = control.do_it_now(preview.pk)
    again = control.do_it_now(preview.pk)
    assert (real.created, again.created, again.run) == (True, False, real.run)
    assert (real.run.preview_of, real.run.dry_run) == (preview, False)
    assert settled(real.run).done == 3
    assert marks() == once(notes)
