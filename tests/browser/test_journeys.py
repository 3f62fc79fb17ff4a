"""The main journeys of a member of staff, in a real browser, from the list to the end."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from console.engine import control
from console.engine.acceptance import start
from console.models import Run
from console.states import State
from console.testing import declared, perform, run_pending
from notes.models import Note
from notes.operations import ArchiveNotes, CopyNotes
from tests.admin.running import failing, make_notes, page_of
from tests.browser.staff import NOTES, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def notes() -> list[Note]:
    """Twelve notes."""
    return make_notes(12)


def the_run() -> Run:
    """Return the newest run."""
    return Run.objects.latest("pk")


def expect_state(page: Page, word: str) -> None:
    """See the run's page say this state."""
    expect(page.locator(".console-facts .console-chip").first).to_have_text(word)


def test_select_confirm_watch_succeed(visitor: Visitor, notes: list[Note], trouble: list[str]) -> None:
    """Three notes, two copies each: six copies in the list, and a double click is one run."""
    page = visitor.page
    visitor.choose("notes.copy", notes[:3])
    expect(page.get_by_label("Copies")).to_be_focused()
    page.get_by_label("Copies").fill("2")
    page.get_by_role("button", name="Copy 3 notes").dblclick()
    expect_state(page, "Queued")
    assert Run.objects.count() == 1
    expect(page.locator(".messagelist")).to_contain_text(f"Run {the_run().pk}")

    perform(the_run())

    expect_state(page, "Succeeded")
    expect(page.locator("[data-field=sentence]")).to_contain_text("All 6 done")
    visitor.open(NOTES)
    expect(page.locator("#result_list tbody tr")).to_have_count(18)
    assert trouble == []


def test_without_a_script_from_the_list_to_the_end(unscripted: Visitor, notes: list[Note]) -> None:
    """Links and forms are enough: choose, confirm, look again, succeed."""
    page = unscripted.page
    unscripted.choose("notes.copy", notes[:3])
    page.get_by_label("Copies").fill("2")
    unscripted.press("Copy 3 notes")
    expect_state(page, "Queued")
    expect(page.get_by_text("Updated at")).to_be_visible()
    perform(the_run())
    unscripted.follow("Reload")
    expect_state(page, "Succeeded")
    page.locator(".console-samples a").first.click()
    expect(page).to_have_title("Note 1 | Change note | Notes")


def test_conflict_is_named_and_the_others_are_done(
    visitor: Visitor, ana: User, notes: list[Note], trouble: list[str]
) -> None:
    """Three of twelve are locked: who, by which run, how far; one button does the other nine."""
    first = start(ArchiveNotes, by=ana, objects=notes[:3])
    visitor.choose("notes.archive", notes)
    page = visitor.page
    expect(page.get_by_text("3 of the 12 notes are locked by")).to_be_visible()
    expect(page.locator(".console-held tbody tr")).to_have_count(3)
    expect(page.locator(".console-held")).to_contain_text(f"Archive (run {first.pk})")
    expect(page.get_by_role("button", name="Archive 12 notes")).to_have_count(0)
    visitor.press("Archive the other 9")
    expect_state(page, "Queued")
    run_pending()
    expect_state(page, "Succeeded")
    assert Note.objects.exclude(archived_at=None).count() == 12
    assert trouble == []


def test_what_was_typed_outlives_the_hold(visitor: Visitor, ana: User, notes: list[Note], trouble: list[str]) -> None:
    """Opened before, saved during: refused and kept; saved after the run: asked, and saved all the same."""
    page, note = visitor.page, notes[0]
    visitor.open(f"{NOTES}{note.pk}/change/")
    page.locator("#id_title").fill("What I typed")
    run = start(ArchiveNotes, by=ana, objects=[note])
    page.locator("[name=_save]").click()
    expect(page.locator(".errorlist").first).to_contain_text("Not saved. This note is locked by Archive")
    expect(page.locator("#id_title")).to_have_value("What I typed")

    perform(run)

    expect(page.locator(".console-banner [role=status]")).to_contain_text(f"Archive (run {run.pk}) has succeeded")
    page.locator("[name=_save]").click()
    expect(page.locator(".errorlist").first).to_contain_text("changed this note after you opened it")
    expect(page.locator("#id_title")).to_have_value("What I typed")
    visitor.press("Save mine all the same")
    expect(page.locator(".messagelist")).to_contain_text("was changed successfully")
    note.refresh_from_db()
    assert (note.title, note.archived_at is None) == ("What I typed", False)
    assert trouble == []


