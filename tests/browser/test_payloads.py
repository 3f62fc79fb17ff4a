"""Markup in every field that people fill in is shown as text: nothing runs, even without the policy that would stop it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from console.engine import control
from console.models import Run
from console.testing import perform
from tests.admin.payloads import Poisoned, poisoned
from tests.admin.running import page_of
from tests.browser.staff import RUNS, Visitor, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def things() -> Iterator[Poisoned]:
    """Everything with payloads in it."""
    with poisoned() as made:
        yield made


@pytest.fixture
def unguarded(browser: Browser, live_server: LiveServer, things: Poisoned) -> Iterator[Visitor]:
    """Somebody whose name is a payload too, at a browser that ignores the policy."""
    context = browser.new_context(bypass_csp=True)
    sign_in(context, things.user, live_server.url)
    yield Visitor(context.new_page(), live_server.url)
    context.close()


def expect_nothing_ran(page: Page) -> None:
    """See that no payload became markup."""
    assert page.evaluate("window.hacked") is None, page.url
    assert page.locator("img[src=x]").count() == 0, page.url


def test_nothing_runs_of_what_people_typed(unguarded: Visitor, things: Poisoned) -> None:
    """Titles, names, labels, tags, reasons, values, errors, searches: on every page that shows them."""
    for address in things.addresses():
        unguarded.open(quote(address, safe="/?&=,"))
        expect_nothing_ran(unguarded.page)
    unguarded.choose("cancel_runs", [things.holder, things.waiting], RUNS)
    expect_nothing_ran(unguarded.page)


def test_nothing_runs_of_what_comes_by_script(unguarded: Visitor, things: Poisoned) -> None:
    """The words of a run that ends while somebody watches are put in place as they are."""
    run = control.retry(things.failed.pk, only=Run.Only.FAILED).run
    unguarded.open(page_of(run))
    perform(run)
    expect(unguarded.page.locator("#failures .console-group").first).to_be_visible()
    expect_nothing_ran(unguarded.page)
