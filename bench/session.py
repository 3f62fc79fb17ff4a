"""``python -m bench.session``: the benchmarks on one database, in a process of its own; prints their rows as JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django

from bench import databases
from bench.processes import broker

BENCHES = (
    "copies",
    "chunks",
    "memory",
    "acceptance",
    "noop",
    "latency",
    "cancel",
    "lists",
    "pages",
    "tables",
    "imports",
    "exports",
    "schedules",
)


def main(arguments: Sequence[str]) -> None:
    """Measure what is asked for."""
    asked = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="console-bench-") as folder:
        database = databases.PostgreSQL(asked.server) if asked.server else databases.SQLite(Path(folder))
        with broker(Path(folder)) as address, prepared(database, Path(folder), address):
            print(json.dumps(measured(asked.only or BENCHES, database, Path(folder), tiny=asked.tiny)))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.session", description=__doc__)
    parser.add_argument("only", nargs="*", choices=[[], *BENCHES], help="which benchmarks; all, if none is named")
    parser.add_argument("--server", default="", help="URL of a PostgreSQL server; without it SQLite is measured")
    parser.add_argument("--tiny", action="store_true", help="see that all run, measure nothing worth knowing")
    return parser.parse_args(arguments)


@contextmanager
def prepared(database: databases.Database, folder: Path, address: str) -> Iterator[None]:
    """Set Django up on a database with notes; it is removed at the end."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "DATABASE_URL": database.url,
        "CELERY_BROKER_URL": address,
        "CONSOLE_DATA": str(folder),
    }
    database.create()
    try:
        django.setup()
        fill()
        database.freeze()
        yield
    finally:
        database.drop()


def fill() -> None:
    """Make the tables and the notes."""
    from django.core.management import call_command  # noqa: PLC0415 - apps must be ready
    from django.db import connection  # noqa: PLC0415

    from bench.data import populate  # noqa: PLC0415
    from config.celery import app  # noqa: PLC0415

    app.set_current()
    call_command("migrate", verbosity=0)
    populate()
    connection.close()


def measured(names: Sequence[str], database: databases.Database, folder: Path, *, tiny: bool) -> list[dict[str, Any]]:
    """Return the rows of the benchmarks called `names`."""
    from bench.world import TINY, Sizes, World, tell  # noqa: PLC0415 - apps must be ready

    world = World(database, TINY if tiny else Sizes(), folder)
    rows = []
    for name in names:
        tell(f"{database.name}: {name}")
        rows += [figure.row(database.name) for figure in importlib.import_module(f"bench.{name}").measure(world)]
    return rows


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    main(sys.argv[1:])
