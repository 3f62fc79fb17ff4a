"""The page between choosing an operation and starting it: each case of PAGES §3, clear and nothing half done."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core import signing
from django.test import Client

from console.admin import keys
from console.admin.consequences import consequences
from console.admin.selection import Chosen
from console.engine.acceptance import start
from console.engine.selection import Selection
from console.models import Heartbeat, Run, Target
from console.monitoring.signs import Sign
from console.operations import Delete, ExternalOperation, Hold
from console.states import ACTIVE
from console.testing import declared, hold, perform
from notes.models import Note
from notes.operations import ArchiveNotes, CopyNotes
from tests.admin.forms import messages_of, only_form, text_of
from tests.admin.running import VIEW, make_notes, operator, signed_in, staff
from tests.testapp.models import Article, Label, Rank, Remark

pytestmark = pytest.mark.django_db
LIST = "/admin/notes/note/"


@pytest.fixture
def user() -> User:
    """Somebody who may do everything with notes."""
    return operator()


@pytest.fixture
def client(user: User) -> Client:
    """Their browser."""
    return signed_in(user)


def choose(client: Client, notes: list[Note], operation: str = "notes.copy", query: str = "", **more: Any) -> Any:
    """Choose an operation on the list; return the page that follows."""
    posted = {"action": operation, "index": "0", "_selected_action": [note.pk for note in notes], **more}
    return client.post(f"{LIST}{query}", posted)


class TestTheActions:
    """What the list offers."""

    def names(self, client: Client) -> list[str]:
        """Return the actions of the list."""
        form = client.get(LIST).context["action_form"]
        return [name for name, _text in form.fields["action"].choices if name] if form else []

    def test_come_after_the_projects_own_in_the_order_of_declaration(self, admin_client: Client) -> None:
        """Named as the operations are."""
        make_notes(1)
        names = self.names(admin_client)
        assert names[:3] == ["delete_selected", "notes.copy", "notes.retag"]
        assert "notes.statistics" not in names

    def test_are_only_those_permitted(self) -> None:
        """What the person may not start is absent, not greyed."""
        make_notes(1)
        assert self.names(signed_in(staff("copier", VIEW, "notes.add_note"))) == ["notes.copy", "notes.export"]
        assert self.names(signed_in(staff("viewer", VIEW))) == ["notes.export"]

    def test_promise_a_page_before_anything_happens(self, admin_client: Client) -> None:
        """By the ellipsis."""
        make_notes(1)
        assert "Copy selected notes…" in admin_client.get(LIST).content.decode()


class TestThePage:
    """What it shows and carries."""

    def test_names_the_act_the_count_the_objects_and_the_consequences(self, client: Client) -> None:
        """The operation's fields under their own names, and nothing has started."""
        page = choose(client, make_notes(12))
        form = only_form(page)
        assert {"copies", "action", "_selected_action", "select_across", "_key", "_count"} <= {
            n for n, _ in form.fields
        }
        assert form.texts() == ["Copy 12 notes", "Dry run first"]
        words = text_of(page)
        for part in (
            "Make copies of each selected note.",
            "Until the run ends nobody can change or delete",
            "and 2 more",
        ):
            assert part in words
        assert not Run.objects.exists()

    def test_takes_up_values_that_its_address_suggests(self, client: Client) -> None:
        """As “run again” does."""
        (note,) = make_notes(1)
        page = client.get(f"{LIST}{note.pk}/operation/notes.copy/?copies=7")
        assert only_form(page).value("copies") == "7"

    def test_is_escaped(self, client: Client) -> None:
        """A title is text."""
        note = Note.objects.create(title="<script>alert(1)</script>", slug="x")
        assert "<script>alert" not in choose(client, [note]).content.decode()

    def test_offers_no_dry_run_of_what_goes_outside(self, client: Client) -> None:
        """And says why."""
        with declared(Note, base=ExternalOperation, label="Send") as operation:
            page = choose(client, make_notes(2), operation.name)
            assert only_form(page).texts() == ["Send 2 notes"]
            assert "cannot be taken back" in text_of(page)

    def test_puts_the_dry_run_first_for_changes_of_many(self, client: Client) -> None:
        """More than a thousand."""
        Note.objects.bulk_create(Note(title=f"n{n}", slug=f"n{n}") for n in range(1001))
        page = choose(client, [Note.objects.latest("pk")], "notes.archive", select_across="1")
        assert only_form(page).texts() == ["Dry run first", "Archive 1,001 notes"]

    def test_puts_the_dry_run_of_the_others_first_too(self, client: Client) -> None:
        """Where some are held, and more than a thousand are not."""
        Note.objects.bulk_create(Note(title=f"n{n}", slug=f"n{n}") for n in range(1002))
        with hold(Note.objects.latest("pk")):
            page = choose(client, [Note.objects.latest("pk")], "notes.archive", select_across="1")
            assert only_form(page).texts() == ["Dry run of the other 1,001", "Archive the other 1,001"]

    def test_says_how_long_collecting_takes_once_that_is_known(self, client: Client, settings: Any) -> None:
        """Before that it only says that it will be done; held objects are asked about now."""
        notes = make_notes(4)
        settings.CONSOLE = {"PREPARE_ABOVE": 3}
        page = choose(client, notes[:1], "notes.archive", select_across="1")
        unknown = "4 notes: the run first collects and locks them. Until then others can still change them."
        assert unknown in text_of(page)
        assert only_form(page).value("_held") == "skip"
        client.post(LIST, only_form(page).data("Archive 4 notes"))
        perform(Run.objects.get())
        page = choose(client, notes[:1], "notes.archive", select_across="1")
        assert re.search(r"4 notes: the run first collects and locks them \(about .+ s\)\. Until then", text_of(page))

    def test_says_what_stays_when_it_is_cancelled(self, client: Client) -> None:
        """In the words of what is done, and nobody is promised a pause that is not theirs."""
        notes = make_notes(1)
        assert "You may pause or cancel at any time. Copies already made stay." in text_of(choose(client, notes))
        copier = signed_in(staff("copier", VIEW, "notes.add_note"))
        assert "You may cancel at any time. Copies already made stay." in text_of(choose(copier, notes))

    def test_says_that_nobody_serves_the_queue(self, client: Client) -> None:
        """The button stays."""
        notes = make_notes(1)
        told = "No worker serves “bulk” now. Your run will wait."
        page = choose(client, notes)
        assert told in text_of(page)
        assert only_form(page).texts()[0] == "Copy 1 note"
        Sign(Heartbeat.Kind.WORKER, "bulk@here", ("bulk",)).renew()
        assert told not in text_of(choose(client, notes))

    def test_says_that_the_broker_is_away(self, client: Client) -> None:
        """It is accepted all the same."""
        Sign(Heartbeat.Kind.WORKER, "bulk@here", ("bulk",)).renew()
        page = choose(client, make_notes(1))
        assert "The message broker is away. Your run is accepted and safe, and starts when" in text_of(page)
        assert only_form(page).texts()[0] == "Copy 1 note"

    def test_cuts_long_names_and_tells_them_whole_in_the_title(self, client: Client) -> None:
        """Whatever a note is called."""
        note = Note.objects.create(title="long " * 40, slug="long")
        page = choose(client, [note]).content.decode()
        assert f'title="{note}"' in page
        assert f"<bdi>{str(note)[:59].rstrip()}…</bdi>" in page

    def test_says_what_a_deletion_takes_along(self, client: Client, user: User) -> None:
        """Children are counted."""
        (note,) = make_notes(1)
        note.attachments.create(name="a", content="")
        note.attachments.create(name="b", content="")
        page = choose(signed_in(User.objects.create_superuser("boss")), [note], "notes.delete")
        assert "Also deletes 2 attachments." in text_of(page)

    def test_says_what_goes_along_with_what_goes_along(self, admin_client: Client) -> None:
        """The children's children too."""
        article = Article.objects.create(title="One", slug="one")
        label = Label.objects.create(name="one")
        for _time in range(2):
            Remark.objects.create(article=article, text="So it is.")
        Rank.objects.create(article=article, label=label, rank=1)
        with declared(Article, base=Delete, label="Remove") as operation:
            chosen = Chosen(Selection.of_objects(Article, [article]), [str(article.pk)], Article.objects.all(), asked=1)
            told = consequences(operation, Article, chosen, AnonymousUser())
        assert "Also deletes 2 remarks." in told
        assert "Also deletes 1 rank." in told

    def test_cannot_be_framed_by_an_inline_script_or_style(self, client: Client) -> None:
        """The pages keep a strict content security policy."""
        page = choose(client, make_notes(1)).content.decode()
        for inline in (" style=", "onclick", "<style"):
            assert inline not in page


