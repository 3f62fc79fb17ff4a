"""Lines of values with a delimiter between them, in UTF-8: read from any place on, whatever their line ends."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import IO, Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.exceptions.tables import OpenQuote, TooLongCell, Undecodable
from console.tables import encodings, limits
from console.tables.formats import delimiter_label
from console.tables.layouts import Cursor, Layout, Row
from console.tables.neutral import restored

BLOCK: Final = 1 << 16


class Lines:
    """The lines of a file from a place on, with the place after the line that was given last.

    A line ends with LF, CR or CRLF, as text editors count lines; `csv` cannot be given a text file instead, which
    does not know its place while it is read.
    """

    def __init__(self, file: IO[bytes], start: Cursor) -> None:
        self.number, self.offset = start
        self.record = self.offset  # where the record begins that is being read
        self.has_nul = self.has_apostrophe = self.is_over = False
        self._file = file
        self._longest = limits.LINE_CELLS * limits.cell_max()
        file.seek(self.offset)

    def __iter__(self) -> Iterator[str]:
        for line in self._split():
            self.number += 1
            self.offset += len(line)
            if self.offset - self.record > self._longest:  # whatever limit others gave to the process's csv
                raise TooLongCell(self.number, limits.cell_max())
            if b"\0" in line:
                self.has_nul = True
            if b"'" in line:
                self.has_apostrophe = True
            yield line.decode()
        self.is_over = True

    def _split(self) -> Iterator[bytes]:
        rest = b""
        while block := self._file.read(BLOCK):
            lines = (rest + block).splitlines(keepends=True)
            # What may go on in the next block: a line without an end, or with the first half of CRLF.
            rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
            if len(rest) > self._longest:
                raise TooLongCell(self.number + len(lines) + 1, limits.cell_max())
            yield from lines
        if rest:
            yield from rest.splitlines(keepends=True)


def split(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Return the values of `lines`, record by record.

    Raises:
        csv.Error: A value is longer than any may be.
    """
    csv.field_size_limit(max(csv.field_size_limit(), limits.cell_max()))  # the process's: only ever raised
    return csv.reader(lines, delimiter=delimiter)


def records(file: IO[bytes], delimiter: str, start: Cursor) -> Iterator[tuple[int, list[str], Lines]]:
    """Yield (line in which it begins, values, the lines) for each record after `start`, empty lines too.

    Raises:
        OpenQuote: The file ends inside a quoted value.
        TooLongCell: A value is longer than any may be.
        Undecodable: A line is not UTF-8.
    """
    longest = limits.cell_max()
    lines = Lines(file, start)
    begins = lines.number + 1
    try:
        for values in split(lines, delimiter):
            if lines.is_over:  # asked for a line after the last one: a quote is open
                raise OpenQuote(begins)
            if lines.offset - lines.record > longest and any(len(value) > longest for value in values):
                raise TooLongCell(begins, longest)
            yield begins, values, lines
            begins, lines.record = lines.number + 1, lines.offset
    except UnicodeDecodeError:
        raise Undecodable(lines.number, encodings.label("utf-8")) from None
    except csv.Error:
        raise TooLongCell(begins, longest) from None


def rows(file: IO[bytes], layout: Layout, cursor: Cursor | None = None) -> Iterator[Row]:
    """Yield the rows after `cursor`; lines without a value are left out.

    Args:
        file: The file, open and seekable.
        layout: What a survey found.
        cursor: The cursor of any row; None begins at the first.

    Raises:
        OpenQuote, TooLongCell, Undecodable: See `records`. A survey would have raised them.
    """
    width = layout.width
    for number, values, lines in records(file, layout.delimiter, cursor or layout.start):
        if not any(values) or (len(values) == 1 and not values[0].strip()):
            continue
        problem = ""
        if len(values) != width:
            values, problem = fitted(values, width, layout.delimiter)  # noqa: PLW2901 - the same values
        if lines.has_apostrophe:
            values = [restored(value) for value in values]  # noqa: PLW2901
            lines.has_apostrophe = False
        if lines.has_nul:
            problem = problem or nul_problem(values)
            lines.has_nul = False
        yield Row(number, values, problem, Cursor(lines.number, lines.offset))


def fitted(values: list[Any], width: int, delimiter: str = "") -> tuple[list[Any], str]:
    """Return `values` as wide as the heading, and what is wrong with them: more values than columns.

    A short row has blanks at its end, as spreadsheets leave them out; blanks beyond the last column are nothing.
    """
    missing = width - len(values)
    if missing > 0:
        return values + [""] * missing, ""
    if not any(values[width:]):
        return values[:width], ""
    told = ngettext(
        "The row has %(count)d value; the header has %(width)d columns.",
        "The row has %(count)d values; the header has %(width)d columns.",
        len(values),
    ) % {"count": len(values), "width": width}
    if delimiter:
        cure = _("Put quotes around values that hold a %(delimiter)s.") % {"delimiter": delimiter_label(delimiter)}
        told = f"{told} {cure}"
    return values, told


def nul_problem(values: list[Any]) -> str:
    """Return what is wrong with a value that holds the character 0, which no database keeps; empty if none does."""
    if not any(isinstance(value, str) and "\0" in value for value in values):
        return ""
    return _("A value holds the character with the number 0, which cannot be stored. Delete it.")
