"""The tables of the test database: emptied after a test that commits, filled again with rows that were there before.

Django's own way to empty them, `flush`, truncates every table and makes content types and permissions anew: on PostgreSQL
that takes longer than most tests. Here only tables with rows are emptied, and what Django filled after migrating stays as
long as it is what it was.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.test import TransactionTestCase

KEPT = ("contenttypes.ContentType", "auth.Permission")

Rows = dict[str, tuple[list[str], list[tuple[Any, ...]]]]

_flush = TransactionTestCase._fixture_teardown
_kept: list[Any] = []


def empty_sooner() -> None:
    """Take the place of Django's `flush` from now on; to be called on the new test database."""
    _kept[:] = filled_by_django()
    TransactionTestCase._fixture_teardown = _empty


def _empty(case: TransactionTestCase) -> None:
    if filled_by_django() != _kept:
        _flush(case)
        _kept[:] = filled_by_django()
        return
    with transaction.atomic(), connection.cursor() as cursor:  # foreign keys are looked at when it commits
        for table in with_rows():
            cursor.execute(f"DELETE FROM {_quoted(table)}")


def filled_by_django() -> list[Any]:
    """Return the rows of the tables that are kept."""
    return [row for model in KEPT for row in apps.get_model(model)._base_manager.order_by("pk").values_list()]


def with_rows() -> list[str]:
    """Return the other tables that have rows."""
    kept = {apps.get_model(model)._meta.db_table for model in KEPT}
    tables = sorted({*connection.introspection.django_table_names(include_views=False)} - kept)
    looks = [f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {_quoted(table)})" for table in tables]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(looks))
        return [table for (table,) in cursor.fetchall()]


def taken() -> Rows:
    """Return the rows of these other tables, for `put`."""
    with connection.cursor() as cursor:
        found: Rows = {}
        for table in with_rows():
            cursor.execute(f"SELECT * FROM {_quoted(table)}")
            found[table] = [name for name, *_ in cursor.description], cursor.fetchall()
        return found


def put(rows: Rows) -> None:
    """Put rows back into tables without them."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table, (columns, values) in rows.items():
            names = ", ".join(map(_quoted, columns))
            places = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {_quoted(table)} ({names}) VALUES ({places})", values)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
