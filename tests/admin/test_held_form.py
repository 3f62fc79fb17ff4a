"""The change form of a held object: read-only when opened, refused in words when saved, nothing typed is lost."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import Context
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from console.admin import locked
from console.engine import control
from console.engine.acceptance import start
from console.models import Run
from console.operations import Hold
from console.testing import declared, hold, perform
from notes.models import Attachment, Note, Tag
from notes.operations import ArchiveNotes, RetagNotes
from tests.admin.forms import Form, forms, text_of
from tests.admin.running import VIEW, make_notes, meanwhile, operator, signed_in, staff

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.admin.editing")]
LIST = "/admin/notes/note/"


@pytest.fixture
def note() -> Note:
    """A note with a tag and an attachment."""
    note = Note.objects.create(title="First", slug="first", body="Once")
    note.tags.add(Tag.objects.create(name="old", slug="old"))
    note.attachments.create(name="a.txt", content="A")
    return note


@pytest.fixture
def client() -> Client:
    """The browser of somebody who may do everything with notes."""
    return signed_in(User.objects.create_superuser("ana", first_name="Ana", last_name="Lima"))


def address(note: Note, page: str = "change") -> str:
    """Return the address of a page of the note."""
    return f"{LIST}{note.pk}/{page}/"


def note_form(response: Any) -> Form:
    """Return the note's form."""
    return next(form for form in forms(response) if form.id == "note_form")


class TestOpened:
    """While it is held."""

    def test_is_read_only_and_says_by_whom_and_until_when(self, client: Client, note: Note) -> None:
        """Fields and inlines are text, there is nothing to save, and the run is one link away."""
        with hold(note, label="Update tags") as run:
            page = client.get(address(note))
            words = text_of(page)
            assert f"This note is locked by Update tags (run {run.pk}), asked by the console at " in words
            assert "You can read it; saving and deleting are off until the run ends." in words
            assert note_form(page).texts() == []
            assert "title" not in dict(note_form(page).fields)
            assert "attachments-0-name" not in dict(note_form(page).fields)
            assert f"/admin/console/run/{run.pk}/change/" in page.content.decode()
            assert f"/admin/console/run/{run.pk}/cancel/" in page.content.decode()
        assert "_save" in {button.name for button in note_form(client.get(address(note))).buttons}

    def test_a_shared_hold_says_what_stays_possible(self, client: Client, note: Note) -> None:
        """It can be read and copied."""
        with hold(note, Hold.SHARED, label="Copy"):
            words = text_of(client.get(address(note)))
            assert "This note is in use: Copy (run" in words
            assert "It can be read and copied" in words

    def test_tells_its_place_in_line_until_it_has_begun(self, client: Client, note: Note) -> None:
        """Among the runs of its queue."""
        others = [start(ArchiveNotes, objects=make_notes(1)) for _time in range(2)]
        run = start(ArchiveNotes, objects=[note])
        assert "waiting to start, third in line." in text_of(client.get(address(note)))
        control.cancel(others[0].pk)
        assert "waiting to start, second in line." in text_of(client.get(address(note)))
        control.pause(run.pk)
        words = text_of(client.get(address(note)))
        assert "is locked by Archive" in words
        assert "in line" not in words

    def test_asks_nobody_to_cancel_what_is_being_cancelled(self, note: Note) -> None:
        """Who may cancel is not told whom to ask."""
        ana = operator()
        page = meanwhile(lambda run: self.of_its_note(ana, run), ana, first=control.cancel)
        assert "is locked by Watch" in text_of(page)
        assert "to cancel it" not in text_of(page)
        assert "Cancel the run…" not in text_of(page)

    def of_its_note(self, user: User, run: Run) -> Any:
        """Return the page of a note that the run holds, as others than its own worker see it."""
        return Context().run(signed_in(user).get, f"{LIST}{run.targets.earliest('pk').object_id}/change/")

    @pytest.mark.parametrize(("how", "what"), [(Hold.EXCLUSIVE, "may have changed"), (Hold.SHARED, "can be changed")])
    def test_has_the_sentence_for_its_end_ready(self, client: Client, note: Note, how: Hold, what: str) -> None:
        """For a script to show when the run ends: nothing reloads by itself."""
        with hold(note, how, label="Update tags") as run:
            words = text_of(client.get(address(note)))
            for ended in ("has succeeded", "has failed", "was cancelled"):
                assert f"Update tags (run {run.pk}) {ended}. The note {what}" in words
            assert words.count("Reload to edit") == 3

    def test_does_not_promise_to_edit_where_one_may_not(self, note: Note) -> None:
        """A viewer may only look again."""
        with hold(note):
            words = text_of(signed_in(staff("viewer", VIEW)).get(address(note)))
            assert "Reload to edit" not in words
            assert words.count("Reload") == 3

    def test_is_not_offered_to_be_saved_as_new(self, client: Client, note: Note) -> None:
        """Stock would, on a read-only form."""
        editing = f"/editing/notes/note/{note.pk}/change/"
        assert "_saveasnew" in {button.name for button in note_form(client.get(editing)).buttons}
        with hold(note):
            assert note_form(client.get(editing)).texts() == []

    def test_tells_whom_to_ask_where_one_may_not_cancel(self, note: Note, settings: Any) -> None:
        """No link that would be refused."""
        settings.CONSOLE = {"CONTACT": "the help desk"}
        ana, viewer = operator(), signed_in(staff("viewer", VIEW))
        run = start(ArchiveNotes, objects=[note], by=ana)
        page = viewer.get(address(note))
        assert "Ask Ana Lima or the help desk to cancel it." in text_of(page)
        assert f"/run/{run.pk}/cancel/" not in page.content.decode()

    def test_a_popup_has_the_banner_alone(self, client: Client, note: Note) -> None:
        """No panel, no buttons."""
        with hold(note):
            page = client.get(f"{address(note)}?_popup=1")
            assert "This note is locked by" in text_of(page)
            assert "Runs on this note" not in text_of(page)
            assert "/operation/" not in page.content.decode()

    def test_keeps_the_template_that_the_project_chose(self, client: Client, note: Note) -> None:
        """Ours is put around it."""
        page = client.get(address(note))
        assert page.templates[0].name == "console/change_form.html"
        assert "admin/change_form.html" in [template.name for template in page.templates]

    def test_a_model_without_operations_looks_as_before(self, client: Client, note: Note) -> None:
        """Nothing is added to its pages."""
        attachment = note.attachments.get()
        page = client.get(f"/editing/notes/attachment/{attachment.pk}/change/")
        assert "console/change_form.html" not in [template.name for template in page.templates]


