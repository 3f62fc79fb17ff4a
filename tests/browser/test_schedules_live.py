"""The list of schedules in a real browser: it shows what becomes of their times, and never reloads by itself."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from console.models import Run, Slot
from console.schedules.acts import disable
from console.schedules.firing import fire_due
from console.schedules.slots import record
from console.schedules.timing import Crontab
from console.testing import perform
from tests.browser.places import SCHEDULES
from tests.browser.staff import Visitor
from tests.schedules.kit import NIGHTLY, after, scheduled

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def planner(ana: User) -> User:
    """Ana, who may do anything."""
    ana.is_superuser = True
    ana.save()
    return ana


def test_the_list_follows_its_schedules_and_keeps_what_is_chosen(
    visitor: Visitor, planner: User, trouble: list[str]
) -> None:
    """Cells change where nobody is, ticked boxes stay; what is new in the list waits behind a line."""
    page = visitor.page
    page.clock.install()
    first = scheduled("notes.statistics", NIGHTLY, owner=planner)
    scheduled("notes.statistics", NIGHTLY, owner=planner)
    visitor.open(SCHEDULES)
    row = page.locator("tr", has=page.locator(f"[data-schedule-row='{first.task_id}']"))
    news = page.locator("[data-list-news]")
    row.get_by_role("checkbox").check()
    page.locator("#searchbar").focus()

    fire_due(first.next_slot)
    page.clock.fast_forward(15_000)

    expect(row).to_contain_text(f"run {Run.objects.get(slot__schedule=first).pk}")
    expect(row.get_by_role("checkbox")).to_be_checked()
    expect(news).to_be_hidden()

    scheduled("notes.statistics", NIGHTLY, owner=planner)
    page.clock.fast_forward(15_000)
    expect(news).to_contain_text("This page has news. Show it")
    expect(page.locator("[data-schedule-row]")).to_have_count(2)
    assert trouble == []


def test_every_column_is_in_view_on_a_usual_screen(visitor: Visitor, planner: User) -> None:
    """At 1440 px, beside the menu and the filters, the list need not be scrolled sideways."""
    page = visitor.page
    page.set_viewport_size({"width": 1440, "height": 900})
    busy = scheduled("notes.statistics", NIGHTLY, owner=planner)
    for minute in range(20):
        record(busy, after(minute), Slot.Outcome.SKIPPED, "Its run before was still running (run 1180).")
    fire_due(busy.next_slot)
    perform(Run.objects.get())
    zoned = scheduled("notes.statistics", Crontab("0", "6", "*", "*", "1", zone="America/Sao_Paulo"), owner=planner)
    disable(zoned.pk, by=planner, reason="database move")
    visitor.open(SCHEDULES)
    last, region = (
        page.locator("td.field-owner").first.bounding_box(),
        page.locator(".console-schedules").bounding_box(),
    )
    assert last
    assert region
    assert last["x"] + last["width"] <= region["x"] + region["width"]