class TestStarting:
    """A confirmed page."""

    def test_leads_to_the_run(self, client: Client, user: User) -> None:
        """With its number and the act in words; it belongs to whoever asked."""
        page = choose(client, make_notes(12))
        answer = client.post(LIST, only_form(page).data("Copy 12 notes", copies="10"), follow=True)
        run = Run.objects.get()
        assert answer.redirect_chain == [(f"/admin/console/run/{run.pk}/change/", 302)]
        assert messages_of(answer) == [f"Run {run.pk} accepted: copy 12 notes."]
        assert (run.asked_by, run.source, run.params, run.total) == (user, "admin", {"copies": "10"}, 120)

    def test_one_page_is_one_run(self, client: Client) -> None:
        """A double click leads to the same run."""
        data = only_form(choose(client, make_notes(2))).data("Copy 2 notes")
        first, second = client.post(LIST, data), client.post(LIST, data, follow=True)
        assert second.redirect_chain[0][0] == first["Location"]
        assert messages_of(second)[-1] == "You already started this: here it is."
        assert Run.objects.count() == 1

    def test_two_pages_are_two_runs(self, client: Client) -> None:
        """The same request, asked for anew, is a new run."""
        notes = make_notes(2)
        for _time in range(2):
            client.post(LIST, only_form(choose(client, notes)).data("Copy 2 notes"))
        assert Run.objects.count() == 2

    def test_a_dry_run_then_the_act_are_two_runs(self, client: Client) -> None:
        """From one page."""
        form = only_form(choose(client, make_notes(2)))
        client.post(LIST, form.data("Dry run first"))
        client.post(LIST, form.data("Copy 2 notes"))
        assert sorted(Run.objects.values_list("dry_run", flat=True)) == [False, True]

    def test_starts_on_one_object_at_its_own_address(self, client: Client) -> None:
        """GET shows the page, POST starts."""
        note, *_others = make_notes(3)
        address = f"{LIST}{note.pk}/operation/notes.copy/"
        form = only_form(client.get(address))
        assert form.texts()[0] == "Copy 1 note"
        client.post(address, form.data("Copy 1 note", copies="3"))
        assert list(Target.objects.values_list("object_id", flat=True)) == [str(note.pk)]

    def test_a_get_starts_nothing(self, client: Client) -> None:
        """Whatever it carries."""
        (note,) = make_notes(1)
        address = f"{LIST}{note.pk}/operation/notes.copy/"
        form = only_form(client.get(address))
        client.get(address, form.data("Copy 1 note"))
        assert not Run.objects.exists()

    def test_needs_the_token_against_forgery(self, user: User) -> None:
        """A foreign page cannot start anything."""
        (note,) = make_notes(1)
        client = Client(enforce_csrf_checks=True)
        client.force_login(user)
        for address in (LIST, f"{LIST}{note.pk}/operation/notes.copy/"):
            assert client.post(address, {"action": "notes.copy", "_selected_action": note.pk}).status_code == 403
        assert not Run.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_without_a_broker_it_is_accepted_and_safe(self, client: Client) -> None:
        """And the page says that nothing needs to be done."""
        answer = client.post(LIST, only_form(choose(client, make_notes(1))).data("Copy 1 note"), follow=True)
        run = Run.objects.get()
        (told,) = messages_of(answer)
        assert told.startswith(f"Run {run.pk} is accepted and safe. The message broker is away")
        assert run.state in ACTIVE


