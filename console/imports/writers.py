"""Many rows written at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections, models

Line = Sequence[Any]


class Writer:
    """Writes lines of values as the database takes them, in the transaction that is open."""

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
        if _is_text(field) and all(type(value) is str for value in values):
            return values
        prepare, connection = field.get_db_prep_save, self.connection
        return [prepare(value, connection=connection) for value in values]

    def names(self, columns: Iterable[str]) -> str:
        """Return quoted names, with commas between them."""
        return ", ".join(map(self.quote, columns))


class PostgreSQLWriter(Writer):
    """COPY into the table itself for what is new, into a temporary one for what changes."""

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


def _is_text(field: Any) -> bool:
    """Tell whether the database takes a text as it is."""
    kind = type(field)
    stock = kind.get_prep_value in {models.CharField.get_prep_value, models.TextField.get_prep_value}
    return stock and kind.get_db_prep_value is models.Field.get_db_prep_value


KINDS: dict[str, type[Writer]] = {"postgresql": PostgreSQLWriter, "sqlite": SQLiteWriter}


def writer_for(using: str) -> Writer:
    """Return what writes to a database."""
    return KINDS[connections[using].vendor](using)
