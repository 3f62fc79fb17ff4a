"""Deleting a held object: not behind the run's back. The three ways on: wait, cancel the run, the trash."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.utils import timezone

from console.admin import deletion
from console.admin.protected import held_among
from console.engine import control
from console.engine.acceptance import start
from console.models import Run
from console.operations import ExternalOperation, Hold
from console.states import State
from console.testing import declared, hold, perform
from notes.models import Note
from notes.operations import ArchiveNotes, CopyNotes
from tests.admin.editing import site
from tests.admin.forms import Form, forms, messages_of, text_of
from tests.admin.running import VIEW, fall_silent, make_notes, operator, signed_in, staff
from tests.testapp.models import Dish, Invoice, Label, Restaurant

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.admin.editing")]
SITE = "/editing/notes/note/"


@pytest.fixture
def client() -> Client:
    """The browser of a superuser."""
    return signed_in(User.objects.create_superuser("ana"))


@pytest.fixture
def note() -> Note:
    """A note."""
    return make_notes(1)[0]


def address(note: Note) -> str:
    """Return the address of its delete page."""
    return f"{SITE}{note.pk}/delete/"


def _nobody(_model: Any, _pks: Any) -> dict[str, Any]:
    """Stand for a look that came just before the hold."""
    return {}


def with_button(page: Any, start_of_text: str) -> tuple[Form, str]:
    """Return the form with a button of these words, and the button's whole text."""
    for form in forms(page):
        for text in form.texts():
            if text.startswith(start_of_text):
                return form, text
    raise AssertionError(f"no button {start_of_text!r}")


