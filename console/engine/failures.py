"""The only writer of failures: each is written beside the count of those with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from django.db import connection

from console.models import Failure, FailureGroup

BATCH = 1000  # groups to a statement: databases limit the values of one


def report(failures: Sequence[Failure]) -> None:
    """Write the failures of one run that one partition, or acceptance, met in this transaction, and count their groups.

    Args:
        failures: Unsaved ones, all of one writer; none is allowed.
    """
    if not failures:
        return
    Failure.objects.bulk_create(failures)
    rows = iter(_counted(failures))
    while batch := list(islice(rows, BATCH)):
        _add(batch)


def _counted(failures: Iterable[Failure]) -> list[list[Any]]:
    """Return a row for each group, in one order for all who write."""
    found: dict[tuple[str, str], list[Any]] = {}
    for failure in failures:
        row = found.setdefault(
            (failure.kind, failure.group),
            [failure.run_id, failure.partition_id or 0, str(failure.kind), failure.group, 0, 0, failure.pk],
        )
        row[4] += failure.items
        row[5] += 1
    return [row for _key, row in sorted(found.items())]


def _add(rows: Sequence[Sequence[Any]]) -> None:
    """Insert these counts, or add them to those that are there, by a statement that both databases know."""
    quote = connection.ops.quote_name
    table = quote(FailureGroup._meta.db_table)
    names = ("run_id", "writer", "kind", "group", "items", "count", "first")
    places = ", ".join(["(" + ", ".join(["%s"] * len(names)) + ")"] * len(rows))
    more = ", ".join(f"{quote(name)} = {table}.{quote(name)} + excluded.{quote(name)}" for name in ("items", "count"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(map(quote, names))}) VALUES {places} "  # noqa: S608 - names of ours
            f"ON CONFLICT ({', '.join(map(quote, ('run_id', 'kind', 'group', 'writer')))}) DO UPDATE SET {more}",
            [value for row in rows for value in row],
        )
