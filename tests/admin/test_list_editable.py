"""Rows edited in the list: held ones are off, an old page is refused row by row, and nothing is half saved."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.admin import rows
from console.engine.acceptance import start
from console.testing import hold, perform
from notes.models import Note
from notes.operations import ArchiveNotes
from tests.admin.forms import Form, forms, text_of
from tests.admin.running import make_notes, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.admin.editing")]
LIST = "/editing/notes/note/"


@pytest.fixture
def client() -> Client:
    """The browser of a superuser."""
    return signed_in(User.objects.create_superuser("ana"))


@pytest.fixture
def notes() -> list[Note]:
    """Three notes."""
    return make_notes(3)


def list_form(response: Any) -> Form:
    """Return the list's form."""
    return next(form for form in forms(response) if form.id == "changelist-form")


def titles() -> list[str]:
    """Return the titles in the database."""
    return list(Note.objects.order_by("pk").values_list("title", flat=True))


def save(client: Client, form: Form, **typed: Any) -> Any:
    """Press “Save” under the list."""
    return client.post(LIST, {**form.data(), **typed, "_save": "Save"})


def test_rows_are_saved_as_ever(client: Client, notes: list[Note]) -> None:
    """Where nothing is held."""
    form = list_form(client.get(LIST))
    assert save(client, form, **{"form-1-title": "Mine"}).status_code == 302
    assert titles()[1] == "Mine"


def test_an_empty_list_has_a_page(client: Client) -> None:
    """Its form has no row."""
    assert client.get(LIST).status_code == 200


def test_a_held_row_cannot_be_edited(client: Client, notes: list[Note]) -> None:
    """Its values are text beside the padlock; the others are saved."""
    with hold(notes[0]):
        page = client.get(LIST)
        form = list_form(page)
        assert "form-0-title" not in page.content.decode()
        assert f'<td class="field-title">{notes[0].title}</td>' in page.content.decode()
        assert "Locked" in text_of(page)
        assert save(client, form, **{"form-1-title": "Mine"}).status_code == 302
    assert titles() == [notes[0].title, "Mine", notes[2].title]


def test_a_page_drawn_while_held_clears_nothing_afterwards(client: Client, notes: list[Note]) -> None:
    """What was off was not posted, which is not the same as emptied."""
    with hold(notes[0]):
        form = list_form(client.get(LIST))
    assert save(client, form, **{"form-1-title": "Mine"}).status_code == 302
    assert titles() == [notes[0].title, "Mine", notes[2].title]


def test_a_refused_page_draws_the_held_row_as_before(client: Client, notes: list[Note]) -> None:
    """An error elsewhere does not make fields of what was text."""
    with hold(notes[0]):
        form = list_form(client.get(LIST))
        page = save(client, form, **{"form-1-title": ""})
        assert "This field is required." in text_of(page)
        assert "form-0-title" not in page.content.decode()
        assert save(client, list_form(page), **{"form-1-title": "Mine"}).status_code == 302
    assert titles() == [notes[0].title, "Mine", notes[2].title]


def test_a_page_that_claims_a_row_was_off_changes_nothing_of_it(client: Client, notes: list[Note]) -> None:
    """The mark is a courtesy; what it names is left alone."""
    form = list_form(client.get(LIST))
    assert save(client, form, _locked=str(notes[0].pk), **{"form-0-title": "Mine"}).status_code == 302
    assert titles()[0] == notes[0].title


def test_an_older_page_is_refused_at_its_row(client: Client, notes: list[Note]) -> None:
    """It says by whom; no other row is saved either, and what was typed stays."""
    form = list_form(client.get(LIST))
    with hold(notes[0], label="Copy") as run:
        page = save(client, form, **{"form-0-title": "Mine", "form-1-title": "Too"})
        assert f"Not saved: this note is locked by Copy (run {run.pk}), asked by the console at" in text_of(page)
        assert list_form(page).value("form-0-title") == "Mine"
    assert titles() == [note.title for note in notes]


def test_an_unchanged_held_row_stops_nobody(client: Client, notes: list[Note]) -> None:
    """An older page may save the others."""
    form = list_form(client.get(LIST))
    with hold(notes[0]):
        assert save(client, form, **{"form-1-title": "Mine"}).status_code == 302
    assert titles()[1] == "Mine"


def test_an_old_list_brings_no_old_values_back(client: Client, notes: list[Note]) -> None:
    """A row that an exclusive run changed since is stopped; the others are free."""
    form = list_form(client.get(LIST))
    run = perform(start(ArchiveNotes, objects=[notes[0]]))
    page = save(client, form, **{"form-0-title": "Mine"})
    assert f"Not saved: Archive (run {run.pk}) changed this note after you opened the list." in text_of(page)
    assert save(client, form, **{"form-1-title": "Mine"}).status_code == 302
    assert titles() == [notes[0].title, "Mine", notes[2].title]


def test_a_hold_taken_between_check_and_write_comes_back_at_its_row(
    client: Client, notes: list[Note], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard has the last word."""
    form = list_form(client.get(LIST))
    plain, looks = rows.holders, []

    def early(model: Any, pks: Any) -> Any:
        looks.append(pks)
        return plain(model, pks) if len(looks) > 1 else {}  # the first look came before the hold

    with hold(notes[0], label="Copy"):
        monkeypatch.setattr(rows, "holders", early)
        page = save(client, form, **{"form-0-title": "Mine", "form-1-title": "Too"})
    assert "Not saved: this note is locked by Copy" in text_of(page)
    assert titles() == [note.title for note in notes]


def test_a_list_costs_no_query_a_row(client: Client, notes: list[Note]) -> None:
    """Held or not."""

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        return len(queries)

    start(ArchiveNotes, objects=notes)
    count()
    few = count()
    start(ArchiveNotes, objects=make_notes(20))
    assert count() == few
