"""What the tests of the reference domain share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from notes.newsletter import NewsletterServer


@pytest.fixture
def newsletter(settings: Any) -> Iterator[NewsletterServer]:
    """The newsletter service, listening on a free port of loopback; `publish` is pointed at it."""
    with NewsletterServer() as server:
        settings.NOTES_NEWSLETTER_URL = server.url
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
