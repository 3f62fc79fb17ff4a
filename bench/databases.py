"""A database of the benchmark's own, which goes back to its first state before each case."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql


class SQLite:
    """A file, and a copy of it as it was."""

    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self.path, self.template = folder / "bench.sqlite3", folder / "template.sqlite3"
        self.url = f"sqlite:///{self.path}"
        self.main = str(self.path)

    def create(self) -> None:
        """Django makes the file by itself."""

    def freeze(self) -> None:
        """Keep the present state; nobody is connected."""
        shutil.copyfile(self.path, self.template)

    def restore(self) -> None:
        """Go back to the state that was kept; nobody is connected."""
        self.drop()
        shutil.copyfile(self.template, self.path)

    def put_aside(self, name: str) -> str:
        """Keep the present state under a name of its own, and return what to connect to; nobody is connected."""
        return str(self.path.rename(self.path.with_name(f"{name}.sqlite3")))

    def drop(self) -> None:
        """Remove it; what was put aside goes with the folder."""
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                self.path.with_name(self.path.name + suffix).unlink()


class PostgreSQL:
    """A database on a server, and another that is the template of it."""

    name = "PostgreSQL"

    def __init__(self, server: str) -> None:
        self.server, database = server, f"console_bench_{os.getpid()}"
        self.database, self.template = database, f"{database}_template"
        self.main, self.aside = database, list[str]()
        self.url = urlsplit(server)._replace(path=f"/{database}").geturl()

    def create(self) -> None:
        """Create it, empty."""
        self._execute("CREATE DATABASE {}", self.database)

    def freeze(self) -> None:
        """Keep the present state; nobody is connected."""
        self._execute("CREATE DATABASE {} TEMPLATE {}", self.template, self.database)

    def restore(self) -> None:
        """Go back to the state that was kept; whoever is connected is thrown out. Dropping includes a checkpoint."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database)
        self._execute("CREATE DATABASE {} TEMPLATE {}", self.database, self.template)

    def put_aside(self, name: str) -> str:
        """Keep the present state under a name of its own, and return what to connect to; nobody is connected."""
        self.aside.append(f"{self.database}_{name}")
        self._execute("ALTER DATABASE {} RENAME TO {}", self.database, self.aside[-1])
        return self.aside[-1]

    def drop(self) -> None:
        """Remove them all."""
        for name in (self.database, self.template, *self.aside):
            self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


Database = SQLite | PostgreSQL