class TestDeleting:
    """A note with copies pending: the delete page says why not yet, and the ways on."""

    @pytest.fixture
    def page(self, visitor: Visitor, ana: User, notes: list[Note]) -> Page:
        """The delete page of a note that is being copied."""
        start(CopyNotes, by=ana, objects=notes[:1], params={"copies": 10})
        visitor.open(f"{NOTES}{notes[0].pk}/delete/")
        expect(visitor.page.locator("h1")).to_have_text("This note cannot be deleted yet")
        return visitor.page

    def test_after_waiting(self, page: Page, visitor: Visitor, notes: list[Note]) -> None:
        """When the run has ended, the page deletes as usual."""
        perform(the_run())
        visitor.follow("Look again")
        visitor.press("Yes, I’m sure")
        expect(page.locator(".messagelist")).to_contain_text("was deleted successfully")
        assert not Note.all_objects.filter(pk=notes[0].pk).exists()
        assert Note.objects.filter(title=notes[0].title).count() == 10

    def test_by_cancelling_the_run(self, page: Page, visitor: Visitor, notes: list[Note]) -> None:
        """One button, named for both things that it does; then the usual question."""
        visitor.press(f"Cancel run {the_run().pk} and delete this note")
        expect(page.locator(".messagelist")).to_contain_text("was deleted successfully")
        assert the_run().state == State.CANCELLED
        assert not Note.all_objects.filter(pk=notes[0].pk).exists()

    def test_by_the_trash(self, page: Page, visitor: Visitor, notes: list[Note]) -> None:
        """It leaves the list now, and the copies are made."""
        visitor.press("Move to trash")
        expect(page.locator("#result_list tbody tr")).to_have_count(11)
        assert perform(the_run()).done == 10
        assert Note.all_objects.trashed().get() == notes[0]


def test_cancels_from_the_header_to_the_list(
    visitor: Visitor, ana: User, notes: list[Note], trouble: list[str]
) -> None:
    """What runs is one link away on every page; there several are cancelled at once, with one reason."""
    for note in notes[:2]:
        start(ArchiveNotes, by=ana, objects=[note])
    page = visitor.page
    visitor.open("/admin/")
    page.locator("[data-console-indicator] [data-count=active]").click()
    visitor.act("cancel_runs")
    page.get_by_label("Reason").fill("wrong notes")
    visitor.press("Cancel 2 runs")
    expect(page.locator(".messagelist")).to_contain_text("2 runs")
    assert set(Run.objects.values_list("state", flat=True)) == {State.CANCELLED}
    assert not Note.objects.exclude(archived_at=None).exists()
    assert trouble == []


def test_retries_what_failed(visitor: Visitor, ana: User, trouble: list[str]) -> None:
    """Why it failed is on the page; a new run takes up just that, and each tells of the other."""
    page = visitor.page
    with failing(ana, bad=[1]) as run:
        visitor.open(page_of(run))
        expect_state(page, "Succeeded, 1 failed")
        expect(page.locator("#failures")).to_contain_text("The slug is taken.")
        page.locator(".console-verbs a[data-main]").click()
        page.get_by_role("dialog").get_by_role("button", name="Start the retry").click()
        expect_state(page, "Queued")
        expect(page.locator(".console-facts")).to_contain_text(f"retry of run {run.pk}")
        expect(page.locator(".console-numbers")).to_contain_text("0 of 1")
    assert trouble == []


def test_a_dry_run_is_followed_by_the_act(visitor: Visitor, notes: list[Note], trouble: list[str]) -> None:
    """It changes nothing and says what it would; its page does it."""
    page = visitor.page
    visitor.open(f"{NOTES}{notes[0].pk}/change/")
    visitor.follow("Archive…")
    visitor.press("Dry run first")
    perform(the_run())
    expect_state(page, "Succeeded")
    expect(page.locator("[data-field=sentence]")).to_contain_text("Nothing was changed")
    assert not Note.objects.exclude(archived_at=None).exists()
    page.locator(".console-verbs a[data-main]").click()
    page.get_by_role("dialog").get_by_role("button", name="Do it now").click()
    expect_state(page, "Queued")
    perform(the_run())
    expect_state(page, "Succeeded")
    assert Note.objects.exclude(archived_at=None).get() == notes[0]
    assert trouble == []


def test_a_paused_run_is_resumed(visitor: Visitor, ana: User, notes: list[Note], trouble: list[str]) -> None:
    """Paused with a reason that everybody reads, resumed by one press."""
    page = visitor.page
    with declared(Note, label="Tidy") as operation:
        run = start(operation, by=ana, objects=notes)
        control.pause(run.pk, by=ana, reason="wait for the newsletter")
        visitor.open(page_of(run))
        expect(page.locator("[data-field=sentence]")).to_contain_text("“wait for the newsletter”")
        visitor.press("Resume")
        expect_state(page, "Queued")
        perform(run)
        expect_state(page, "Succeeded")
    assert trouble == []
