"""From a file to its rows: one pass over all of it, and its rows from any place on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import IO, Any, Final

from django.utils.translation import gettext as _

from console.exceptions.tables import NoRows, NotSo, OpenQuote, TooLongCell, TooManyRows, Undecodable
from console.tables import delimited, documents, encodings, headings, limits, mending, sheets, staging
from console.tables.detection import HEAD, as_file, first_lines
from console.tables.layouts import DELIMITED, STAGED, START, Cursor, Layout, Reading, Row
from console.tables.surveys import FIRST, Survey

COUNTED: Final = 10  # times the limit: so far the rows of a table that is too long are counted


def survey(file: IO[bytes], reading: Reading, staged: IO[bytes] | None = None) -> Survey:
    """Read the whole file once and return what is in it.

    Args:
        file: The file, open and seekable.
        reading: What `detect` returned.
        staged: Where the rows are staged, open to be written and read, if the reading needs that.

    Raises:
        Refused: Why it is not read after all.
    """
    if reading.kind.is_delimited:
        body, start = file, Cursor(0, reading.mark)
        if reading.needs_staging:
            assert staged is not None
            encodings.transcode(file, staged, reading.encoding, reading.mark)
            body, start = staged, START
        found = _begun(body, reading, start)
        _count(found, delimited.rows(body, found.layout), reading)
    else:
        found = _begun_staged(file, reading, staged)
    if not found.rows:
        raise NoRows(has_heading=True)
    return found


def peek(file: IO[bytes], reading: Reading) -> Survey:
    """Return what the first rows show: how many there are is not known.

    A short format is read whole: its columns are known only then.

    Args:
        file: The file, open and seekable.
        reading: What `detect` returned.

    Raises:
        Refused: The heading cannot be used, or the file not read.
    """
    if reading.kind.is_delimited:
        body, start = file, Cursor(0, reading.mark)
        if reading.needs_staging:
            file.seek(reading.mark)
            body, start = as_file(first_lines(file.read(HEAD), reading.encoding)), START
        found = _begun(body, reading, start)
        with suppress(OpenQuote, TooLongCell, Undecodable):
            _count(found, islice(delimited.rows(body, found.layout), FIRST), reading)
    else:
        found = _begun_staged(file, reading, None, None if reading.kind.is_short else FIRST)
    found.rows = None
    return found


def rows(file: IO[bytes], layout: Layout, cursor: Cursor | None = None) -> Iterator[Row]:
    """Yield the rows after `cursor`, a cursor of any row; from the first on, if it is None.

    Args:
        file: The file that was surveyed; the staged one, where there is one.
        layout: What the survey found.
        cursor: Where to go on.
    """
    read = delimited.rows if layout.form == DELIMITED else staging.rows
    return read(file, layout, cursor)


def _count(found: Survey, given: Iterator[Row], reading: Reading) -> None:
    """Take in the rows, of too long a table only as many as are needed to say so."""
    limit = limits.rows_max(reading.kind)
    count = 0
    for count, row in enumerate(given, start=1):
        if count <= limit:
            found.take(row)
        elif count > limit * COUNTED:
            break
    if count > limit:
        raise TooManyRows(
            min(count, limit * COUNTED),
            reading.kind.label,
            limit,
            can_stream=not reading.kind.is_short,
            or_more=count > limit * COUNTED,
        )


def _begun(body: IO[bytes], reading: Reading, start: Cursor) -> Survey:
    """Return a survey that knows the columns and where the rows begin."""
    for number, values, lines in delimited.records(body, reading.delimiter, start):
        if number == reading.heading_row:
            columns = headings.columns(values)
            place = Cursor(lines.number, lines.offset)
            layout = Layout(DELIMITED, len(columns), reading.delimiter, place)
            return Survey(columns, layout, report=mending.recognise(columns))
    raise NotSo(_("It has no row %(row)d.") % {"row": reading.heading_row})


def _begun_staged(file: IO[bytes], reading: Reading, staged: IO[bytes] | None, limit: int | None = None) -> Survey:
    """Return the survey of what is read in one piece or as objects, its first `limit` rows, and stage these rows."""
    columns: list[headings.Column] = []
    given = (_of_objects if reading.kind.is_text else _of_sheet)(file, reading, columns)
    found = Survey(columns, Layout(STAGED, 0, start=Cursor(reading.heading_row, 0)))
    _count(found, islice(_staged(given, staged), limit), reading)
    found.layout = Layout(STAGED, len(columns), start=found.layout.start)
    found.report = mending.recognise(columns)
    return found


def _staged(given: Iterator[tuple[int, list[Any], str]], staged: IO[bytes] | None) -> Iterator[Row]:
    offset = 0
    for number, values, problem in given:
        line = staging.line_of(number, values, problem)
        offset += len(line)
        if staged is not None:
            staged.write(line)
        yield Row(number, values, problem, Cursor(number, offset))


def _of_sheet(
    file: IO[bytes], reading: Reading, columns: list[headings.Column]
) -> Iterator[tuple[int, list[Any], str]]:
    sheet = reading.opened or sheets.open_sheet(file, reading.name, reading.kind, reading.sheet)
    for number, values in sheet.rows():
        if number == reading.heading_row:
            columns += headings.columns(values)
        elif columns and any(value is not None for value in values):
            fitted, problem = delimited.fitted(values, len(columns))
            yield number, fitted, sheet.problem(number) or problem
    if not columns:
        raise NotSo(_("It has no row %(row)d.") % {"row": reading.heading_row})


def _of_objects(
    file: IO[bytes], reading: Reading, columns: list[headings.Column]
) -> Iterator[tuple[int, list[Any], str]]:
    """Yield the objects of a document as rows; a key that comes up late adds a column."""
    names: dict[str, int] = {}
    for number, given in enumerate(documents.objects(file, reading), start=1):
        if new := [key for key in given if key not in names]:
            names.update({key: len(names) + place for place, key in enumerate(new)})
            columns[len(columns) :] = headings.columns(list(names))[len(columns) :]
        values = [given.get(name) for name in names]
        yield number, values, delimited.nul_problem(values)
