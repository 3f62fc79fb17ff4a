"""Which copies to make: the numbers they get, and the keys reserved for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from console.exceptions import InvalidOperation
from console.operations.copying.plans import Plan

UniqueValue = Callable[[Any, Any, int], Any]
# The numbers from `nextval` are taken one by one, since `setval` would race; they mostly follow one another.
TAKE_FROM_SEQUENCE = """
    SELECT min(key), count(*)
    FROM (SELECT key, key - row_number() OVER (ORDER BY key) AS island
          FROM (SELECT nextval(%s::regclass) AS key FROM generate_series(1, %s)) AS taken) AS islands
    GROUP BY island ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Want:
    """`count` copies wanted of `obj`, numbered from `number` on; without a number each gets its key for one."""

    obj: Any
    number: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Piece:
    """`count` copies of the object with the key `source`; numbers and keys rise by one from the first.

    Where keys are not counted by the database each piece is one copy.
    """

    source: Any
    number: int
    count: int
    key: Any

    def copies(self) -> Iterator[tuple[int, Any]]:
        """Yield the number and the key of each copy."""
        if self.count == 1:
            yield self.number, self.key
            return
        for step in range(self.count):
            yield self.number + step, self.key + step


def reserve(plan: Plan, using: str, wants: Sequence[Want], unique_value: UniqueValue) -> list[Piece]:
    """Return the wanted copies with keys that nobody else will use, in order.

    Args:
        plan: How the model is copied.
        using: The database's alias; a transaction is open (on SQLite one that may write).
        wants: The copies wanted.
        unique_value: Makes a key where keys are neither counted nor have a default.
    """
    if plan.counts_keys:
        return list(_cut(wants, _take(plan, using, sum(want.count for want in wants))))
    return [piece for want in wants for piece in _with_made_up_keys(plan, want, unique_value)]


def _cut(wants: Sequence[Want], ranges: list[tuple[int, int]]) -> Iterator[Piece]:
    start, left = ranges.pop(0)
    for want in wants:
        done = 0
        while done < want.count:
            if not left:
                start, left = ranges.pop(0)
            count = min(left, want.count - done)
            yield Piece(want.obj.pk, start if want.number is None else want.number + done, count, start)
            start, left, done = start + count, left - count, done + count


def _with_made_up_keys(plan: Plan, want: Want, unique_value: UniqueValue) -> Iterator[Piece]:
    field = plan.root.link
    if want.number is None:
        raise ValueError("Only keys that the database counts can serve as numbers.")
    for number in range(want.number, want.number + want.count):
        key = unique_value(field, want.obj.pk, number) if plan.derives_keys else field.get_default()
        yield Piece(want.obj.pk, number, 1, key)


def _take(plan: Plan, using: str, count: int) -> list[tuple[int, int]]:
    connection = connections[using]
    table, column = plan.root.model._meta.db_table, plan.root.link.column
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(TAKE_FROM_SEQUENCE, [_sequence(using, table, column), count])
            return [(start, length) for start, length in cursor.fetchall()]
    return [(_after_last(connection, table, column), count)]


@cache
def _sequence(using: str, table: str, column: str) -> str:
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [connection.ops.quote_name(table), column])
        (name,) = cursor.fetchone()
    if name is None:
        raise InvalidOperation(f"The database has no sequence for {table}.{column}, so its rows cannot be copied.")
    return str(name)


def _after_last(connection: BaseDatabaseWrapper, table: str, column: str) -> int:
    """Return the first free key of an AUTOINCREMENT table; SQLite keeps its count by itself when rows are inserted."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT max((SELECT coalesce(max({quote(column)}), 0) FROM {quote(table)}), "  # noqa: S608 - quoted names
            "coalesce((SELECT seq FROM sqlite_sequence WHERE name = %s), 0))",
            [table],
        )
        return int(cursor.fetchone()[0]) + 1
