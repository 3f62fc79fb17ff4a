"""Files for the tests, written on the spot, and read to their end."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from tempfile import TemporaryFile
from typing import Any

from console import tables
from console.tables import Cursor, Layout, Reading, Row, Survey


def delimited(rows: Iterable[Sequence[Any]], delimiter: str = ",", line_end: str = "\r\n") -> str:
    """Return `rows` as a text of lines with a delimiter."""
    out = io.StringIO(newline="")
    quoting = csv.QUOTE_MINIMAL if line_end == "\r\n" else csv.QUOTE_ALL  # else a lone CR in a value is not quoted
    csv.writer(out, delimiter=delimiter, lineterminator=line_end, quoting=quoting).writerows(rows)
    return out.getvalue()


def detected(content: bytes | str, name: str = "notes.csv", **chosen: Any) -> Reading:
    """Return how a file with this content is read."""
    return tables.detect(io.BytesIO(encoded(content)), name, **chosen)


def surveyed(content: bytes | str, name: str = "notes.csv", **chosen: Any) -> tuple[Survey, list[Row]]:
    """Return what a survey of a file says, and all its rows."""
    file = io.BytesIO(encoded(content))
    reading = tables.detect(file, name, **chosen)
    with TemporaryFile() as staged:
        survey = tables.survey(file, reading, staged if reading.needs_staging else None)
        layout = Layout.from_json(survey.layout.as_json())
        return survey, list(tables.rows(staged if reading.needs_staging else file, layout))


def values(content: bytes | str, name: str = "notes.csv", **chosen: Any) -> list[list[Any]]:
    """Return the values of all rows of a file."""
    return [row.values for row in surveyed(content, name, **chosen)[1]]


def after(content: bytes, layout: Layout, cursor: Cursor) -> list[Row]:
    """Return the rows of a file after a cursor."""
    return list(tables.rows(io.BytesIO(content), layout, cursor))


def encoded(content: bytes | str) -> bytes:
    """Return the content as bytes."""
    return content.encode() if isinstance(content, str) else content
