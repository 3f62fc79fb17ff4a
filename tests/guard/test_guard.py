"""The guard: nothing changes an object behind a pending run (promise 3), whichever way the change comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from console.engine import control, holds
from console.exceptions import ObjectHeld
from console.operations import Hold
from console.testing import hold
from notes.models import Attachment, Note, Tag
from tests.engine.kit import begin, make_notes, part, settled, slice_of
from tests.testapp.models import (
    Article,
    BeerGarden,
    Chapter,
    Label,
    NiceArticle,
    Pizzeria,
    Place,
    Rank,
    Remark,
    Restaurant,
)
from tests.world import Declare

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def note() -> Note:
    """Return a note with an author, a tag and an attachment."""
    made = make_notes(1)[0]
    made.author = get_user_model().objects.create_user("author")
    made.save()
    made.tags.add(Tag.objects.create(name="old", slug="old"))
    Attachment.objects.create(note=made, name="a.txt")
    return made


@pytest.fixture
def held(note: Note, declare: Declare) -> Iterator[Note]:
    """Return that note, held by a pending run whose operation declares what belongs to it."""
    run = begin(declare(related=("tags", "attachments")), [note])
    yield note
    run.refresh_from_db()
    if run.is_active:
        control.cancel(run.pk)


def picture() -> Any:
    """Return what is in the database of notes and what belongs to them."""
    tables = (Note.all_objects, Attachment.objects, Note.tags.through.objects, get_user_model().objects)
    return [list(table.order_by("pk").values()) for table in tables]


WAYS: dict[str, Callable[[Note], Any]] = {
    "save": lambda note: note.save(),
    "save one field": lambda note: note.save(update_fields=["title"]),
    "delete": lambda note: note.delete(),
    "delete a query": lambda note: Note.all_objects.filter(pk=note.pk).delete(),
    "delete its author": lambda note: note.author.delete(),
    "delete authors by a query": lambda _note: get_user_model().objects.all().delete(),
    "add a tag": lambda note: note.tags.add(Tag.objects.get_or_create(name="new", slug="new")[0]),
    "remove a tag": lambda note: note.tags.remove(note.tags.get()),
    "clear the tags": lambda note: note.tags.clear(),
    "set the tags": lambda note: note.tags.set([]),
    "remove it from a tag": lambda note: note.tags.get().notes.remove(note),
    "clear a tag": lambda note: note.tags.get().notes.clear(),
    "add a tag by its row": lambda note: Note.tags.through(
        note=note, tag=Tag.objects.get_or_create(name="new", slug="new")[0]
    ).save(),
    "remove a tag by its row": lambda _note: Note.tags.through.objects.get().delete(),
    "delete its tag": lambda note: note.tags.get().delete(),
    "add a child": lambda note: Attachment.objects.create(note=note, name="b.txt"),
    "change a child": lambda note: note.attachments.update_or_create(name="a.txt", defaults={"content": "new"}),
    "delete a child": lambda note: note.attachments.get().delete(),
    "delete children by a query": lambda note: note.attachments.all().delete(),
    "take it from code that got it": lambda note: Note.all_objects.update_or_create(
        pk=note.pk, defaults={"title": "x"}
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_held_object_is_not_changed(held: Note, way: str) -> None:
    """Promise 3: each way to change it, or what belongs to it, raises and leaves all as it was."""
    if way.startswith("add a tag"):
        Tag.objects.create(name="new", slug="new")
    before = picture()
    held.title = "changed"
    with pytest.raises(ObjectHeld):
        WAYS[way](held)
    assert picture() == before


@pytest.mark.parametrize("way", WAYS)
def test_a_free_object_is_changed_as_ever(note: Note, declare: Declare, way: str) -> None:
    """Promise 3: when the run has ended, or was cancelled, every one of these ways is open again."""
    settled(begin(declare(related=("tags", "attachments")), [note]))
    note.title = "changed"
    before = picture()
    WAYS[way](note)
    assert picture() != before


def test_the_refusal_names_the_run_and_what_to_do(held: Note) -> None:
    """Promise 3: the words are for staff."""
    with pytest.raises(ObjectHeld) as refusal:
        held.save()
    assert str(refusal.value.run_id) in str(refusal.value)
    assert refusal.value.label in str(refusal.value)
    assert "Not saved" in str(refusal.value)
    held.attachments.all()._raw_delete("default")
    with pytest.raises(ObjectHeld, match="Not deleted"):
        held.delete()


def test_an_outer_transaction_stays_usable_after_a_refusal(held: Note) -> None:
    """C7: inside a transaction the guard adds no savepoint of its own that could break it."""
    with transaction.atomic():
        other = make_notes(1)[0]
        with pytest.raises(ObjectHeld):
            held.save()
        other.title = "goes on"
        other.save()
    assert Note.all_objects.get(pk=other.pk).title == "goes on"


def test_in_autocommit_a_save_is_a_transaction_and_inside_one_nothing_is_added(note: Note, declare: Declare) -> None:
    """C7: the row lock must outlive the check; where a transaction is open it does."""
    declare()
    with CaptureQueriesContext(connection) as alone:
        note.save()
    with transaction.atomic(), CaptureQueriesContext(connection) as inside:
        note.save()
    assert not [query for query in inside if "SAVEPOINT" in query["sql"]]
    assert len(alone) > 0


def test_the_run_itself_may_change_what_it_holds(note: Note, declare: Declare) -> None:
    """Promise 3: the guard knows whose chunk it is in."""

    def process(_self: Any, notes: Any) -> None:
        for one in notes:
            one.title = "by the run"
            one.save()
            one.tags.clear()

    assert settled(begin(declare(process, related=("tags",)), [note])).done == 1
    assert Note.all_objects.get(pk=note.pk).title == "by the run"


def test_another_run_may_not(note: Note, declare: Declare) -> None:
    """Promise 3: an operation that writes beside its targets meets the guard; the item fails with its words."""
    other = make_notes(1)

    def process(_self: Any, _notes: Any) -> None:
        note.save()

    begin(declare(), [note])
    run = settled(begin(declare(process), other))
    assert run.failed == 1
    assert "locked by" in run.failures.get().reason


def test_two_shared_holds_both_guard(note: Note, declare: Declare) -> None:
    """Promise 3: the object is free when the last of them has gone."""
    one, other = (begin(declare(hold=Hold.SHARED), [note]) for _ in range(2))
    for run in (one, other):
        with pytest.raises(ObjectHeld):
            note.save()
        control.cancel(run.pk)
    note.save()


def test_no_hold_guards_nothing(note: Note, declare: Declare) -> None:
    """Promise 3: an operation may do without."""
    begin(declare(hold=Hold.NONE), [note])
    note.save()


def test_free_fields_may_be_written_and_only_they(note: Note, declare: Declare) -> None:
    """§6: by update_fields, by a save that changes nothing else, by the trash; never with another field, never a deletion."""
    begin(declare(free_fields=("trashed_at",)), [note])
    note.trashed_at = None
    note.save(update_fields=["trashed_at"])
    fresh = Note.all_objects.get(pk=note.pk)
    fresh.save()
    fresh.trashed_at = fresh.created_at
    fresh.save()
    assert Note.all_objects.get(pk=note.pk).trashed_at
    holds.write_trash(fresh, "trashed_at", None)
    assert not Note.all_objects.get(pk=note.pk).trashed_at
    fresh.title = "changed"
    for fields in (None, ["title"], ["title", "trashed_at"]):
        with pytest.raises(ObjectHeld):
            fresh.save(update_fields=fields)
    with pytest.raises(ObjectHeld):
        fresh.delete()


def test_the_trash_of_a_note_whose_run_has_not_freed_it(held: Note) -> None:
    """§6: under a hold that does not free the field the mark cannot be written either."""
    with pytest.raises(ObjectHeld):
        holds.write_trash(held, "trashed_at", None)


def test_what_cannot_be_guarded_is_known(held: Note) -> None:
    """Documented: QuerySet.update, the bulk methods, raw SQL, and many-to-many rows deleted by a query pass by the guard."""
    Note.all_objects.filter(pk=held.pk).update(title="by update")
    held.title = "by bulk_update"
    Note.all_objects.bulk_update([held], ["title"])
    assert Note.all_objects.get(pk=held.pk).title == "by bulk_update"
    assert Note.tags.through.objects.filter(note=held).delete()[0]


def test_a_proxy_and_its_model_are_one_object(declare: Declare) -> None:
    """Promise 3: whichever of the two the run was started on."""
    article = Article._base_manager.create(title="a", slug="a")
    for started, changed in ((Article, NiceArticle), (NiceArticle, Article)):
        run = begin(declare(model=started), [started._base_manager.get(pk=article.pk)])
        with pytest.raises(ObjectHeld):
            changed._base_manager.get(pk=article.pk).save()
        with pytest.raises(ObjectHeld):
            changed._base_manager.get(pk=article.pk).delete()
        control.cancel(run.pk)


def test_inherited_models_are_one_object_with_their_parents(declare: Declare) -> None:
    """Promise 3: a hold on the child guards the parent's row, and the other way round."""
    pizzeria = Pizzeria.objects.create(name="p", oven="stone")
    garden = BeerGarden.objects.create(name="g", trees=1, beers=2)
    for held_as in (Place, Restaurant, Pizzeria):
        run = begin(declare(model=held_as), [held_as.objects.get(pk=pizzeria.pk)])
        for changed_as in (Place, Restaurant, Pizzeria):
            with pytest.raises(ObjectHeld):
                changed_as.objects.get(pk=pizzeria.pk).save()
            with pytest.raises(ObjectHeld):
                changed_as.objects.get(pk=pizzeria.pk).delete()
        garden.save()
        control.cancel(run.pk)
    pizzeria.delete()


