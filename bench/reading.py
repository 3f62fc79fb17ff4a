"""``python -m bench.reading <file>``: read a file as an import does, and tell the memory that took."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile

import django

from bench.child import megabytes
from console import tables


def rows_of(path: Path) -> Iterable[object]:
    """Return the rows as an import reads them."""
    with path.open("rb") as file:
        yield from tables.rows(file, tables.peek(file, tables.detect(file, path.name)).layout)


def surveyed(path: Path) -> None:
    """Look at all of a file, as an import does before its first row."""
    with path.open("rb") as file, TemporaryFile() as staged:
        tables.survey(file, tables.detect(file, path.name), staged)


def exhaust(rows: Iterable[object]) -> None:
    """Read all rows."""
    for _row in rows:
        pass


if __name__ == "__main__":
    django.setup()
    surveyed(Path(sys.argv[1]))
    exhaust(rows_of(Path(sys.argv[1])))
    print(json.dumps(megabytes()))
