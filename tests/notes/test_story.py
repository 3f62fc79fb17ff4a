"""The demonstration's three ranks at work in the admin, from the list to the run's page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from console.models import Run
from console.states import State
from console.testing import assert_succeeded, perform
from notes.models import Note
from tests.notes.demo import load_demo

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/notes/note/"


@pytest.fixture(autouse=True)
def demo(transactional_db: None) -> None:
    """The demonstration data, loaded."""
    load_demo()


def log_in(client: Client, username: str) -> Client:
    """Log a member of the demonstration's staff in."""
    client.force_login(get_user_model().objects.get(username=username))
    return client


def offered(client: Client) -> set[str]:
    """Return the operations that the list of notes offers."""
    page = client.get(LIST).content.decode()
    return set(re.findall(r'<option value="(notes\.\w+)"', page))


def confirm(
    client: Client, operation: str, notes: list[Note], *, query: str = "", across: bool = False, **params: Any
) -> Run:
    """Choose the action, fill in its confirmation page, press its button; return the run that the answer leads to."""
    chosen = {"action": operation, "_selected_action": [note.pk for note in notes], "select_across": int(across)}
    page = client.post(f"{LIST}{query}", chosen)
    hidden = dict(re.findall(r'<input type="hidden" name="(_\w+)" value="([^"]*)"', page.content.decode()))
    answer = client.post(f"{LIST}{query}", {**hidden, **chosen, **params})
    assert answer.status_code == 302, answer.content.decode()
    match = re.search(r"/admin/console/run/(\d+)/", answer["Location"])
    assert match, answer["Location"]
    return Run.objects.get(pk=match[1])


def listed(client: Client, query: str = "") -> set[Note]:
    """Return the notes that the list shows, on all its pages."""
    return set(client.get(f"{LIST}{query}").context["cl"].queryset)


class TestRanks:
    """Who may do what."""

    @pytest.mark.parametrize("username", ["admin", "operator"])
    def test_the_operator_is_offered_every_operation_on_notes(self, client: Client, username: str) -> None:
        """As the administrator is."""
        assert offered(log_in(client, username)) == {
            f"notes.{act}" for act in ("copy", "retag", "archive", "trash", "restore", "delete", "publish", "export")
        }

    def test_the_viewer_is_offered_what_only_reads(self, client: Client) -> None:
        """And sees the notes."""
        assert offered(log_in(client, "viewer")) == {"notes.export"}
        assert client.get(LIST).context["cl"].result_count > 200


class TestCopying:
    """The main job."""

    def test_a_copy_of_a_few_notes_from_the_list(self, client: Client) -> None:
        """The operator selects three notes, asks for ten copies of each, and gets thirty."""
        notes = list(Note.objects.order_by("pk")[:3])
        before = Note.objects.count()
        run = confirm(log_in(client, "operator"), "notes.copy", notes, copies="10")
        assert (run.state, run.asked_by) == (State.QUEUED, get_user_model().objects.get(username="operator"))
        assert Note.objects.count() == before
        assert_succeeded(perform(run))
        assert Note.objects.count() == before + 30
        assert client.get(f"/admin/console/run/{run.pk}/change/").status_code == 200

    def test_a_note_with_copies_pending_is_trashed_and_the_copies_are_made(self, client: Client) -> None:
        """The trash is the remedy that hurts nobody: the note leaves the list, the run finishes with it."""
        note = Note.objects.order_by("pk")[0]
        run = confirm(log_in(client, "operator"), "notes.copy", [note], copies="10")
        client.post(f"{LIST}{note.pk}/delete/", {"_trash": "1"})
        assert not Note.objects.filter(pk=note.pk).exists()
        assert_succeeded(perform(run))
        assert Note.objects.filter(slug__startswith=f"{note.slug[:40]}-copy-").count() == 10


def test_what_was_trashed_in_bulk_is_restored_from_the_filtered_list(client: Client) -> None:
    """Trash three notes, find them by the filter, restore them."""
    notes = list(Note.objects.order_by("pk")[:3])
    log_in(client, "operator")
    assert_succeeded(perform(confirm(client, "notes.trash", notes)))
    assert not listed(client) & set(notes)
    assert set(notes) <= listed(client, "?trash=only")
    assert_succeeded(perform(confirm(client, "notes.restore", notes, query="?trash=only")))
    assert set(notes) <= listed(client)


def test_select_all_means_all_that_the_list_shows(client: Client) -> None:
    """Archiving “all notes” from the list touches none in the trash."""
    log_in(client, "operator")
    live, trashed = Note.objects.count(), Note.all_objects.trashed()
    archived_in_trash = trashed.exclude(archived_at=None).count()
    run = confirm(client, "notes.archive", list(Note.objects.order_by("pk")[:1]), across=True)
    assert_succeeded(perform(run))
    assert run.total == live
    assert not Note.objects.filter(archived_at=None).exists()
    assert trashed.exclude(archived_at=None).count() == archived_in_trash