def test_a_foreign_key_to_itself_that_would_be_set_to_null(declare: Declare) -> None:
    """Promise 3: deleting the parent of a held object would change the object."""
    parent = Article._base_manager.create(title="p", slug="p")
    child = Article._base_manager.create(title="c", slug="c", parent=parent)
    begin(declare(model=Article), [child])
    with pytest.raises(ObjectHeld):
        parent.delete()
    assert Article._base_manager.get(pk=child.pk).parent_id == parent.pk


def test_children_of_every_kind(declare: Declare) -> None:
    """Promise 3: a through model, a child by another column than the key, a child with a UUID."""
    article = Article._base_manager.create(title="a", slug="a")
    label = Label.objects.create(name="l")
    rank = Rank.objects.create(article=article, label=label, rank=1)
    remark = Remark.objects.create(article=article, text="r")
    chapter = Chapter.objects.create(article=article, name="c", anchor="c")
    run = begin(declare(model=Article, related=("ranked", "remark_set", "chapters", "labels")), [article])
    for child in (rank, remark, chapter):
        with pytest.raises(ObjectHeld):
            child.save()
        with pytest.raises(ObjectHeld):
            child.delete()
    with pytest.raises(ObjectHeld):
        Remark(article=article, text="new").save()
    with pytest.raises(ObjectHeld):
        label.delete()
    control.cancel(run.pk)
    for child in (rank, remark, chapter):
        child.save()


