"""The list of schedules in a real browser: it shows what becomes of their times, and never reloads by itself."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from console.models import Run
from console.schedules.firing import fire_due
from tests.browser.places import SCHEDULES
from tests.browser.staff import Visitor
from tests.schedules.kit import NIGHTLY, scheduled

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_list_follows_its_schedules_and_keeps_what_is_chosen(
    visitor: Visitor, ana: User, trouble: list[str]
) -> None:
    """Cells change where nobody is, ticked boxes stay; what is new in the list waits behind a line."""
    page = visitor.page
    User.objects.filter(pk=ana.pk).update(is_superuser=True)
    page.clock.install()
    first = scheduled("notes.statistics", NIGHTLY, owner=ana)
    scheduled("notes.statistics", NIGHTLY, owner=ana)
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

    scheduled("notes.statistics", NIGHTLY, owner=ana)
    page.clock.fast_forward(15_000)
    expect(news).to_contain_text("This page has news. Show it")
    expect(page.locator("[data-schedule-row]")).to_have_count(2)
    assert trouble == []
