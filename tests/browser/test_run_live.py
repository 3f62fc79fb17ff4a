"""The run's page in a real browser: live, quiet, and whole without JavaScript."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from django.utils import timezone
from playwright.sync_api import Page, expect

from console.engine import control
from console.engine.acceptance import start
from console.models import Run
from console.reports.shapes import SHAPES
from console.states import State
from console.testing import perform
from notes.operations import DeleteNotes
from tests.admin.running import copying, fall_silent, make_notes, page_of
from tests.browser.staff import RUNS, Visitor
from tests.engine.kit import chunk, must_win

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def run(ana: User) -> Run:
    """Return a queued run that Ana asked for."""
    return copying(ana)


def test_follows_its_run_to_the_end(page: Page, visitor: Visitor, run: Run, trouble: list[str]) -> None:
    """State, sentence, numbers, verbs and title change by themselves; then the page asks no more."""
    visitor.open(page_of(run))
    expect(page.locator(".console-facts .console-chip")).to_have_text("Queued")

    perform(run)

    expect(page.locator(".console-facts .console-chip")).to_have_text("Succeeded")
    expect(page.locator("[data-field=sentence]")).to_contain_text("All 6 done")
    expect(page.locator(".console-verbs")).to_contain_text("Run again…")
    expect(page.locator("[role=status]")).to_contain_text("All 6 done")
    expect(page).to_have_title(f"Run {run.pk}: Copy, succeeded | Notes")
    expect(page.locator("[data-console-run]")).to_have_attribute("data-poll", "0")
    expect(page.locator("[data-count=active]")).to_be_hidden()
    assert trouble == []


def test_takes_back_rate_and_end_while_its_worker_gives_no_sign(
    page: Page, visitor: Visitor, run: Run, trouble: list[str]
) -> None:
    """They go, with a word why, and come back with the next checkpoint."""
    chunk(must_win(run), 1)
    Run.objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(minutes=1))
    visitor.open(page_of(run))
    rate, left, told = (page.locator(f"[data-field={name}]") for name in ("rate", "eta", "sentence"))
    fall_silent(run, 0)
    expect(rate).to_be_visible()
    expect(left).to_be_visible()

    fall_silent(run, 8)

    expect(told).to_contain_text("s. If it has died, another can take over in ")
    expect(rate).to_be_hidden()
    expect(left).to_be_hidden()
    fall_silent(run, 0)
    expect(rate).to_be_visible()
    expect(told).to_contain_text("a second.")
    assert trouble == []


def test_never_puts_the_focus_on_what_destroys(page: Page, visitor: Visitor, ana: User, trouble: list[str]) -> None:
    """A dialog that asks nothing begins at the way out; Enter, pressed too soon, deletes nothing."""
    preview = perform(start(DeleteNotes, by=ana, objects=make_notes(2), dry_run=True))
    visitor.open(page_of(preview))
    page.get_by_role("link", name="Do it now: delete for good: 2 notes…").click()
    expect(page.get_by_role("dialog").get_by_role("link", name="Change nothing")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert not Run.objects.filter(preview_of=preview).exists()
    assert trouble == []


def test_keeps_its_buttons_while_the_run_goes_on(page: Page, visitor: Visitor, run: Run, trouble: list[str]) -> None:
    """What became of the objects is drawn anew now and then; a button that somebody is about to press stays the same one."""
    lease = must_win(run)
    visitor.open(page_of(run))
    pause = page.get_by_role("link", name="Pause…").element_handle()
    assert pause is not None
    expect(page.locator("#objects")).not_to_contain_text("begun")

    chunk(lease, 3)

    expect(page.locator("#objects")).to_contain_text("begun, 1 done so far")
    pause.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("link", name="Keep it running").click()
    page.get_by_role("link", name="Cancel…").click()
    expect(page.get_by_role("dialog")).to_contain_text("What is done stays: 3 of 6 so far.")
    assert trouble == []


def test_asks_in_a_dialog_that_gives_the_focus_back(page: Page, visitor: Visitor, run: Run, trouble: list[str]) -> None:
    """A verb's dialog begins at the reason, Escape changes nothing, its button acts."""
    visitor.open(page_of(run))
    cancel = page.get_by_role("link", name="Cancel…")
    cancel.click()
    reason = page.get_by_role("dialog").get_by_label("Reason (optional, kept in the history)")
    expect(reason).to_be_focused()

    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(cancel).to_be_focused()

    cancel.click()
    reason.fill("wrong tag")
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.locator(".console-facts .console-chip")).to_have_text("Cancelled")
    expect(page.locator("[data-field=sentence]")).to_contain_text("“wrong tag”")
    assert trouble == []


def test_never_takes_a_dialog_away(page: Page, visitor: Visitor, run: Run) -> None:
    """While somebody writes a reason the page only says that it has news."""
    visitor.open(page_of(run))
    page.get_by_role("link", name="Cancel…").click()
    page.get_by_role("dialog").get_by_label("Reason (optional, kept in the history)").fill("wrong")

    control.pause(run.pk)

    expect(page.locator("[data-news-line]")).to_contain_text("This page has news. Show it")
    expect(page.locator("dialog[open] textarea")).to_have_value("wrong")
    expect(page.locator(".console-facts .console-chip")).to_have_text("Paused")


