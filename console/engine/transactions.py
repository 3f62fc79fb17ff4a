"""Short transactions that survive a deadlock, and what is known of database errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, OperationalError, connection, transaction

from console.retry import RetryPolicy

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

AGAIN = RetryPolicy(tries=3, base=0.1, cap=1)  # back at once, the victim may meet the same survivor again
DEADLOCK, SERIALIZATION, LOCK_TIMEOUT = "40P01", "40001", "55P03"
IDLE_TOO_LONG = "25P03"  # what a frozen worker meets when it wakes up: Django calls it an InternalError


def sqlstate(error: BaseException) -> str:
    """Return PostgreSQL's code of a database error, or an empty string."""
    return str(getattr(error.__cause__, "sqlstate", "") or "")


def short_transaction(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` in a transaction; the victim of a deadlock is tried again, up to three times (PROTOCOL H6).

    Before that it rests, with nothing open, for a short random time that grows: whoever survived is done by then. Inside
    somebody else's transaction it runs once: what was rolled back there is not ours to repeat.
    """

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        tries = 1 if connection.in_atomic_block else AGAIN.tries
        for done in range(1, tries + 1):
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except OperationalError as error:
                if done == tries or sqlstate(error) not in {DEADLOCK, SERIALIZATION}:
                    raise
                logger.info("%s: deadlock or serialization failure, trying again", function.__qualname__)
            time.sleep(AGAIN.delay(done))
        raise AssertionError("unreachable")

    return wrapper


def bound_waiting(seconds: float) -> None:
    """Bound how long this transaction waits for a lock, and how long it may stand idle, in seconds (PROTOCOL H7).

    A frozen worker thus loses its row locks before its lease ends. SQLite has one writer and needs neither.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true), set_config('idle_in_transaction_session_timeout', %s, true)",
            [f"{int(seconds * 1000)}ms"] * 2,
        )


def check_deferred_constraints() -> None:
    """Raise now what COMMIT would raise (PROTOCOL H5). SQLite's own check scans every table: there COMMIT tells."""
    if connection.vendor == "postgresql":
        connection.check_constraints()


def drop_broken_connection() -> None:
    """Let the next statement open a new connection if this one is broken, unless a caller's transaction is open."""
    if connection.in_atomic_block:
        return
    try:
        connection.close_if_unusable_or_obsolete()
    except DatabaseError:
        connection.close()
