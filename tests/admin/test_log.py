"""Each act of a person leaves an event in the run's history and an entry in the admin's log, both with who and why."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from console.engine import control
from console.engine.acceptance import start
from console.models import Event, Run
from console.states import Verb
from console.testing import perform
from notes.models import Note
from tests.admin.forms import only_form
from tests.admin.running import OPERATOR, make_notes, page_of, signed_in, staff

pytestmark = pytest.mark.django_db

LIST = reverse("admin:console_run_changelist")


@pytest.fixture
def ana() -> User:
    """Somebody who may do everything with notes."""
    return staff("ana", *OPERATOR, "notes.delete_note", "notes.delete_attachment")


@pytest.fixture
def tab(ana: User) -> Client:
    """Ana's browser."""
    return signed_in(ana)


def log_of(run: Run) -> list[tuple[int, str, str]]:
    """Return the log's entries on a run as (flag, who, words)."""
    entries = LogEntry.objects.filter(content_type__model="run", object_id=str(run.pk)).order_by("pk")
    return [(entry.action_flag, entry.user.username, entry.get_change_message()) for entry in entries]


def events_of(run: Run, what: str) -> list[tuple[User | None, str]]:
    """Return the events of one kind as (who, why)."""
    return [(event.by, event.reason) for event in run.events.filter(what=what).order_by("pk")]


def ready_for(verb: Verb) -> Run:
    """Return a run of which `verb` can be asked."""
    run = start("notes.archive", objects=make_notes(2), dry_run=verb == Verb.START)
    match verb:
        case Verb.RESUME:
            control.pause(run.pk)
        case Verb.RETRY:
            control.cancel(run.pk)
        case Verb.START:
            perform(run)
    return run


WORDS = {
    Verb.CANCEL: "Asked to cancel: tidy",
    Verb.PAUSE: "Asked to pause: tidy",
    Verb.RESUME: "Resumed: tidy",
    Verb.RETRY: "Retried: tidy",
    Verb.START: "Started the real run: tidy",
    Verb.WITHDRAW: "Left an object out: tidy",
}


@pytest.mark.parametrize("verb", list(Verb))
def test_a_verb_on_a_run(tab: Client, ana: User, verb: Verb) -> None:
    """One event, one entry; a new run that it makes has an entry of its own."""
    run = ready_for(verb)
    target = run.targets.order_by("pk").last()
    assert target is not None
    tab.post(page_of(run, verb), {"reason": "tidy", "target": target.pk})
    assert events_of(run, verb)[-1] == (ana, "tidy")
    assert log_of(run) == [(CHANGE, "ana", WORDS[verb])]
    if verb in {Verb.RETRY, Verb.START}:
        made = Run.objects.get(asked_by=ana)
        assert log_of(made) == [(ADDITION, "ana", "Started “Archive”.")]
        assert events_of(made, "accepted") == [(ana, "")]


@pytest.mark.parametrize("verb", [Verb.CANCEL, Verb.PAUSE, Verb.RESUME])
def test_a_verb_on_many_runs(tab: Client, ana: User, verb: Verb) -> None:
    """Each run has its own."""
    runs = [ready_for(verb), ready_for(verb)]
    posted = {"action": f"{verb}_runs", "_selected_action": [run.pk for run in runs], "_act": "yes", "reason": "tidy"}
    tab.post(LIST, posted)
    for run in runs:
        assert events_of(run, verb)[-1] == (ana, "tidy")
        assert log_of(run) == [(CHANGE, "ana", WORDS[verb])]


def test_what_was_asked_twice_is_logged_once(tab: Client) -> None:
    """The second retry leads to the first, and is no act."""
    run = ready_for(Verb.RETRY)
    tab.post(page_of(run, "retry"))
    tab.post(page_of(run, "retry"))
    assert len(log_of(run)) == 1
    assert len(events_of(run, "retry")) == 1


def test_what_was_refused_is_not_logged(tab: Client) -> None:
    """Too late is no act."""
    run = ready_for(Verb.RETRY)
    tab.post(page_of(run, "pause"))
    assert log_of(run) == []


@pytest.mark.parametrize("button", ["Archive 1 note", "Dry run first"])
def test_a_start(tab: Client, ana: User, button: str) -> None:
    """From an object, or from a list; a double click is one."""
    address = reverse("admin:notes_note_operation", args=[make_notes(1)[0].pk, "notes.archive"])
    form = only_form(tab.get(address))
    tab.post(address, form.data(button))
    tab.post(address, form.data(button))
    run = Run.objects.get()
    told = "Started a dry run of “Archive”." if run.dry_run else "Started “Archive”."
    assert log_of(run) == [(ADDITION, "ana", told)]
    assert events_of(run, "accepted") == [(ana, "")]


def test_a_start_without_objects() -> None:
    """The same."""
    root = staff("root", is_superuser=True)
    address = reverse("admin:console_run_start_operation", args=["notes.statistics"])
    tab = signed_in(root)
    tab.post(address, only_form(tab.get(address)).data())
    assert log_of(Run.objects.get()) == [(ADDITION, "root", "Started “Refresh author statistics”.")]


def test_a_deletion_that_cancels_first(tab: Client, ana: User) -> None:
    """The run's cancel and the note's deletion, each in its own log."""
    (note,) = make_notes(1)
    run = start("notes.archive", objects=[note])
    tab.post(reverse("admin:notes_note_delete", args=[note.pk]), {"_cancel_run": run.pk, "post": "yes"})
    assert not Note.all_objects.filter(pk=note.pk).exists()
    assert events_of(run, "cancel") == [(ana, "to delete an object of it")]
    assert log_of(run) == [(CHANGE, "ana", "Asked to cancel: to delete an object of it")]
    entries = LogEntry.objects.filter(content_type__model="note", object_id=str(note.pk))
    assert [(entry.user, entry.is_deletion()) for entry in entries] == [(ana, True)]


def test_a_note_that_goes_to_the_trash(tab: Client, ana: User) -> None:
    """Its own log tells; the run that holds it goes on as before."""
    (note,) = make_notes(1)
    run = start("notes.copy", objects=[note], params={"copies": 1})
    before = Event.objects.count()
    tab.post(reverse("admin:notes_note_delete", args=[note.pk]), {"_trash": "1"})
    entry: Any = LogEntry.objects.get(content_type__model="note")
    assert (entry.user, entry.object_id, entry.is_change()) == (ana, str(note.pk), True)
    assert Event.objects.count() == before
    assert log_of(run) == []


def test_the_log_of_a_run_can_be_read(tab: Client) -> None:
    """Under “History”, as that of any object."""
    run = ready_for(Verb.CANCEL)
    tab.post(page_of(run, "cancel"), {"reason": "tidy"})
    assert "Asked to cancel: tidy" in tab.get(page_of(run, "history")).content.decode()