def test_says_when_it_is_not_live(page: Page, visitor: Visitor, run: Run) -> None:
    """A lost connection is told, and tried again; a lost session is told, and the run is not affected."""
    visitor.open(page_of(run))
    line = page.locator("[data-offline-line]")

    page.route("**/progress/", lambda route: route.abort())
    expect(line).to_contain_text("Not live: cannot reach the server since")
    page.unroute("**/progress/")
    expect(line).to_be_hidden()

    page.context.clear_cookies()
    expect(line).to_contain_text("You have been signed out.")


def test_works_without_a_script(unscripted: Visitor, run: Run) -> None:
    """Every act is a link to a page with a form."""
    unscripted.open(page_of(run))
    page = unscripted.page
    expect(page.get_by_text("Updated at")).to_be_visible()
    page.get_by_role("link", name="Cancel…").click()
    page.get_by_label("Reason (optional, kept in the history)").fill("wrong tag")
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.locator(".console-facts .console-chip")).to_have_text("Cancelled")
    assert Run.objects.get(pk=run.pk).state == State.CANCELLED


def test_moves_the_rows_of_the_list(page: Page, visitor: Visitor, run: Run, trouble: list[str]) -> None:
    """A row follows its run; rows stay where they are."""
    visitor.open(RUNS)
    expect(page.locator("#result_list .console-chip")).to_have_text("Queued")
    expect(page.locator("[data-console-indicator]")).to_contain_text("1 running")

    perform(run)

    expect(page.locator("#result_list .console-chip")).to_have_text("Succeeded")
    expect(page.locator("#result_list .console-tally")).to_have_text("6 of 6")
    assert trouble == []


def test_does_not_move_where_that_is_unwelcome(visitor: Visitor, ana: User) -> None:
    """A bar without a value would run to and fro: it is left out, its words stay."""
    with override_settings(CONSOLE={"PREPARE_ABOVE": 1}):
        run = copying(ana)
    bar = visitor.page.locator("[data-field=bar]")
    visitor.open(page_of(run))
    expect(bar).to_be_visible()
    visitor.page.emulate_media(reduced_motion="reduce")
    expect(bar).to_be_hidden()
    expect(visitor.page.locator("[data-field=sentence]")).to_be_visible()


def test_is_worked_by_keyboard_alone(visitor: Visitor, run: Run) -> None:
    """Tab reaches what can be pressed, and whoever is there sees where: ask, give a reason, act."""
    visitor.open(page_of(run))
    visitor.tab_to("Cancel…")
    visitor.page.keyboard.press("Enter")
    visitor.page.keyboard.type("wrong tag")
    visitor.tab_to("Cancel the run")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.locator(".console-facts .console-chip")).to_have_text("Cancelled")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_can_be_read_in_both_themes(visitor: Visitor, run: Run, scheme: str) -> None:
    """The text of every chip stands out from its ground by 4.5 to 1 or more."""
    visitor.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    visitor.open(page_of(run))
    ratios = visitor.page.evaluate(CONTRAST, list(SHAPES))
    assert {shape: ratio for shape, ratio in ratios.items() if ratio < 4.5} == {}


CONTRAST = """shapes => {
  const chip = document.querySelector(".console-facts .console-chip");
  const light = (color) => {
    const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
      .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const ground = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return /, 0\\)$/.test(color) ? ground(element.parentElement) : color;
  };
  return Object.fromEntries(shapes.map((shape) => {
    chip.dataset.state = shape;
    const pair = [light(getComputedStyle(chip).color), light(ground(chip))].sort((a, b) => b - a);
    return [shape, (pair[0] + 0.05) / (pair[1] + 0.05)];
  }));
}"""


def test_tells_once_and_anywhere_that_a_run_has_ended(
    page: Page, visitor: Visitor, run: Run, trouble: list[str]
) -> None:
    """On another page of the admin a line says so, and leads to the run; the next page does not say it again."""
    visitor.open(f"{RUNS}start/")
    expect(page.locator("[data-console-indicator]")).to_have_accessible_name("Console: 1 run running, 0 need attention")
    perform(run)
    page.evaluate("document.dispatchEvent(new CustomEvent('console:changed'))")

    line = page.locator("[aria-live] .messagelist li")
    expect(line).to_have_text(f"Copy (run {run.pk}) succeeded: 6 items done. See the run")
    expect(page.locator("[data-console-indicator]")).to_have_accessible_name(
        "Console: nothing runs, nothing needs attention"
    )
    line.get_by_role("link", name="See the run").click()
    expect(page.locator(".console-facts .console-chip")).to_have_text("Succeeded")
    visitor.open(f"{RUNS}start/")
    with page.expect_response("**/summary/*"):
        page.evaluate("document.dispatchEvent(new CustomEvent('console:changed'))")
    expect(page.locator("[aria-live] .messagelist li")).to_have_count(0)
    assert trouble == []


def test_says_how_many_runs_are_new_and_moves_no_row(
    page: Page, visitor: Visitor, run: Run, trouble: list[str]
) -> None:
    """New runs wait behind a line until somebody wants to see them."""
    visitor.open(RUNS)
    rows = page.locator("#result_list tbody tr")
    expect(rows).to_have_count(1)
    copying(run.asked_by)
    news = page.locator("[data-list-news]")
    expect(news).to_have_text("1 new run. Show them")
    expect(rows).to_have_count(1)
    news.get_by_role("link", name="Show them").click()
    expect(rows).to_have_count(2)
    assert trouble == []
