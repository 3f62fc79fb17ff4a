"""Checks of the database that holds the console's tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own name
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from console.models import Run

READ_COMMITTED = 1  # psycopg's and psycopg2's number of the level
BUSY_TIMEOUT = 5


@register("console")
def check_database(**_: Any) -> list[CheckMessage]:
    """Check the settings of the console's database; nothing is connected to."""
    connection = connections[router.db_for_write(Run)]
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return [*check_sqlite_itself(connection), *check_sqlite(settings)]
    if connection.vendor == "postgresql":
        return list(check_postgresql(settings))
    return [
        Error(
            f"The console's tables are in a {connection.display_name} database: its locks are not known to keep the "
            "console's promises.",
            hint="Use PostgreSQL or SQLite.",
            id="console.E007",
        )
    ]


def check_sqlite_itself(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    """Yield what the SQLite library lacks."""
    if not connection.features.can_return_columns_from_insert:
        yield Error(
            "SQLite is older than 3.35: it cannot return what it inserts, and no run can be accepted.",
            hint="Use a Python built with a newer SQLite, or PostgreSQL.",
            id="console.E020",
        )


def check_sqlite(settings: Mapping[str, Any]) -> Iterator[CheckMessage]:
    """Yield what is wrong with the settings of an SQLite database."""
    options = settings.get("OPTIONS", {})
    if str(options.get("transaction_mode") or "").upper() not in {"IMMEDIATE", "EXCLUSIVE"}:
        yield Error(
            "SQLite's transactions are deferred: two workers may claim the same work, and one write in five fails with "
            "“database is locked”.",
            hint="Set DATABASES[…]['OPTIONS']['transaction_mode'] = 'IMMEDIATE'.",
            id="console.E002",
        )
    if settings.get("ATOMIC_REQUESTS"):
        yield Error(
            "ATOMIC_REQUESTS is on with SQLite: every page that is looked at takes the one write lock.",
            hint="Set DATABASES[…]['ATOMIC_REQUESTS'] = False.",
            id="console.E003",
        )
    if "journal_mode=wal" not in "".join(str(options.get("init_command") or "").lower().split()):
        yield Warning(
            "SQLite does not write ahead: readers wait for every checkpoint of a run.",
            hint="Set DATABASES[…]['OPTIONS']['init_command'] = 'PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
            "PRAGMA foreign_keys=ON;'.",
            id="console.W012",
        )
    if float(options.get("timeout") or 0) < BUSY_TIMEOUT:
        yield Warning(
            f"SQLite waits less than {BUSY_TIMEOUT} s for its write lock: pages fail while a run works.",
            hint="Set DATABASES[…]['OPTIONS']['timeout'] = 20.",
            id="console.W013",
        )


def check_postgresql(settings: Mapping[str, Any]) -> Iterator[CheckMessage]:
    """Yield what is wrong with the settings of a PostgreSQL database."""
    level = settings.get("OPTIONS", {}).get("isolation_level")
    if level is not None and int(level) != READ_COMMITTED:
        yield Error(
            f"PostgreSQL's isolation level is {getattr(level, 'name', level)}: the guard would miss a hold that was "
            "just taken, and objects with pending work could be changed.",
            hint="Remove DATABASES[…]['OPTIONS']['isolation_level'], so that transactions are READ COMMITTED.",
            id="console.E004",
        )