class TestTheDeletePage:
    """Of a held object."""

    def test_says_that_it_cannot_be_deleted_yet_and_why(self, client: Client, note: Note) -> None:
        """A post as if nothing were amiss deletes nothing either."""
        with hold(note, label="Update tags") as run:
            for page in (client.get(address(note)), client.post(address(note), {"post": "yes"})):
                words = text_of(page)
                assert "This note cannot be deleted yet" in words
                assert f"This note is locked by Update tags (run {run.pk})" in words
                assert Note.objects.filter(pk=note.pk).exists()
        assert not LogEntry.objects.exists()

    def test_is_stocks_own_when_the_run_has_ended(self, client: Client, note: Note) -> None:
        """Wait, and delete as usual."""
        perform(start(ArchiveNotes, objects=[note]))
        client.post(address(note), {"post": "yes"})
        assert not Note.all_objects.filter(pk=note.pk).exists()

    def test_a_hold_taken_between_check_and_deletion_refuses(
        self, client: Client, note: Note, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The engine's guard has the last word: no deletion, no log of one."""
        monkeypatch.setattr("console.admin.locked.holders", _nobody)
        monkeypatch.setattr("console.admin.protected.holders", _nobody)
        with hold(note, label="Archive") as run:
            answer = client.post(address(note), {"post": "yes"}, follow=True)
            assert f"Not deleted. “{note}” is locked by Archive (run {run.pk})." in messages_of(answer)[0]
            assert Note.objects.filter(pk=note.pk).exists()
        assert not LogEntry.objects.exists()

    def test_needs_the_permission_to_delete_as_ever(self, note: Note) -> None:
        """A hold opens no door."""
        with hold(note):
            assert signed_in(staff("viewer", VIEW)).get(address(note)).status_code == 403


class TestWait:
    """The first way."""

    def ended(self, browser: Client) -> list[int]:
        """Return the runs of whose end the header tells."""
        since = (timezone.now() - timedelta(minutes=1)).isoformat()
        return [run["id"] for run in browser.get("/admin/console/run/summary/", {"since": since}).json()["ended"]]

    def test_tells_when_it_ends_to_whom_asks(self, client: Client, note: Note) -> None:
        """Wherever they are; nobody else."""
        other = signed_in(User.objects.create_superuser("other"))
        run = start(ArchiveNotes, objects=[note])
        form, text = with_button(client.get(address(note)), "Tell me")
        page = client.post(address(note), form.data(text), follow=True)
        assert "You will be told when it ends, wherever you are in the admin." in text_of(page)
        assert self.ended(client) == []
        perform(run)
        assert (self.ended(client), self.ended(other)) == ([run.pk], [])

    def test_tells_whoever_asked_for_the_run_anyway(self, note: Note) -> None:
        """There is nothing to press."""
        ana = operator()
        start(ArchiveNotes, objects=[note], by=ana)
        ana.user_permissions.add(Permission.objects.get(codename="delete_note"))
        words = text_of(signed_in(ana).get(address(note)))
        assert "You will be told when it ends" in words
        assert "Tell me when it ends" not in words

    def test_says_how_long_once_that_is_known_and_goes_on_to_delete(self, client: Client, note: Note) -> None:
        """The sentences for the end of the run are ready, each with the way on."""
        run = start(ArchiveNotes, objects=[note])
        Run.objects.filter(pk=run.pk).update(
            state=State.RUNNING, started_at=timezone.now() - timedelta(seconds=60), total=1000
        )
        run.partitions.update(rate=10)
        fall_silent(run, 0)
        words = text_of(client.get(address(note)))
        assert "The run needs about 2 min more." in words
        assert words.count("Go on to delete") == 3


class TestCancelAndDelete:
    """The second way."""

    def test_cancels_the_run_for_all_its_objects_and_deletes_this_one(self, client: Client, note: Note) -> None:
        """In this order."""
        others = make_notes(2)
        run = start(ArchiveNotes, objects=[note, *others])
        form, text = with_button(client.get(address(note)), "Cancel run")
        assert text == f"Cancel run {run.pk} and delete this note"
        answer = client.post(address(note), form.data(text), follow=True)
        run.refresh_from_db()
        assert run.state == State.CANCELLED
        assert "was deleted successfully" in messages_of(answer)[0]
        assert list(Note.objects.order_by("pk")) == others

    def test_cancels_every_run_that_holds_it(self, client: Client, note: Note) -> None:
        """And names them all."""
        with hold(note, Hold.SHARED) as first, hold(note, Hold.SHARED) as second:
            form, text = with_button(client.get(address(note)), "Cancel runs")
            assert f"{first.pk}, {second.pk}" in text
            client.post(address(note), form.data(text))
        assert not Note.objects.filter(pk=note.pk).exists()

    def test_cancels_only_what_it_named(self, client: Client, note: Note) -> None:
        """A run that came after the page was shown goes on."""
        with hold(note) as first:
            form, text = with_button(client.get(address(note)), "Cancel run")
            control.cancel(first.pk)
        with hold(note) as other:
            page = client.post(address(note), form.data(text))
            assert "Another run has locked this note meanwhile." in text_of(page)
            other.refresh_from_db()
            assert other.is_active

    def test_needs_both_permissions(self, note: Note) -> None:
        """The missing one is named, the run goes on, the note stays."""
        deleter = signed_in(staff("deleter", VIEW, "notes.delete_note", "notes.delete_attachment"))
        with hold(note) as run:
            page = deleter.get(address(note))
            assert "This needs the permission “Can cancel run”." in text_of(page)
            assert not any(text.startswith("Cancel") for form in forms(page) for text in form.texts())
            page = deleter.post(address(note), {"_cancel_run": run.pk})
            assert "Nothing was cancelled. This needs the permission “Can cancel run”. The run goes on." in text_of(
                page
            )
            run.refresh_from_db()
            assert run.is_active
        assert Note.objects.filter(pk=note.pk).exists()

    def test_is_not_offered_where_the_deletion_would_be_refused(self, note: Note) -> None:
        """The page says why beforehand, and nothing is cancelled by asking all the same."""
        label = Label.objects.create(name="kept")
        Invoice.objects.create(label=label)
        boss = signed_in(User.objects.create_superuser("boss"))
        with hold(label) as run:
            delete = f"/editing/testapp/label/{label.pk}/delete/"
            page = boss.get(delete)
            assert "It cannot be deleted while others refer to it: " in text_of(page)
            assert not any(text.startswith("Cancel") for form in forms(page) for text in form.texts())
            assert "Nothing was cancelled." in text_of(boss.post(delete, {"_cancel_run": run.pk}))
            run.refresh_from_db()
            assert run.is_active

    def test_is_not_offered_where_another_hold_would_refuse_it(self, client: Client, note: Note) -> None:
        """Of a child, by another run."""
        restaurant = Restaurant.objects.create(name="Chez nous")
        dish = Dish.objects.create(restaurant=restaurant, name="Soup")
        with hold(restaurant), hold(dish, label="Cook") as cooking:
            words = text_of(client.get(f"/editing/testapp/restaurant/{restaurant.pk}/delete/"))
            assert "What would go too is held as well: " in words
            assert f"locked by Cook (run {cooking.pk})" in words

    def test_cancels_nothing_where_the_deletion_would_be_refused(self, note: Note) -> None:
        """Because of a child that one may not delete."""
        note.attachments.create(name="a", content="")
        user = staff("half", VIEW, "notes.delete_note", "console.cancel_run")
        with hold(note) as run:
            page = signed_in(user).post(address(note), {"_cancel_run": run.pk})
            assert "Nothing was cancelled. You may not delete what would go too: attachment." in text_of(page)
            run.refresh_from_db()
            assert run.is_active

    def test_whoever_asked_for_the_run_may_cancel_it(self, note: Note) -> None:
        """Without the permission to cancel others' runs."""
        user = staff("own", VIEW, "notes.change_note", "notes.delete_note", "notes.delete_attachment")
        run = start(ArchiveNotes, objects=[note], by=user)
        form, text = with_button(signed_in(user).get(address(note)), "Cancel run")
        signed_in(user).post(address(note), form.data(text))
        run.refresh_from_db()
        assert run.state == State.CANCELLED
        assert not Note.objects.filter(pk=note.pk).exists()

    @pytest.mark.django_db(transaction=True)
    def test_a_run_that_does_not_stop_at_once_is_told(
        self, client: Client, note: Note, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The note is not deleted while a worker is still at it."""
        monkeypatch.setattr(deletion, "PATIENCE", 0.2)
        told: list[str] = []

        def press(run_id: int) -> None:
            told.extend(messages_of(client.post(address(note), {"_cancel_run": run_id}, follow=True)))
            connection.close()

        def call(_operation: Any, _note: Note, _key: str) -> None:
            person = threading.Thread(target=press, args=[Run.objects.get().pk])
            person.start()
            person.join()

        with declared(Note, base=ExternalOperation, label="Slow", call=call) as operation:
            run = perform(start(operation, objects=[note]))
        text = "Run %d is stopping. The note is not deleted yet: press Delete again when the lock is gone."
        assert told == [text % run.pk]
        assert run.state == State.CANCELLED
        assert Note.objects.filter(pk=note.pk).exists()


class TestTheTrash:
    """The third way."""

    def test_takes_the_note_out_of_the_list_while_the_run_goes_on(self, client: Client, note: Note) -> None:
        """The run finishes with it, and it can be restored."""
        run = start(CopyNotes, objects=[note], params={"copies": 2})
        form, text = with_button(client.get(address(note)), "Move to trash")
        answer = client.post(address(note), form.data(text), follow=True)
        assert messages_of(answer) == [f"The note “{note}” is in the trash."]
        assert not Note.objects.filter(pk=note.pk).exists()
        assert Note.all_objects.get(pk=note.pk).trashed_at <= timezone.now()
        perform(run)
        assert (run.state, run.done) == (State.SUCCEEDED, 2)

    def test_is_not_offered_where_it_is_already(self, client: Client, note: Note) -> None:
        """Nothing would change."""
        start(CopyNotes, objects=[note], params={"copies": 2})
        assert "Move to trash" in text_of(client.get(address(note)))
        Note.objects.filter(pk=note.pk).update(trashed_at=timezone.now())
        assert "Move to trash" not in text_of(client.get(address(note)))

    def test_is_not_offered_where_the_run_has_not_declared_it_free(self, client: Client, note: Note) -> None:
        """And refused when asked for all the same."""
        with hold(note):
            assert "Move to trash" not in text_of(client.get(address(note)))
            answer = client.post(address(note), {"_trash": "1"}, follow=True)
            assert "Not saved." in messages_of(answer)[0]
        assert Note.objects.filter(pk=note.pk).exists()

    def test_needs_the_permission_to_delete(self, note: Note) -> None:
        """The page is closed to others."""
        assert signed_in(staff("viewer", VIEW)).post(address(note), {"_trash": "1"}).status_code == 403
        assert Note.objects.filter(pk=note.pk).exists()


class TestDeleteSelected:
    """Django's own action, with held objects among the selected."""

    def choose(self, client: Client, notes: list[Note], **more: Any) -> Any:
        """Choose it on the list."""
        posted = {"action": "delete_selected", "index": "0", "_selected_action": [note.pk for note in notes], **more}
        return client.post(SITE, posted)

    def test_names_the_held_and_deletes_the_others(self, client: Client) -> None:
        """By a button that says how many."""
        notes = make_notes(3)
        with hold(notes[0], label="Update tags") as run:
            page = self.choose(client, notes)
            words = text_of(page)
            assert "1 of 3 notes is locked" in words
            assert f"Update tags (run {run.pk})" in words
            assert "Delete for good: selected notes…" in words
            form, text = with_button(page, "Delete the other")
            assert text == "Delete the other 2"
            answer = client.post(SITE, form.data(text), follow=True)
        assert messages_of(answer) == ["Successfully deleted 2 notes."]
        assert list(Note.objects.all()) == [notes[0]]

    def test_deletes_nothing_of_a_selection_locked_meanwhile(self, client: Client) -> None:
        """The page comes back with the table."""
        notes = make_notes(3)
        form, text = with_button(self.choose(client, notes), "Yes")
        with hold(notes[0]):
            page = client.post(SITE, form.data(text))
            assert "1 of 3 notes is locked" in text_of(page)
        assert Note.objects.count() == 3

    def test_a_hold_taken_between_check_and_deletion_deletes_none(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not some of them, and without a log of deletions."""
        notes = make_notes(3)
        form, text = with_button(self.choose(client, notes), "Yes")
        monkeypatch.setattr("console.admin.delete_selected.holders", _nobody)
        monkeypatch.setattr("console.admin.protected.holders", _nobody)
        with hold(notes[1]):
            answer = client.post(SITE, form.data(text), follow=True)
            assert "Nothing was deleted." in messages_of(answer)[0]
        assert Note.objects.count() == 3
        assert not LogEntry.objects.exists()

    def test_all_held(self, client: Client) -> None:
        """Nothing to press."""
        (note,) = make_notes(1)
        with hold(note):
            page = self.choose(client, [note])
            assert not any(text.startswith("Delete") for form in forms(page) for text in form.texts())

    def test_is_stocks_own_where_nothing_is_held(self, client: Client) -> None:
        """Without a word of ours."""
        notes = make_notes(2)
        form, text = with_button(self.choose(client, notes), "Yes")
        client.post(SITE, form.data(text))
        assert not Note.objects.exists()


class TestWhatGoesAlong:
    """Held objects that a deletion would take with it, or change."""

    def test_a_held_object_is_protected_with_its_reason(self, client: Client, note: Note) -> None:
        """For whoever asks the ModelAdmin what would go."""
        model_admin = site.get_model_admin(Note)
        request = client.get(SITE).wsgi_request
        with hold(note, label="Update tags") as run:
            *_others, protected = model_admin.get_deleted_objects([note], request)
            assert f"locked by Update tags (run {run.pk})" in protected[0]
        *_others, protected = model_admin.get_deleted_objects([note], request)
        assert protected == []

    def test_so_is_one_whose_column_the_deletion_would_set(self, client: Client, note: Note) -> None:
        """An author's notes forget him: not while they are held."""
        author = operator()
        Note.objects.filter(pk=note.pk).update(author=author)
        request = client.get(SITE).wsgi_request
        with hold(note):
            assert "locked by" in held_among(request, [author], site)[0]
        assert held_among(request, [author], site) == []


@pytest.mark.django_db(transaction=True)
def test_a_deletion_waits_for_no_worker(client: Client, note: Note) -> None:
    """Cancel commits by itself before the deletion begins: another connection sees it while this one waits."""
    run = start(ArchiveNotes, objects=[note])
    seen: list[str] = []

    def look(run_id: int) -> None:
        seen.append(Run.objects.get(pk=run_id).state)
        connection.close()

    plain = deletion._still_active

    def watched(run_ids: list[int]) -> list[int]:
        watcher = threading.Thread(target=look, args=run_ids)
        watcher.start()
        watcher.join()
        return plain(run_ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deletion, "_still_active", watched)
        client.post(address(note), {"_cancel_run": run.pk})
    assert seen == [State.CANCELLED]
    assert not Note.objects.filter(pk=note.pk).exists()
