"""What the browser tests need of pytest and Django."""

import os

import pytest

# The browser's client keeps an event loop in the thread of the tests, also for those that follow; Django would take
# each of their queries for one of a coroutine.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture(scope="session")
def base_url() -> None:
    """Take the place of the plugin's own fixture, whose way of being declared is deprecated: a warning is an error."""
