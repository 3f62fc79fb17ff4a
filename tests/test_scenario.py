"""The scenario that must never fail: ten copies are asked for, and somebody deletes the note before the worker starts.

Staff use the admin's pages, the worker is a real one, and each of the three remedies is gone through to its end.
"""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from console.models import Failure, Run
from console.states import State
from notes.models import Note
from tests.admin.forms import forms, messages_of, only_form, text_of
from tests.admin.running import OPERATOR, page_of, signed_in, staff
from tests.faults.runs import ended, succeeded
from tests.processes import Processes, broker, processes, warden

__all__ = ["broker", "processes", "warden"]

pytestmark = pytest.mark.processes

COPIES = 10
LIST = reverse("admin:notes_note_changelist")


@pytest.fixture
def tea() -> Note:
    """The note."""
    return Note.objects.create(title="Tea", slug="tea", body="At four.")


@pytest.fixture
def ana() -> Client:
    """She asks for the copies."""
    return signed_in(staff("ana", *OPERATOR))


@pytest.fixture
def otto() -> Client:
    """He deletes the note."""
    return signed_in(staff("otto", *OPERATOR, "notes.delete_note", "notes.delete_attachment"))


@pytest.fixture
def run(processes: Processes, ana: Client, tea: Note) -> Run:
    """The run that Ana starts by the action of the list; no worker is there yet."""
    processes.broker.start()
    run = ask_for_copies(ana, tea, COPIES)
    assert (run.state, run.total) == (State.QUEUED, COPIES)
    return run


def ask_for_copies(client: Client, note: Note, copies: int) -> Run:
    """Choose the note and the action in the list, confirm, and return the run to whose page that leads."""
    asked = only_form(client.post(LIST, {"action": "notes.copy", "_selected_action": [note.pk]}))
    start = next(button.text for button in asked.buttons if button.name != "_dry_run")
    page = client.post(LIST, asked.data(start, copies=copies), follow=True)
    run = Run.objects.latest("pk")
    assert page.redirect_chain[-1][0] == page_of(run)
    return run


def delete_page(tea: Note) -> str:
    """Return the address where the note is deleted."""
    return reverse("admin:notes_note_delete", args=[tea.pk])


def press(client: Client, note: Note, button: str) -> HttpResponse:
    """Open the note's delete page, press this button, and return the page that follows."""
    form = next(form for form in forms(client.get(delete_page(note))) if button in form.texts())
    return client.post(delete_page(note), form.data(button), follow=True)


def copies_of(tea: Note) -> int:
    """Return how many copies the list shows."""
    return Note.objects.exclude(pk=tea.pk).filter(body=tea.body).count()


def test_the_lock_refuses_the_deletion_until_the_copies_are_made(
    processes: Processes, run: Run, tea: Note, otto: Client
) -> None:
    """The delete page says why not yet, even to a forged form; afterwards the note can go, and the copies stay."""
    page = otto.get(delete_page(tea))
    assert "cannot be deleted yet" in text_of(page)
    assert str(run.pk) in text_of(page)
    assert "cannot be deleted yet" in text_of(otto.post(delete_page(tea), {"post": "yes"}, follow=True))
    otto.post(LIST, {"action": "delete_selected", "_selected_action": [tea.pk], "post": "yes"}, follow=True)
    assert Note.objects.filter(pk=tea.pk).exists()

    processes.worker()
    succeeded(run)
    assert copies_of(tea) == run.done == COPIES
    otto.post(delete_page(tea), only_form(otto.get(delete_page(tea))).data(), follow=True)
    assert not Note.all_objects.filter(pk=tea.pk).exists()
    assert copies_of(tea) == COPIES


def test_cancel_and_delete_leaves_the_worker_nothing_to_do(
    processes: Processes, run: Run, tea: Note, otto: Client, ana: Client
) -> None:
    """One press cancels the run and deletes the note; Ana reads who did it, and the worker makes no copy."""
    page = press(otto, tea, f"Cancel run {run.pk} and delete this note")
    assert any("deleted" in message for message in messages_of(page))
    assert not Note.all_objects.filter(pk=tea.pk).exists()
    assert ended(run).state == State.CANCELLED
    told = text_of(ana.get(page_of(run)))
    assert "Cancelled" in told
    assert "otto" in told

    processes.worker()
    rain = Note.objects.create(title="Rain", slug="rain")
    succeeded(ask_for_copies(ana, rain, 1))  # the old message came before this one
    assert copies_of(tea) == 0


def test_the_trash_takes_the_note_at_once_and_the_copies_are_made(
    processes: Processes, run: Run, tea: Note, otto: Client
) -> None:
    """The mark stays free under the copies' shared hold; what is copied is not in the trash."""
    press(otto, tea, "Move to trash")
    assert not Note.objects.filter(pk=tea.pk).exists()
    assert Note.all_objects.get(pk=tea.pk).trashed_at

    processes.worker()
    succeeded(run)
    assert copies_of(tea) == run.done == COPIES


def test_a_deletion_past_every_guard_is_named_in_the_report(
    processes: Processes, run: Run, tea: Note, ana: Client
) -> None:
    """SQL by hand deletes the note: the run ends, and says of each copy why it is not there."""
    Note.all_objects.filter(pk=tea.pk)._raw_delete("default")
    processes.worker()
    succeeded(run)
    assert (run.done, run.failed) == (0, COPIES)
    assert Failure.objects.filter(run=run, kind=Failure.Kind.GONE).exists()
    assert "no longer exists" in text_of(ana.get(page_of(run)))
