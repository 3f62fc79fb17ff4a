"""Every way round a hold that leads through an admin page, with the mixin and without: opened before, pressed during it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from console.engine import control
from console.engine.acceptance import start
from console.models import Run
from console.testing import declared
from notes.models import Attachment, Note, Tag
from notes.operations import ArchiveNotes
from tests.admin.forms import forms, text_of
from tests.admin.running import signed_in
from tests.testapp.models import Dish, Restaurant

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.guard.sites")]

Press = Callable[[], Any]


@dataclass
class Place:
    """Somebody at the pages of one admin site, and the objects they are about to reach."""

    site: str
    client: Client
    note: Note
    dish: Dish

    def address(self, obj: Model, page: str = "change") -> str:
        """Return the address of a page of `obj`."""
        return reverse(f"{self.site}:{obj._meta.app_label}_{obj._meta.model_name}_{page}", args=[obj.pk])

    @property
    def list(self) -> str:
        """The address of the list of notes."""
        return reverse(f"{self.site}:notes_note_changelist")

    def typed(self, obj: Model, **typed: Any) -> Press:
        """Open the form of `obj` and type; the press saves it."""
        address = self.address(obj)
        form = next(form for form in forms(self.client.get(address)) if form.id.endswith("_form"))
        return lambda: self.client.post(address, form.data(_save="Save", **typed), follow=True)

    def deleted(self, obj: Model) -> Press:
        """Open the page that deletes `obj`; the press confirms."""
        address = self.address(obj, "delete")
        assert "Are you sure" in text_of(self.client.get(address))
        return lambda: self.client.post(address, {"post": "yes"}, follow=True)

    def of_list(self, **typed: Any) -> Press:
        """Open the list and type into its rows; the press saves them."""
        form = next(form for form in forms(self.client.get(self.list)) if form.id == "changelist-form")
        return lambda: self.client.post(self.list, form.data(_save="Save", **typed), follow=True)

    def selected(self) -> Press:
        """Select the note and ask to delete what is selected; the press confirms."""
        asked = {"action": "delete_selected", "_selected_action": [self.note.pk]}
        form = next(form for form in forms(self.client.post(self.list, asked)) if "action" in dict(form.fields))
        return lambda: self.client.post(self.list, form.data(), follow=True)


WAYS: dict[str, Callable[[Place], Press]] = {
    "change form": lambda at: at.typed(at.note, title="Mine"),
    "its many-to-many field": lambda at: at.typed(at.note, tags=[]),
    "a child changed in its inline": lambda at: at.typed(at.note, **{"attachments-0-content": "B"}),
    "a child deleted in its inline": lambda at: at.typed(at.note, **{"attachments-0-DELETE": "on"}),
    "a child added in its inline": lambda at: at.typed(at.note, **{"attachments-1-name": "b.txt"}),
    "a child's own form": lambda at: at.typed(at.note.attachments.get(), content="B"),
    "a child moved away": lambda at: at.typed(at.note.attachments.get(), note=Note.objects.latest("pk").pk),
    "a child's delete page": lambda at: at.deleted(at.note.attachments.get()),
    "delete page": lambda at: at.deleted(at.note),
    "delete selected": lambda at: at.selected(),
    "list_editable": lambda at: at.of_list(**{"form-1-title": "Mine"}),
    "an inline of its author": lambda at: at.typed(at.note.author, **{"notes-0-title": "Mine"}),
    "deletion in an inline of its author": lambda at: at.typed(at.note.author, **{"notes-0-DELETE": "on"}),
    "deletion of its author": lambda at: at.deleted(at.note.author),
    "its tag's inline": lambda at: at.typed(at.note.tags.get(), **{"Note_tags-0-DELETE": "on"}),
    "another tag's inline": lambda at: at.typed(Tag.objects.get(slug="new"), **{"Note_tags-0-note": at.note.pk}),
    "deletion of its tag": lambda at: at.deleted(at.note.tags.get()),
    "another parent's inline": lambda at: at.typed(at.dish.restaurant, **{"dishes-0-name": "Mine"}),
    "cascade from a parent": lambda at: at.deleted(at.dish.restaurant),
}


@pytest.fixture(params=["ours", "theirs"])
def place(request: pytest.FixtureRequest) -> Place:
    """The pages of both sites, with a note that has an author, a tag and an attachment, and a dish of a restaurant."""
    author = User.objects.create_user("author")
    note = Note.objects.create(title="First", slug="first", body="Once", author=author)
    note.tags.add(Tag.objects.create(name="old", slug="old"))
    Tag.objects.create(name="new", slug="new")
    Attachment.objects.create(note=note, name="a.txt", content="A")
    Note.objects.create(title="Second", slug="second")
    dish = Dish.objects.create(restaurant=Restaurant.objects.create(name="Chez nous"), name="Soup")
    return Place(request.param, signed_in(User.objects.create_superuser("ana")), note, dish)


@pytest.fixture
def take(place: Place) -> Iterator[Callable[[], list[Run]]]:
    """Return how to hold the note and the dish; it gives the runs."""
    with declared(Dish, label="Cook") as cook:
        yield lambda: [start(ArchiveNotes, objects=[place.note]), start(cook, objects=[place.dish])]


def picture() -> list[Any]:
    """Return what is in the database of notes, dishes and all that belongs to them."""
    tables = (Note.all_objects, Attachment.objects, Note.tags.through.objects, Tag.objects, User.objects, Dish.objects)
    return [list(table.order_by("pk").values()) for table in tables]


# Django deletes what is selected without a transaction around it, and in a test's own a refusal would break that.
COMMITTED = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=COMMITTED) if way == "delete selected" else way for way in WAYS]
)
def test_is_closed_while_the_object_is_held(place: Place, take: Callable[[], list[Run]], way: str) -> None:
    """Nothing is changed, and the answer names the run: in the page itself with the mixin, else as a 409."""
    press = WAYS[way](place)
    runs = take()
    before = picture()
    answer = press()
    assert picture() == before
    assert answer.status_code == (200 if place.site == "ours" else 409)
    assert any(f"(run {run.pk})" in text_of(answer) for run in runs)


@pytest.mark.parametrize("way", WAYS)
def test_is_open_when_nobody_holds_it(place: Place, take: Callable[[], list[Run]], way: str) -> None:
    """The run has been cancelled before it reached the object: the page that was opened before it is saved."""
    press = WAYS[way](place)
    for run in take():
        control.cancel(run.pk)
    before = picture()
    assert press().redirect_chain
    assert picture() != before


@pytest.mark.parametrize("place", ["ours"], indirect=True)
@pytest.mark.parametrize("way", ["change form", "its many-to-many field", "a child changed in its inline"])
def test_what_was_typed_is_kept(place: Place, take: Callable[[], list[Run]], way: str) -> None:
    """The same form comes back, and can be saved when the run has ended without reaching the object."""
    press = WAYS[way](place)
    runs = take()
    form = next(form for form in forms(press()) if form.id == "note_form")
    for run in runs:
        control.cancel(run.pk)
    before = picture()
    assert place.client.post(place.address(place.note), form.data(_save="Save")).status_code == 302
    assert picture() != before


def test_saving_as_new_reads_the_held_object_and_leaves_it_as_it_was(
    place: Place, take: Callable[[], list[Run]]
) -> None:
    """A new note with new children, from a form opened before; the held one and its own stay."""
    form = next(form for form in forms(place.client.get(place.address(place.note))) if form.id == "note_form")
    take()
    before = picture()
    typed = {"slug": "new", "title": "New", "_saveasnew": "Save as new"}
    assert place.client.post(place.address(place.note), form.data(**typed)).status_code == 302
    made = Note.objects.get(slug="new")
    assert [child.name for child in made.attachments.all()] == ["a.txt"]
    made.delete()
    assert picture() == before


@pytest.mark.parametrize("place", ["ours"], indirect=True)
def test_another_operation_starts_nothing(place: Place, take: Callable[[], list[Run]]) -> None:
    """A page of confirmation opened before tells whose lock it met; a shared one beside a shared one would start."""
    address = reverse("ours:notes_note_operation", args=[place.note.pk, "notes.retag"])
    (form,) = forms(place.client.get(address))
    runs = take()
    answer = place.client.post(address, form.data(add=[Tag.objects.get(slug="new").pk]))
    assert f"(run {runs[0].pk})" in text_of(answer)
    assert Run.objects.count() == len(runs)
