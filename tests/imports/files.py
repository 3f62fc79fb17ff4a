"""Files of notes to import, and imports of them without the pages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from console.engine.acceptance import start
from console.engine.files import keep
from console.models import File, Run
from console.testing import perform
from notes.operations import ImportNotes

HEADINGS = ("slug", "title", "body")


def rows_of_notes(count: int, first: int = 1) -> list[list[str]]:
    """Return rows of so many notes, numbered from `first`."""
    return [[f"row-{n}", f"Title {n}", f"Body {n}"] for n in range(first, first + count)]


def as_csv(rows: Iterable[Sequence[Any]], headings: Sequence[str] = HEADINGS) -> bytes:
    """Return a CSV file with these rows under the headings."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([headings, *rows])
    return text.getvalue().encode()


def uploaded(content: bytes, name: str = "notes.csv", **values: Any) -> File:
    """Return a file as the upload page keeps it."""
    return keep([content], kind=File.Kind.INPUT, name=name, **values)


def importing(
    content: bytes, columns: Sequence[str] = HEADINGS, *, operation: Any = ImportNotes, **options: Any
) -> Run:
    """Start an import of this file; it is queued."""
    params = {"file": uploaded(content).pk, "columns": list(columns), **options.pop("params", {})}
    return start(operation, params=params, **options)


def previewed(content: bytes, columns: Sequence[str] = HEADINGS, **options: Any) -> Run:
    """Return the preview of an import, ended."""
    return perform(importing(content, columns, dry_run=True, **options))
