"""Every page that the mixin adds to or makes, drawn by django-unfold's templates. `test_unfold.py` runs these."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from console.engine.acceptance import start
from console.models import Run
from console.testing import perform
from notes.models import Note
from notes.operations import ArchiveNotes
from tests.admin.forms import forms, text_of
from tests.admin.running import make_notes, signed_in

pytestmark = pytest.mark.django_db
LIST = "/admin/notes/note/"


@pytest.fixture
def client() -> Client:
    """The browser of a superuser."""
    return signed_in(User.objects.create_superuser("ana", first_name="Ana", last_name="Lima"))


@pytest.fixture
def locked() -> tuple[Note, Run]:
    """A note, and the pending run that holds it."""
    (note,) = make_notes(1)
    return note, start(ArchiveNotes, objects=[note])


def drawn_by_unfold(page: Any) -> str:
    """Return the words of a page, which unfold has drawn, with the console's assets and indicator once each."""
    content = page.content.decode()
    assert any(template.origin.name.endswith("unfold/templates/admin/base.html") for template in page.templates)
    for part in ("console/console.css", "console/console.js", "data-console-indicator"):
        assert content.count(part) == 1, part
    return text_of(page)


def test_the_list(client: Client, locked: tuple[Note, Run]) -> None:
    """The column, the filter, the tool, the actions, and the mark that makes the column live."""
    page = client.get(LIST)
    words = drawn_by_unfold(page)
    assert "Locked Archive, 0 %" in words
    assert "pending work" in words.lower()
    assert f"/admin/console/run/?model={Note._meta.label_lower}" in page.content.decode()
    assert "data-console-cells" in page.content.decode()
    assert "Copy selected notes…" in words


def test_a_held_form(client: Client, locked: tuple[Note, Run]) -> None:
    """The banner, the panel, the buttons; nothing to save."""
    note, run = locked
    page = client.get(f"{LIST}{note.pk}/change/")
    words = drawn_by_unfold(page)
    for part in (f"locked by Archive (run {run.pk})", "Runs on this note", "Copy…", "More operations", "Runs (1)"):
        assert part in words
    assert "data-console-banner" in page.content.decode()
    assert not any(button.name == "_save" for form in forms(page) for button in form.buttons)


def test_an_old_form_is_refused_and_keeps_what_was_typed(client: Client) -> None:
    """It carries the hidden marks, and the question after the run."""
    (note,) = make_notes(1)
    address = f"{LIST}{note.pk}/change/"
    opened = next(form for form in forms(client.get(address)) if form.id == "note_form")
    assert {"_seen", "_opened"} <= dict(opened.fields).keys()
    start(ArchiveNotes, objects=[note])
    page = client.post(address, opened.data(title="Mine", _save="Save"))
    assert "Not saved. This note is locked by Archive" in drawn_by_unfold(page)
    assert next(form for form in forms(page) if form.id == "note_form").value("title") == "Mine"


def test_an_old_form_asks_after_the_run(client: Client) -> None:
    """It offers to save mine all the same."""
    (note,) = make_notes(1)
    address = f"{LIST}{note.pk}/change/"
    opened = next(form for form in forms(client.get(address)) if form.id == "note_form")
    perform(start(ArchiveNotes, objects=[note]))
    page = client.post(address, opened.data(title="Mine", _save="Save"))
    assert "Save mine all the same" in drawn_by_unfold(page)


def test_the_confirmation_starts_a_run(client: Client) -> None:
    """From the list, and on one object; with its title."""
    notes = make_notes(2)
    page = client.post(LIST, {"action": "notes.copy", "index": "0", "_selected_action": [note.pk for note in notes]})
    assert "Copy 2 notes" in drawn_by_unfold(page)
    form = next(form for form in forms(page) if "_key" in dict(form.fields))
    answer = client.post(LIST, form.data("Copy 2 notes"), follow=True)
    assert f"Run {Run.objects.get().pk} accepted: copy 2 notes." in drawn_by_unfold(answer)
    assert "Copy 1 note" in drawn_by_unfold(client.get(f"{LIST}{notes[0].pk}/operation/notes.copy/"))


def test_the_pages_of_deletion(client: Client, locked: tuple[Note, Run]) -> None:
    """One object, and a selection with a held one."""
    note, run = locked
    words = drawn_by_unfold(client.get(f"{LIST}{note.pk}/delete/"))
    assert "This note cannot be deleted yet" in words
    assert f"Cancel run {run.pk} and delete this note" in words
    chosen = [note.pk, *(other.pk for other in make_notes(2))]
    page = client.post(LIST, {"action": "delete_selected", "_selected_action": chosen})
    words = drawn_by_unfold(page)
    assert "1 of 3 notes is locked" in words
    assert "Delete the other 2" in words


def test_the_pages_of_runs(client: Client, locked: tuple[Note, Run]) -> None:
    """The list, the run, a verb."""
    _note, run = locked
    for page, expected in (("", "Archive"), (f"{run.pk}/change/", "Archive: 1 note"), (f"{run.pk}/cancel/", "Cancel")):
        assert expected in drawn_by_unfold(client.get(f"/admin/console/run/{page}"))
