"""Which errors say nothing about a row: the chunk is to be tried again."""

from __future__ import annotations

from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError

from console.exceptions import Retry

PASSING = (OperationalError, InterfaceError, SoftTimeLimitExceeded, Retry)


def raise_passing(error: BaseException | None) -> None:
    """Raise what django-import-export has swallowed though it is not the row's fault.

    Args:
        error: What a row met, if anything.

    Raises:
        BaseException: `error`, if trouble with the database, a time limit or the operation's own wish let a later try help.
    """
    if isinstance(error, PASSING):
        raise error