def test_a_child_cannot_be_moved_to_a_held_object_or_away_from_it(held: Note) -> None:
    """Promise 3: the parent it has in the database counts as much as the one it is about to have."""
    other = make_notes(1)[0]
    leaving = held.attachments.get()
    leaving.note = other
    with pytest.raises(ObjectHeld):
        leaving.save()
    coming = Attachment.objects.create(note=other, name="c.txt")
    coming.note = held
    with pytest.raises(ObjectHeld):
        coming.save()


def test_a_batch_is_checked_at_once(declare: Declare) -> None:
    """M13: as many statements for thirty objects as for three, and none held may be among them."""
    declare()
    holds.identity_type(Note)
    counts = []
    for size in (3, 30):
        notes = make_notes(size)
        with transaction.atomic(), CaptureQueriesContext(connection) as queries, holds.checked_batch(notes):
            for note in notes:
                holds.check_free(note, saving=False)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    begin(declare(), notes[5:6])
    with pytest.raises(ObjectHeld), transaction.atomic(), holds.checked_batch(notes):
        raise AssertionError("one of them is held")


def test_deleting_an_author_checks_all_notes_at_once(declare: Declare) -> None:
    """M13: SET_NULL on many rows costs no statements for each."""
    declare()
    holds.identity_type(Note)
    counts = []
    for name, size in (("few", 3), ("many", 30)):
        author = get_user_model().objects.create_user(name)
        keys = [note.pk for note in make_notes(size)]
        Note.all_objects.filter(pk__in=keys).update(author=author)
        with CaptureQueriesContext(connection) as queries:
            author.delete()
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_holders_are_found_in_one_query(declare: Declare) -> None:
    """A page that lists many objects asks once."""
    notes = make_notes(20)
    run = begin(declare(), notes[:10])
    holds.holders(Note, [])
    with CaptureQueriesContext(connection) as queries:
        found = holds.holders(Note, [note.pk for note in notes])
    assert len(queries) == 1
    assert sorted(found) == sorted(str(note.pk) for note in notes[:10])
    assert {target.run for targets in found.values() for target in targets} == {run}


def test_a_paused_and_a_waiting_run_hold_and_a_stopped_one_does_not(note: Note, declare: Declare) -> None:
    """Promise 3: from acceptance until the run ends."""

    def away(_self: Any, _notes: Any) -> None:
        raise ConnectionError("away")

    run = begin(declare(away), [note])
    slice_of(run)
    assert part(run).backing_off
    with pytest.raises(ObjectHeld):
        note.save()
    control.pause(run.pk)
    with pytest.raises(ObjectHeld):
        note.save()
    control.cancel(run.pk)
    note.save()


def test_the_helper_for_tests_holds_and_frees(note: Note) -> None:
    """console.testing.hold: what users write in their own tests."""
    with hold(note), pytest.raises(ObjectHeld):
        note.save()
    note.save()
