"""The client of the newsletter service."""

from __future__ import annotations

import http.client
import json
from http import HTTPStatus
from typing import Any
from urllib import error, request

from django.conf import settings
from django.utils.translation import gettext

STAND_IN = "http://127.0.0.1:8025"  # where `python -m notes.newsletter` listens
LONGEST_ANSWER = 65_536
WORTH_RETRYING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


class NewsletterAwayError(Exception):
    """The service could not be reached, did not answer in time, or has trouble of its own: try again later."""


class NoteRefusedError(Exception):
    """The service does not want this note: trying again would not help."""


def publish(note: dict[str, Any], key: str, timeout: float) -> str:
    """Send one note to the service at `settings.NOTES_NEWSLETTER_URL`, or to the stand-in where none is set.

    Follows no redirect and uses no proxy, so that what was sent is what was asked for, where it was asked for.

    Args:
        note: what the service is told: slug, title, body, author, tags.
        key: the idempotency key; however often the same key is sent, the note is published once.
        timeout: seconds without a sign from the service before it counts as unavailable.

    Returns:
        The service's own id of the published note.

    Raises:
        NewsletterAwayError: network trouble, a time-out, a server error or an unreadable answer.
        NoteRefusedError: a client error or a redirect.
    """
    sent = request.Request(  # noqa: S310 - the opener knows http and https alone
        f"{(settings.NOTES_NEWSLETTER_URL or STAND_IN).rstrip('/')}/notes",
        data=json.dumps(note).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": key},
        method="POST",
    )
    try:
        with _opener().open(sent, timeout=timeout) as answer:
            return str(json.loads(answer.read(LONGEST_ANSWER))["id"])
    except error.HTTPError as refusal:
        with refusal:
            raise _meaning(refusal) from None
    except error.URLError as trouble:
        raise NewsletterAwayError(gettext("no connection (%s)") % trouble.reason) from trouble
    except (OSError, http.client.HTTPException) as trouble:
        raise NewsletterAwayError(gettext("no answer (%s)") % trouble) from trouble
    except (ValueError, KeyError, TypeError) as trouble:
        raise NewsletterAwayError(gettext("its answer could not be read")) from trouble


def _opener() -> request.OpenerDirector:
    """Return an opener of http and https alone: none of the default redirects, proxies, files."""
    opener = request.OpenerDirector()
    for handler in (
        request.HTTPHandler,
        request.HTTPSHandler,
        request.UnknownHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def _meaning(answer: error.HTTPError) -> NewsletterAwayError | NoteRefusedError:
    """Return what a status other than success means for this note."""
    text = f"{answer.code} {answer.reason}"
    if answer.code >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.code in WORTH_RETRYING:
        return NewsletterAwayError(text)
    return NoteRefusedError(text)
