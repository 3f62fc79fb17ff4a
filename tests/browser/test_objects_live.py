"""The pages of objects in a real browser: they follow the run that holds them, and never reload by themselves."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from console.engine import control
from console.engine.acceptance import start
from console.models import Run
from console.testing import perform
from notes.models import Note
from notes.operations import ArchiveNotes, CopyNotes
from tests.admin.running import make_notes
from tests.browser.staff import NOTES, Visitor
from tests.engine.kit import chunk, must_win

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def notes() -> list[Note]:
    """Three notes."""
    return make_notes(3)


@pytest.fixture
def run(ana: User, notes: list[Note]) -> Run:
    """A pending run that locks two of them."""
    return start(ArchiveNotes, by=ana, objects=notes[:2])


def test_a_locked_form_says_when_it_can_be_edited(
    visitor: Visitor, notes: list[Note], run: Run, trouble: list[str]
) -> None:
    """The banner gives way to the end's sentence and the link; the form stays as it is until that is followed."""
    page = visitor.page
    visitor.open(f"{NOTES}{notes[0].pk}/change/")
    banner = page.locator("[data-console-banner]")
    expect(banner).to_contain_text("waiting to start, first in line")
    expect(banner.get_by_role("status")).to_be_empty()

    perform(run)

    expect(banner.get_by_role("status")).to_contain_text(
        f"Archive (run {run.pk}) has succeeded. The note may have changed."
    )
    expect(banner.get_by_text("saving and deleting are off")).to_be_hidden()
    expect(page.locator("[name=_save]")).to_have_count(0)
    visitor.follow("Reload to edit")
    expect(page.locator("[name=_save]")).to_be_visible()
    expect(banner).to_have_count(0)
    assert trouble == []


def test_a_banner_follows_its_run_and_moments_go_on(
    visitor: Visitor, notes: list[Note], run: Run, trouble: list[str]
) -> None:
    """It starts, and the banner no longer says that it waits in line; what was “just now” is a moment ago."""
    page = visitor.page
    page.clock.install()
    visitor.open(f"{NOTES}{notes[0].pk}/change/")
    banner, moment = page.locator("[data-console-banner]"), page.locator("#runs .console-ago")
    expect(banner).to_contain_text("waiting to start, first in line")

    chunk(must_win(run), 1)

    page.clock.fast_forward(130_000)
    expect(banner).to_contain_text("Running")
    expect(banner).not_to_contain_text("waiting to start")
    expect(moment).to_have_text("(2 min ago)")
    page.clock.fast_forward(2 * 3_600_000)
    expect(moment).to_have_text("(2 h 2 min ago)")
    assert trouble == []


def test_a_delete_page_that_waits_goes_on_to_delete(
    visitor: Visitor, notes: list[Note], run: Run, trouble: list[str]
) -> None:
    """When the run has ended, the way to Django's own page is there."""
    page = visitor.page
    visitor.open(f"{NOTES}{notes[0].pk}/delete/")
    expect(page.get_by_role("heading", name="This note cannot be deleted yet")).to_be_visible()

    control.cancel(run.pk)

    expect(page.get_by_role("status")).to_contain_text(f"Archive (run {run.pk}) was cancelled.")
    visitor.follow("Go on to delete")
    expect(page.get_by_role("button", name="Yes, I’m sure")).to_be_visible()
    assert trouble == []


def test_the_column_follows_its_runs_and_no_row_moves(
    visitor: Visitor, ana: User, notes: list[Note], run: Run, trouble: list[str]
) -> None:
    """A cell changes when its run does and empties when that has ended; what stands in an older row stays there."""
    start(CopyNotes, by=ana, objects=notes[1:], params={"copies": 1}, dry_run=True)
    page = visitor.page
    visitor.open(f"{NOTES}?o=1")
    rows = page.locator("#result_list tbody tr")
    titles = rows.locator(".field-title").all_text_contents()
    expect(rows.nth(0).locator(".console-pending")).to_contain_text("Locked Archive, 0 %")
    expect(rows.nth(1).locator(".console-pending")).to_contain_text("+1")

    perform(run)

    expect(rows.nth(0).locator(".console-pending")).to_have_count(0)
    expect(rows.nth(1).locator(".console-pending")).to_have_text("Copy, 0 %")
    expect(rows.nth(2).locator(".console-pending")).to_have_text("Copy, 0 %")
    assert rows.locator(".field-title").all_text_contents() == titles
    assert trouble == []