class TestSaved:
    """Opened before, saved during the hold."""

    def test_is_refused_and_nothing_typed_is_lost(self, client: Client, note: Note) -> None:
        """The same form comes back, and the note is unchanged."""
        opened = note_form(client.get(address(note)))
        with hold(note, label="Update tags") as run:
            page = client.post(
                address(note), opened.data(title="Mine", **{"attachments-0-content": "B", "_save": "Save"})
            )
            assert page.status_code == 200
            assert f"Not saved. This note is locked by Update tags (run {run.pk}), asked by" in text_of(page)
            assert "What you typed is still here" in text_of(page)
            kept = note_form(page)
            assert (kept.value("title"), kept.value("attachments-0-content")) == ("Mine", "B")
            note.refresh_from_db()
            assert (note.title, note.attachments.get().content) == ("First", "A")
        answer = client.post(address(note), kept.data(_save="Save"))
        assert answer.status_code == 302
        note.refresh_from_db()
        assert note.title == "Mine"

    @pytest.mark.parametrize(
        "typed", [{"tags": []}, {"attachments-0-content": "B"}, {"attachments-0-DELETE": "on"}, {}]
    )
    def test_is_refused_whatever_was_changed(self, client: Client, note: Note, typed: dict[str, Any]) -> None:
        """Related objects, or nothing at all."""
        opened = note_form(client.get(address(note)))
        with hold(note, free_fields=("title", "slug", "body", "author", "updated_at")):
            page = client.post(address(note), opened.data(**typed, _save="Save"))
            assert "Not saved." in text_of(page)
        assert note.tags.count() == 1
        assert note.attachments.get().content == "A"

    def test_a_hold_taken_between_check_and_write_comes_back_as_an_error_too(
        self, client: Client, note: Note, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The engine's guard has the last word; its error becomes one of the form."""
        opened = note_form(client.get(address(note)))
        run, looks, plain = start(ArchiveNotes, objects=[note]), [], locked.holders

        def early(model: Any, pks: Any) -> Any:
            looks.append(pks)
            return plain(model, pks) if len(looks) > 1 else {}  # the first look came before the hold

        monkeypatch.setattr(locked, "holders", early)
        page = client.post(address(note), opened.data(title="Mine", _save="Save"))
        assert f"Not saved. This note is locked by Archive (run {run.pk})" in text_of(page)
        assert note_form(page).value("title") == "Mine"
        note.refresh_from_db()
        assert note.title == "First"

    def test_a_child_edited_on_a_page_of_its_own_is_refused_in_words(self, client: Client, note: Note) -> None:
        """Where its admin inherits the mixin; an added one too."""
        attachment = note.attachments.get()
        run = start(ArchiveNotes, objects=[note])
        Run.objects.filter(pk=run.pk).update(operation="notes.copy", hold="shared")
        change = f"/editing/notes/attachment/{attachment.pk}/change/"
        page = client.post(change, {"note": note.pk, "name": "b.txt", "content": "B", "_save": "Save"})
        assert "“First” is locked by" in text_of(page)
        add = "/editing/notes/attachment/add/"
        page = client.post(add, {"note": note.pk, "name": "c.txt", "content": "C", "_save": "Save"})
        assert "“First” is locked by" in text_of(page)
        assert list(Attachment.objects.values_list("name", flat=True)) == ["a.txt"]


class TestStale:
    """Opened before an exclusive run, saved after it had ended."""

    def archived_meanwhile(self, client: Client, note: Note) -> tuple[Form, Run]:
        """Open the form, then let a run change the note."""
        opened = note_form(client.get(address(note)))
        return opened, perform(start(ArchiveNotes, objects=[note]))

    def test_is_stopped_and_asks(self, client: Client, note: Note) -> None:
        """It names the run; nothing is saved, what was typed is kept."""
        opened, run = self.archived_meanwhile(client, note)
        page = client.post(address(note), opened.data(title="Mine", _save="Save"))
        assert (
            f"Not saved. Archive (run {run.pk}) changed this note after you opened it, and your form could"
            in text_of(page)
        )
        form = note_form(page)
        assert form.value("title") == "Mine"
        assert "Save mine all the same" in form.texts()
        note.refresh_from_db()
        assert note.title == "First"

    def test_names_the_fields_that_would_go_back(self, client: Client, note: Note) -> None:
        """Those that the run changed; not what the person changed, however often the form comes back."""
        opened = note_form(client.get(address(note)))
        new = Tag.objects.create(name="new", slug="new")
        run = perform(start(RetagNotes, objects=[note], params={"add": [new.pk]}))
        form = opened
        for _time in range(2):
            page = client.post(address(note), form.data(title="Mine", _save="Save"))
            told = f"Change tags (run {run.pk}) changed this note after you opened it, and your form would put old values back: Tags."
            assert told in text_of(page)
            form = note_form(page)
        assert note.tags.count() == 2

    def test_names_the_rows_of_what_belongs_to_it(self, client: Client, note: Note) -> None:
        """Attachments that the run changed or deleted, not the one that only the person changed."""
        for name in ("b.txt", "c.txt"):
            note.attachments.create(name=name, content="B")
        opened = note_form(client.get(address(note)))

        def process(_operation: Any, notes: Sequence[Note]) -> None:
            Attachment.objects.filter(note__in=notes, name="a.txt").update(content="new")
            Attachment.objects.filter(note__in=notes, name="c.txt").delete()

        with declared(Note, process, label="Tidy", related=("attachments",)) as tidy:
            perform(start(tidy, objects=[note]))
            posted = opened.data(title="Mine", _save="Save", **{"attachments-1-content": "mine"})
            told = text_of(client.post(address(note), posted))
        assert "your form would put old values back: Attachment “a.txt” and deleted attachments." in told

    @pytest.mark.parametrize(
        "mark", ["", "[]", "{", '{"tags": 1, "none": "x"}', '{"": {"tags": 1}, "attachments": {"1": 2}}']
    )
    def test_a_mark_that_cannot_be_read_stops_it_all_the_same(self, client: Client, note: Note, mark: str) -> None:
        """Only the names are missing, or are too many."""
        opened, _run = self.archived_meanwhile(client, note)
        page = client.post(address(note), opened.data(title="Mine", _save="Save", _opened=mark))
        assert "Not saved. Archive" in text_of(page)
        note.refresh_from_db()
        assert note.title == "First"

    def test_is_not_saved_by_pressing_enter_or_save_again(self, client: Client, note: Note) -> None:
        """Only the button that says so saves; it is not the form's first."""
        opened, _run = self.archived_meanwhile(client, note)
        form = note_form(client.post(address(note), opened.data(title="Mine", _save="Save")))
        assert form.buttons[0].name != "_save_mine"
        assert client.post(address(note), form.data(_save="Save")).status_code == 200

    def test_is_saved_all_the_same_when_asked(self, client: Client, note: Note) -> None:
        """By its own button."""
        opened, _run = self.archived_meanwhile(client, note)
        form = note_form(client.post(address(note), opened.data(title="Mine", _save="Save")))
        assert client.post(address(note), form.data("Save mine all the same")).status_code == 302
        note.refresh_from_db()
        assert note.title == "Mine"

    def test_asks_again_after_yet_another_run(self, client: Client, note: Note) -> None:
        """The button counts for the run that it was shown for."""
        opened, _run = self.archived_meanwhile(client, note)
        form = note_form(client.post(address(note), opened.data(title="Mine", _save="Save")))
        perform(start(ArchiveNotes, objects=[note]))
        with hold(note) as other:
            perform(other)
        page = client.post(address(note), form.data("Save mine all the same"))
        assert page.status_code == 200
        note.refresh_from_db()
        assert note.title == "First"

    def test_a_form_opened_afterwards_is_saved(self, client: Client, note: Note) -> None:
        """It shows what the run left."""
        perform(start(ArchiveNotes, objects=[note]))
        opened = note_form(client.get(address(note)))
        assert client.post(address(note), opened.data(title="Mine", _save="Save")).status_code == 302

    @pytest.mark.parametrize("how", ["shared", "dry", "cancelled", "withdrawn"])
    def test_a_run_that_changed_nothing_of_it_does_not_ask(self, client: Client, note: Note, how: str) -> None:
        """Copies, dry runs, runs cancelled before they reached it."""
        opened = note_form(client.get(address(note)))
        if how == "shared":
            with hold(note, Hold.SHARED) as run:
                perform(run)
        elif how == "dry":
            perform(start(ArchiveNotes, objects=[note], dry_run=True))
        elif how == "cancelled":
            with hold(note):
                pass
        else:
            others = make_notes(1)
            run = start(ArchiveNotes, objects=[note, *others])
            run.targets.filter(object_id=str(note.pk)).update(withdrawn=True)
            run.targets.filter(object_id=str(note.pk)).update(hold=None)
            perform(run)
        assert client.post(address(note), opened.data(title="Mine", _save="Save")).status_code == 302

    def test_a_forged_mark_has_seen_nothing(self, client: Client, note: Note) -> None:
        """It cannot be made up."""
        opened, _run = self.archived_meanwhile(client, note)
        page = client.post(address(note), opened.data(title="Mine", _save="Save", _seen="e30:x:y"))
        assert "Not saved." in text_of(page)


def test_what_somebody_may_not_see_is_not_there() -> None:
    """Neither its page nor its operations; the ModelAdmin's own query decides."""
    secret = Note.objects.create(title="Secret plan", slug="secret")
    ana = signed_in(operator())
    for page in ("change", "operation/notes.copy", "delete"):
        answer = ana.get(f"/editing/notes/note/{secret.pk}/{page}/")
        assert answer.status_code in (302, 403)
        assert "Secret plan" not in answer.content.decode()
    ana.post("/editing/notes/note/", {"action": "notes.copy", "index": "0", "_selected_action": secret.pk})
    assert not Run.objects.exists()
