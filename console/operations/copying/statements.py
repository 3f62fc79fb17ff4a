"""Copying inside the database: one INSERT … SELECT for each table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field

from console.operations.copying.columns import Column, Kind, given
from console.operations.copying.pieces import Piece
from console.operations.copying.plans import Plan, Table
from console.operations.copying.values import SUFFIX, time_of

UUID_POSTGRESQL = "gen_random_uuid()"
UUID_SQLITE = (
    "lower(hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2) || substr('89AB', 1 + abs(random() %% 4), 1) "
    "|| substr(hex(randomblob(2)), 2) || hex(randomblob(6)))"
)


def insert(plan: Plan, table: Table, using: str, pieces: Sequence[Piece], now: datetime) -> int:
    """Copy the rows of `table` that belong to the pieces' originals, and return how many rows were written.

    Args:
        plan: How the model is copied.
        table: The table to write, the copies' own or one of a relation.
        using: The database's alias.
        pieces: The copies.
        now: The time of copying.
    """
    connection = connections[using]
    dialect = (PostgreSQL if connection.vendor == "postgresql" else SQLite)(connection, plan, table)
    sql, params = dialect.statement(pieces, now)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


class Dialect:
    """The statement, as far as databases agree on it. `r` is the original's row, `source` its object's key."""

    source = number = key = uuid = ""

    def __init__(self, connection: BaseDatabaseWrapper, plan: Plan, table: Table) -> None:
        self.connection, self.plan, self.table = connection, plan, table
        self.quote = connection.ops.quote_name
        self.key_field: Any = plan.root.link

    def statement(self, pieces: Sequence[Piece], now: datetime) -> tuple[str, list[Any]]:
        """Return the statement and its parameters."""
        raise NotImplementedError

    def numbered(self, column: str, length: int | None) -> str:
        """Return the SQL of `values.numbered`."""
        raise NotImplementedError

    def constant(self, field: Field[Any, Any]) -> str:
        """Return the SQL of a parameter that goes into `field`."""
        return "%s"

    def insertion(self, now: datetime) -> tuple[str, str, list[Any]]:
        """Return the head ``INSERT INTO … (…)``, the selected expressions, and their parameters."""
        names, expressions, params = [], [], []
        for column in self.table.columns:
            if column.kind is not Kind.LEFT_OUT:
                expression, values = self.expression(column, now)
                names.append(self.quote(column.field.column))
                expressions.append(expression)
                params += values
        head = f"INSERT INTO {self.quote(self.table.model._meta.db_table)} ({', '.join(names)})"
        return head, ", ".join(expressions), params

    def expression(self, column: Column, now: datetime) -> tuple[str, list[Any]]:
        """Return the SQL of one column of a copied row, and its parameters."""
        field, name = column.field, f"r.{self.quote(column.field.column)}"
        match column.kind:
            case Kind.KEY:
                return self.linked(self.key), []
            case Kind.NUMBERED:
                return self.numbered(name, field.max_length), []
            case Kind.UUID:
                return self.uuid, []
            case Kind.GIVEN | Kind.NOW:
                value = given(field) if column.kind is Kind.GIVEN else time_of(field, now)
                return self.constant(field), [field.get_db_prep_save(value, self.connection)]
            case _:
                return name, []

    def linked(self, key: str) -> str:
        """Return `key` as `link` holds it: the object id of a generic relation may be text."""
        if self.table.model_field is None:
            return key
        return f"CAST({key} AS {self.table.link.cast_db_type(self.connection)})"

    def originals(self) -> tuple[str, list[Any]]:
        """Return the condition under which `r` belongs to the original, and its parameters."""
        condition = f"r.{self.quote(self.table.link.column)} = {self.linked(self.source)}"
        if self.table.model_field is None:
            return condition, []
        kind = ContentType.objects.get_for_model(self.plan.model)
        return f"{condition} AND r.{self.quote(str(self.table.model_field.column))} = %s", [kind.pk]

    def prepared(self, key: Any) -> Any:
        """Return a key as the database takes it."""
        return self.key_field.get_db_prep_value(key, self.connection)


class PostgreSQL(Dialect):
    """Arrays of pieces, each multiplied by a series."""

    source, uuid = "piece.source", UUID_POSTGRESQL
    number = "(piece.number + step)"

    @property
    def key(self) -> str:  # type: ignore[override]
        """The copy's key: counted, or the piece's own."""
        return "(piece.key + step)" if self.plan.counts_keys else "piece.key"

    def statement(self, pieces: Sequence[Piece], now: datetime) -> tuple[str, list[Any]]:
        """Return the statement and its parameters."""
        head, expressions, params = self.insertion(now)
        condition, condition_params = self.originals()
        key_type = self.key_field.rel_db_type(self.connection)
        sql = (
            f"{head} SELECT {expressions} FROM "  # noqa: S608 - names are quoted, values are parameters
            f"unnest(%s::{key_type}[], %s::bigint[], %s::bigint[], %s::{key_type}[]) "
            f"AS piece(source, number, count, key) "
            f"JOIN {self.quote(self.table.model._meta.db_table)} AS r ON {condition} "
            "CROSS JOIN LATERAL generate_series(0, piece.count - 1) AS step"
        )
        arrays = [
            [self.prepared(piece.source) for piece in pieces],
            [piece.number for piece in pieces],
            [piece.count for piece in pieces],
            [self.prepared(piece.key) for piece in pieces],
        ]
        return sql, [*params, *arrays, *condition_params]

    def numbered(self, column: str, length: int | None) -> str:
        """Return the SQL of `values.numbered`."""
        suffix = f"('{SUFFIX}' || {self.number})"
        if length is None:
            return f"{column} || {suffix}"
        return f"right(left({column}, greatest(0, {length} - length{suffix})) || {suffix}, {length})"

    def constant(self, field: Field[Any, Any]) -> str:
        """Return the SQL of a parameter that goes into `field`."""
        return f"CAST(%s AS {field.cast_db_type(self.connection)})"


class SQLite(Dialect):
    """Pieces as JSON, each multiplied by a recursion. CROSS JOIN keeps the order of the loops."""

    source, number, key, uuid = "copied.source", "copied.number", "copied.key", UUID_SQLITE

    def statement(self, pieces: Sequence[Piece], now: datetime) -> tuple[str, list[Any]]:
        """Return the statement and its parameters."""
        head, expressions, params = self.insertion(now)
        condition, condition_params = self.originals()
        sql = (
            "WITH RECURSIVE copied(source, number, left, key) AS ("  # noqa: S608 - names are quoted, values are parameters
            "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), "
            "json_extract(value, '$[3]') FROM json_each(%s) "
            "UNION ALL SELECT source, number + 1, left - 1, key + 1 FROM copied WHERE left > 1) "
            f"{head} SELECT {expressions} FROM copied "
            f"CROSS JOIN {self.quote(self.table.model._meta.db_table)} AS r ON {condition}"
        )
        rows = [(self.prepared(p.source), p.number, p.count, self.prepared(p.key)) for p in pieces]
        return sql, [json.dumps(rows, default=str), *params, *condition_params]

    def numbered(self, column: str, length: int | None) -> str:
        """Return the SQL of `values.numbered`."""
        suffix = f"('{SUFFIX}' || {self.number})"
        if length is None:
            return f"{column} || {suffix}"
        return f"substr(substr({column}, 1, max(0, {length} - length{suffix})) || {suffix}, -{length})"