class TestRefusals:
    """Each is a clear message in the page; nothing was started."""

    def refused(self, client: Client, data: dict[str, Any]) -> Any:
        """Post the page, and return it as it comes back."""
        before = Run.objects.count()
        page = client.post(LIST, data)
        assert page.status_code == 200
        assert Run.objects.count() == before
        return page

    def test_invalid_parameter(self, client: Client) -> None:
        """The field says its own error, what was typed stays."""
        page = self.refused(client, only_form(choose(client, make_notes(2))).data(copies="100001"))
        assert "less than or equal to 100000" in text_of(page)
        assert only_form(page).value("copies") == "100001"

    def test_some_vanished(self, client: Client) -> None:
        """The missing are counted, the others can be confirmed."""
        notes = make_notes(12)
        form = only_form(choose(client, notes))
        Note.objects.filter(pk__in=[notes[0].pk, notes[1].pk]).delete()
        page = self.refused(client, form.data())
        expected = (
            "2 of the 12 notes you selected no longer exist. Nothing was started. 10 are left: check and confirm again."
        )
        assert expected in text_of(page)
        client.post(LIST, only_form(page).data("Copy 10 notes"))
        assert Target.objects.count() == 10

    def test_all_vanished(self, client: Client) -> None:
        """Back to the list."""
        notes = make_notes(2)
        form = only_form(choose(client, notes))
        Note.objects.all().delete()
        answer = client.post(LIST, form.data(), follow=True)
        assert messages_of(answer) == ["None of the notes you selected exist any more. Nothing was started."]
        assert answer.redirect_chain[0][0] == LIST

    @pytest.mark.parametrize("key", ["x", "", "9" * 40])
    def test_a_selection_that_cannot_be_read(self, client: Client, key: str) -> None:
        """A key that is none."""
        posted = {"action": "notes.copy", "index": "0", "_selected_action": key}
        answer = client.post(LIST, posted, follow=True)
        assert messages_of(answer) == [
            "Nothing was started. The selection could not be read: select the objects again.",
        ]

    def test_taken_meanwhile(self, client: Client) -> None:
        """The table names who, and the others can be done."""
        notes = make_notes(3)
        form = only_form(choose(client, notes))
        with hold(notes[0]) as other:
            page = self.refused(client, form.data())
            assert (
                "Nothing was started. 1 of the 3 notes was locked by another run while this page was open."
                in text_of(page)
            )
            assert f"run {other.pk}" in text_of(page)
            assert only_form(page).texts() == ["Copy the other 2", "Dry run of the other 2"]

    def test_held_from_the_first(self, client: Client) -> None:
        """The button that could not work is gone; the others are done, the held one is listed."""
        notes = make_notes(3)
        with hold(notes[0]) as other:
            page = choose(client, notes)
            assert f"Cancel run {other.pk}…" in text_of(page)
            client.post(LIST, only_form(page).data("Copy the other 2"))
            run = Run.objects.exclude(pk=other.pk).get()
            assert run.failures.get().object_id == str(notes[0].pk)
            perform(run)
            assert run.done == 2

    def test_a_dry_run_of_the_others_leaves_the_held_out(self, client: Client) -> None:
        """Though a dry run itself takes no holds."""
        notes = make_notes(3)
        with hold(notes[0]) as other:
            client.post(LIST, only_form(choose(client, notes)).data("Dry run of the other 2"))
            run = Run.objects.exclude(pk=other.pk).get()
            assert run.dry_run
            assert run.total == 2

    def test_all_held(self, client: Client) -> None:
        """Nothing is left to press but the way back; a single note is not counted."""
        (note,) = make_notes(1)
        with hold(note):
            page = choose(client, [note])
            assert only_form(page).texts() == []
            assert "This note is locked by another run" in text_of(page)

    def test_one_taken_meanwhile(self, client: Client) -> None:
        """Not “1 of the 1 note”."""
        (note,) = make_notes(1)
        form = only_form(choose(client, [note]))
        with hold(note):
            page = self.refused(client, form.data())
            assert "Nothing was started. This note was locked by another run while this page was open." in text_of(page)

    def test_shared_holds_do_not_meet(self, client: Client) -> None:
        """What is being copied can be copied."""
        (note,) = make_notes(1)
        with hold(note, Hold.SHARED):
            assert only_form(choose(client, [note])).texts()[0] == "Copy 1 note"

    def test_old_page(self, client: Client, settings: Any) -> None:
        """A page too old starts nothing, and offers a fresh one with what was typed."""
        form = only_form(choose(client, make_notes(1)))
        settings.CONSOLE = {"FORM_KEY_MAX_AGE": -1}
        page = self.refused(client, form.data(copies="7"))
        settings.CONSOLE = {}
        assert "Open it again and confirm." in text_of(page)
        client.post(LIST, only_form(page).data())
        assert Run.objects.get().params == {"copies": "7"}

    @pytest.mark.parametrize("field", ["_key", "_count"])
    def test_forged_page(self, client: Client, field: str) -> None:
        """What we signed cannot be made up."""
        data = only_form(choose(client, make_notes(1))).data(**{field: signing.dumps("x", salt="other")})
        self.refused(client, data)

    def test_a_key_serves_nobody_else(self, client: Client) -> None:
        """A page belongs to whom it was shown."""
        notes = make_notes(1)
        data = only_form(choose(client, notes)).data()
        other = signed_in(User.objects.create_superuser("other"))
        self.refused(other, {**data, "csrfmiddlewaretoken": ""})

    def test_unknown_operation(self, client: Client) -> None:
        """The site was updated while the page was open."""
        notes = make_notes(1)
        with declared(Note, label="Old", name="notes.old"):
            data = only_form(choose(client, notes, "notes.old")).data()
        answer = client.post(LIST, data, follow=True)
        assert "“notes.old” is not known here; the site was probably updated." in messages_of(answer)[0]
        answer = client.get(f"{LIST}{notes[0].pk}/operation/notes.old/", follow=True)
        assert "“notes.old” is not known here" in messages_of(answer)[0]

    @pytest.mark.parametrize("permissions", [(VIEW,), (VIEW, "notes.change_note")])
    def test_no_permission(self, client: Client, permissions: tuple[str, ...]) -> None:
        """Named, with status 403, whichever door was tried."""
        (note,) = make_notes(1)
        other = signed_in(staff("other", *permissions))
        posted = {"action": "notes.copy", "index": "0", "_selected_action": note.pk}
        for answer in (
            other.post(LIST, posted),
            other.get(f"{LIST}{note.pk}/operation/notes.copy/"),
            other.post(f"{LIST}{note.pk}/operation/notes.copy/", only_form(choose(client, [note])).data()),
        ):
            assert answer.status_code == 403
            assert "notes.add_note" in text_of(answer)
        assert not Run.objects.exists()

    def test_a_permission_lost_while_the_page_was_open(self, client: Client, user: User) -> None:
        """Asked again at the start."""
        data = only_form(choose(client, make_notes(1))).data()
        user.user_permissions.clear()
        user.user_permissions.set(staff("x", VIEW).user_permissions.all())
        assert client.post(LIST, data).status_code == 403
        assert not Run.objects.exists()

    def test_deleting_many_asks_for_the_count(self, admin_client: Client) -> None:
        """More than a hundred."""
        Note.objects.bulk_create(Note(title=f"n{n}", slug=f"n{n}") for n in range(101))
        form = only_form(choose(admin_client, [Note.objects.latest("pk")], "notes.delete", select_across="1"))
        page = self.refused(admin_client, form.data())
        assert "Type 101" in text_of(page)
        admin_client.post(LIST, only_form(page).data(_typed="101"))
        assert Run.objects.get().operation == "notes.delete"

    def test_a_dry_run_of_a_deletion_asks_for_nothing(self, admin_client: Client) -> None:
        """It deletes nothing."""
        Note.objects.bulk_create(Note(title=f"n{n}", slug=f"n{n}") for n in range(101))
        form = only_form(choose(admin_client, [Note.objects.latest("pk")], "notes.delete", select_across="1"))
        admin_client.post(LIST, form.data("Dry run first"))
        assert Run.objects.get().dry_run

    def test_deleting_many_others_asks_for_their_count(self, admin_client: Client) -> None:
        """Those left out are not counted."""
        Note.objects.bulk_create(Note(title=f"n{n}", slug=f"n{n}") for n in range(103))
        with hold(Note.objects.latest("pk")) as other:
            form = only_form(choose(admin_client, [Note.objects.latest("pk")], "notes.delete", select_across="1"))
            assert "Type 102 to confirm" in text_of(admin_client.post(LIST, form.data(_typed="103")))
            admin_client.post(LIST, form.data(_typed="102"))
            assert Run.objects.exclude(pk=other.pk).get().failures.count() == 1

    def test_too_many_such_runs_are_told_beforehand(self, client: Client) -> None:
        """The run will wait; the button stays."""
        notes = make_notes(2)
        with declared(Note, label="Slow", max_active=0) as operation:
            page = choose(client, notes, operation.name)
            assert "yours starts when one ends" in text_of(page)
            assert only_form(page).texts()[0] == "Slow 2 notes"

    def test_code_and_page_share_the_record(self, client: Client) -> None:
        """What code started shows up as a conflict with its name."""
        notes = make_notes(2)
        run = start(ArchiveNotes, objects=notes)
        page = choose(client, notes)
        assert f"Archive (run {run.pk})" in text_of(page)


def test_keeps_the_names_of_the_contract() -> None:
    """Other programs post them."""
    assert (keys.KEY, keys.COUNT, keys.HELD, keys.DRY_RUN) == ("_key", "_count", "_held", "_dry_run")
    assert CopyNotes.name == "notes.copy"
