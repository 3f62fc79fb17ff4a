"""What every test has: a clean cache, patient examples, and a browser if there is one."""

import os
import shutil
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.utils import translation
from pytest_django import DjangoDbBlocker

from console.engine import wakeups
from tests import emptying

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NO_BROWSER = "no Chromium on this machine (looked for " + ", ".join(BROWSERS) + ", or set CHROMIUM to its path)"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

hypothesis.settings.register_profile("patient", deadline=None, print_blob=True)
hypothesis.settings.register_profile("thorough", deadline=None, print_blob=True, max_examples=2000)
hypothesis.settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tour of every page leave pictures: ``pytest tests/browser/test_every_page.py --pictures FOLDER``."""
    parser.addoption("--pictures", metavar="FOLDER", help="a folder for pictures of every page in every state")


def chromium() -> str | None:
    """Return the path of a Chromium, if there is one."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Make the test database, and have it emptied sooner than Django would."""
    with django_db_blocker.unblock():
        emptying.empty_sooner()


@pytest.fixture(autouse=True)
def _forget() -> None:
    """Let no test see what another one cached, or that it found the broker away, or which language it spoke."""
    translation.activate(settings.LANGUAGE_CODE)
    cache.clear()
    wakeups.breaker.reset()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start the system's Chromium, as root too."""
    return {**browser_type_launch_args, "executable_path": chromium(), "args": FLAGS}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the slow ones, so that none ends alone; take browser tests out where there is no browser: in CI an error."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    drivers = [item for item in items if item.get_closest_marker("browser")]
    if not drivers or chromium():
        return
    if os.environ.get("CI"):
        pytest.exit(f"{len(drivers)} browser tests cannot run: {NO_BROWSER}.", returncode=1)
    items[:] = [item for item in items if item not in drivers]
    config.hook.pytest_deselected(items=drivers)
    config.stash[UNDRIVEN] = len(drivers)


UNDRIVEN = pytest.StashKey[int]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say loudly which tests did not run."""
    if left_out := config.stash.get(UNDRIVEN, 0):
        terminalreporter.section("NOT TESTED IN A BROWSER", sep="!", red=True, bold=True)
        terminalreporter.line(f"{left_out} browser tests did not run: {NO_BROWSER}.", red=True, bold=True)
