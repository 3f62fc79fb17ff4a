"""Many rows written at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.db import connections, models

Line = Sequence[Any]


class Writer:
    """Writes lines of values as the database takes them, in the transaction that is open."""

    natives: ClassVar[Mapping[Any, type[Any]]] = {models.TextField: str, models.IntegerField: int}

    def __init__(self, using: str) -> None:
        self.using, self.connection = using, connections[using]
        self.quote = self.connection.ops.quote_name

    def keys(self, field: Any, count: int) -> list[int]:
        """Return keys that nobody else will use, in rising order."""
        raise NotImplementedError

    def insert(self, table: str, columns: Sequence[str], lines: Iterable[Line]) -> None:
        """Insert lines; the values are in the order of the columns."""
        raise NotImplementedError

    def update(self, table: str, key: str, columns: Sequence[str], lines: Iterable[Line]) -> None:
        """Update the rows of a table; the first value of a line is the row's key, the others are for the columns."""
        raise NotImplementedError

    def delete(self, table: str, key: Any, keys: Sequence[Any]) -> None:
        """Delete rows that nothing refers to, by key."""
        if keys:
            names = ", ".join(["%s"] * len(keys))
            with self.connection.cursor() as cursor:
                cursor.execute(
                    f"DELETE FROM {self.quote(table)} WHERE {self.quote(key.column)} IN ({names})",  # noqa: S608 - quoted names
                    [key.get_db_prep_value(one, self.connection) for one in keys],
                )

    def prepared(self, field: Any, values: list[Any]) -> list[Any]:
        """Return values as the database takes them in the column of `field`."""
        if not values:
            return values
        prepare, first = partial(field.get_db_prep_save, connection=self.connection), values[0]
        if all(value is first for value in values):
            return [prepare(first)] * len(values)
        native = self.natives.get(_stock(field))
        if native is not None and all(value is None or type(value) is native for value in values):
            return self.adapted(native, values)
        return list(map(prepare, values))

    def adapted(self, native: type[Any], values: list[Any]) -> list[Any]:
        """Return values of the type that the database's own driver takes."""
        return values

    def names(self, columns: Iterable[str]) -> str:
        """Return quoted names, with commas between them."""
        return ", ".join(map(self.quote, columns))


class PostgreSQLWriter(Writer):
    """COPY into the table itself for what is new, into a temporary one for what changes."""

    natives: ClassVar[Mapping[Any, type[Any]]] = {
        **Writer.natives,
        models.DateTimeField: datetime,
        models.DateField: date,
        models.UUIDField: UUID,
        models.BooleanField: bool,
    }

    def keys(self, field: Any, count: int) -> list[int]:
        """Take keys from the sequence."""
        options = field.model._meta
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)::regclass) FROM generate_series(1, %s)",
                [self.quote(options.db_table), field.column, count],
            )
            return sorted(key for (key,) in cursor.fetchall())

    def insert(self, table: str, columns: Sequence[str], lines: Iterable[Line]) -> None:
        """Stream the lines into the table."""
        self._copy(f"COPY {self.quote(table)} ({self.names(columns)}) FROM STDIN", lines)

    def update(self, table: str, key: str, columns: Sequence[str], lines: Iterable[Line]) -> None:
        """Stream the lines into a temporary table, and update from it."""
        staging = "console_rows_" + hashlib.sha256(repr((table, columns)).encode()).hexdigest()[:12]
        target, names = self.quote(table), self.names((key, *columns))
        changes = ", ".join(f"{self.quote(name)} = staged.{self.quote(name)}" for name in columns)
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TEMPORARY TABLE IF NOT EXISTS {staging} ON COMMIT DROP AS SELECT {names} FROM {target} "  # noqa: S608 - quoted names
                "WITH NO DATA"
            )
            self._copy(f"COPY {staging} ({names}) FROM STDIN", lines)
            cursor.execute(
                f"UPDATE {target} SET {changes} FROM {staging} AS staged "  # noqa: S608 - quoted names
                f"WHERE {target}.{self.quote(key)} = staged.{self.quote(key)}"
            )
            cursor.execute(f"TRUNCATE {staging}")

    def _copy(self, statement: str, lines: Iterable[Line]) -> None:
        # No other statement may run on this connection inside of it: psycopg would wait for itself for ever.
        with self.connection.cursor() as cursor, self.connection.wrap_database_errors, cursor.copy(statement) as copy:
            for line in lines:
                copy.write_row(line)


class SQLiteWriter(Writer):
    """One prepared statement, carried out for each line without leaving C."""

    natives: ClassVar[Mapping[Any, type[Any]]] = {**Writer.natives, models.DateTimeField: datetime}

    def adapted(self, native: type[Any], values: list[Any]) -> list[Any]:
        """Write moments as Django does: as texts, in the connection's time zone."""
        zone = self.connection.timezone
        if native is not datetime or zone is None:
            return values
        naive = (value and value.astimezone(zone).replace(tzinfo=None) for value in values)
        return [value and str(value) for value in naive]

    def keys(self, field: Any, count: int) -> list[int]:
        """Count on: this transaction is the only one that writes."""
        table, column = field.model._meta.db_table, self.quote(field.column)
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"SELECT max((SELECT coalesce(max({column}), 0) FROM {self.quote(table)}), "  # noqa: S608 - quoted names
                "coalesce((SELECT seq FROM sqlite_sequence WHERE name = %s), 0))",
                [table],
            )
            last = int(cursor.fetchone()[0])
        return list(range(last + 1, last + 1 + count))

    def insert(self, table: str, columns: Sequence[str], lines: Iterable[Line]) -> None:
        """Insert line by line."""
        places = ", ".join(["%s"] * len(columns))
        self._each(f"INSERT INTO {self.quote(table)} ({self.names(columns)}) VALUES ({places})", lines)  # noqa: S608

    def update(self, table: str, key: str, columns: Sequence[str], lines: Iterable[Line]) -> None:
        """Update line by line."""
        changes = ", ".join(f"{self.quote(name)} = %s" for name in columns)
        statement = f"UPDATE {self.quote(table)} SET {changes} WHERE {self.quote(key)} = %s"  # noqa: S608 - quoted names
        self._each(statement, ((*values, first) for first, *values in lines))

    def _each(self, statement: str, lines: Iterable[Line]) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(statement, list(lines))


def _stock(field: Any) -> Any:
    """Return which kind of Django's own fields prepares the values of `field`, if it is one that leaves them as they are."""
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    kind = type(field)
    if kind in {models.DateTimeField, models.DateField, models.UUIDField, models.BooleanField}:
        return kind
    if kind.get_db_prep_value is models.Field.get_db_prep_value:
        texts = {models.CharField.get_prep_value, models.TextField.get_prep_value}
        return models.TextField if kind.get_prep_value in texts else None
    whole = isinstance(field, models.IntegerField) and kind.__module__.startswith("django.db.models.")
    return models.IntegerField if whole else None


KINDS: dict[str, type[Writer]] = {"postgresql": PostgreSQLWriter, "sqlite": SQLiteWriter}


def writer_for(using: str) -> Writer:
    """Return what writes to a database."""
    return KINDS[connections[using].vendor](using)
