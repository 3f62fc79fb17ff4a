"""From a file to its rows: what it is, one pass over all of it, and its rows from any place on."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import IO, Final

from django.utils.translation import gettext as _

from console.exceptions.tables import (
    Noise,
    NoRows,
    NotATable,
    NotSo,
    OpenQuote,
    TooLongCell,
    TooManyRows,
    Undecodable,
)
from console.tables import delimited, delimiters, encodings, headings, limits, signatures
from console.tables.formats import CSV, TSV, by_extension
from console.tables.layouts import DELIMITED, Cursor, Layout, Reading, Row
from console.tables.surveys import FIRST, Survey

HEAD: Final = 1 << 18


def detect(
    file: IO[bytes], name: str, *, encoding: str = "", delimiter: str = "", heading_row: int | None = None
) -> Reading:
    """Return how the file is to be read.

    Args:
        file: The file, open and seekable.
        name: Its name, which breaks ties and is named in refusals.
        encoding: What a person chose instead of what is found; likewise the others.
        delimiter: What stands between two values.
        heading_row: The row that names the columns.

    Raises:
        Refused: Why it is not read.
    """
    file.seek(0)
    head = file.read(HEAD)
    if not head.strip():
        raise NoRows(has_heading=False)
    if kind := signatures.kind_of(head):
        raise NotATable(name, kind)
    return _detect_text(file, head, name, encoding=encoding, delimiter=delimiter, heading_row=heading_row)


def _detect_text(
    file: IO[bytes], head: bytes, name: str, *, encoding: str, delimiter: str, heading_row: int | None
) -> Reading:
    file.seek(0)
    codec = encoding or encodings.detect(file)
    mark = encodings.mark_of(head, codec)
    if not encoding and codec not in encodings.WIDE and signatures.is_noise(head):
        raise Noise(name)
    lines = _first_lines(head[mark:], codec)
    promised = by_extension(name)
    delimiter = delimiter or delimiters.detect(lines, promised)
    kind = TSV if delimiter == "\t" else CSV
    if heading_row is None:
        heading_row = _heading_row(lines, delimiter)
    return Reading(kind.name, codec, delimiter, heading_row, mark=mark)


def _first_lines(head: bytes, codec: str) -> list[str]:
    """Return the first lines of a text; what its encoding does not have is marked, and refused by the survey."""
    whole = len(head) < HEAD - len(encodings.MARKS[0][0])
    text = head.decode(codec, "replace") if whole else head[: len(head) & ~1].decode(codec, "replace")
    lines = io.StringIO(text, newline="").readlines()
    return lines if whole or len(lines) == 1 else lines[:-1]


def _heading_row(lines: list[str], delimiter: str) -> int:
    first = 1 if delimiters.declared(lines) else 0
    looked_at = []
    with suppress(OpenQuote, TooLongCell):  # a quote is open where the first lines end, or in the file: a survey tells
        for number, values, _lines in delimited.records(_as_file(lines), delimiter, Cursor()):
            if number > first:
                looked_at.append((number, values))
            if len(looked_at) == headings.LOOKED_AT:
                break
    return headings.find(looked_at) if looked_at else first + 1


def _as_file(lines: list[str]) -> IO[bytes]:
    return io.BytesIO("".join(lines).encode("utf-8", "replace"))


def peek(file: IO[bytes], reading: Reading) -> Survey:
    """Return what the first rows show, without a look at the others: how many there are is not known.

    Args:
        file: The file, open and seekable.
        reading: What `detect` returned.

    Raises:
        Refused: The heading cannot be used.
    """
    body, start = file, Cursor(0, reading.mark)
    if reading.needs_staging:
        file.seek(reading.mark)
        body, start = _as_file(_first_lines(file.read(HEAD), reading.encoding)), Cursor()
    found = _begun(body, reading, start)
    with suppress(OpenQuote, TooLongCell, Undecodable):
        for _row in islice(found.take(delimited.rows(body, found.layout)), FIRST):
            pass
    return found


def survey(file: IO[bytes], reading: Reading, staged: IO[bytes] | None = None) -> Survey:
    """Read the whole file once and return what is in it.

    Args:
        file: The file, open and seekable.
        reading: What `detect` returned.
        staged: Where the rows are staged, open to be read and written, if the reading needs that.

    Raises:
        Refused: Why it is not read after all.
    """
    body, start = file, Cursor(0, reading.mark)
    if reading.needs_staging:
        assert staged is not None
        encodings.transcode(file, staged, reading.encoding, reading.mark)
        body, start = staged, Cursor()
    found = _begun(body, reading, start)
    count = 0
    for row in found.take(delimited.rows(body, found.layout)):
        count += 1
        found.problems += bool(row.problem)
    if count > (limit := limits.rows_max(reading.kind)):
        raise TooManyRows(count, reading.kind.label, limit, can_stream=True)
    if not count:
        raise NoRows(has_heading=True)
    found.rows = count
    return found


def _begun(body: IO[bytes], reading: Reading, start: Cursor) -> Survey:
    """Return a survey that knows the columns and where the rows begin."""
    for number, values, lines in delimited.records(body, reading.delimiter, start):
        if number == reading.heading_row:
            columns = headings.columns(values)
            place = Cursor(lines.number, lines.offset)
            return Survey(columns, Layout(DELIMITED, len(columns), reading.delimiter, place))
    raise NotSo(_("It has no row %(row)d.") % {"row": reading.heading_row})


def rows(file: IO[bytes], layout: Layout, cursor: Cursor | None = None) -> Iterator[Row]:
    """Yield the rows after `cursor`, a cursor of any row; from the first on, if it is None.

    Args:
        file: The file that was surveyed; the staged one, where there is one.
        layout: What the survey found.
        cursor: Where to go on.
    """
    return delimited.rows(file, layout, cursor)
