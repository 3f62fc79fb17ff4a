"""What the browser tests share: pages in which a member of staff is signed in, and what the browser complains of."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.admin.running import OPERATOR, staff
from tests.browser.staff import Visitor, sign_in
from tests.processes import broker, processes, warden

__all__ = ["broker", "processes", "warden"]

# The browser's client keeps an event loop in the thread of the tests, also for those that follow; Django would take
# each of their queries for one of a coroutine.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# How pages look, and what is escaped in them, does not depend on the database: the long visits are made on one.
collect_ignore = ["test_every_page.py", "test_payloads.py"] if connection.vendor == "postgresql" else []

expect.set_options(timeout=15_000)  # how long a busy machine may take


@pytest.fixture(scope="session")
def base_url() -> None:
    """Take the place of the plugin's own fixture, whose way of being declared is deprecated: a warning is an error."""


@pytest.fixture
def ana(transactional_db: None) -> User:
    """Ana Lima, who may do everything with notes and runs."""
    return staff("operator", *OPERATOR, "notes.delete_note", first_name="Ana", last_name="Lima")


@pytest.fixture
def trouble(page: Page) -> list[str]:
    """Collect what the browser complains of: scripts that fail, files and styles that the policy forbids."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda line: found.append(line.text) if "favicon" not in str(line.location) else None)
    return found


@pytest.fixture
def visitor(page: Page, live_server: LiveServer, ana: User) -> Visitor:
    """Ana at her browser."""
    sign_in(page.context, ana, live_server.url)
    return Visitor(page, live_server.url)


@pytest.fixture
def unscripted(browser: Browser, live_server: LiveServer, ana: User) -> Iterator[Visitor]:
    """Ana at a browser without JavaScript."""
    context: BrowserContext = browser.new_context(java_script_enabled=False)
    sign_in(context, ana, live_server.url)
    yield Visitor(context.new_page(), live_server.url)
    context.close()
