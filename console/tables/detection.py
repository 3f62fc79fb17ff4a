"""What a file is: told by its bytes, and by its name only where they leave it open."""

from __future__ import annotations

import io
from contextlib import suppress
from itertools import islice
from typing import IO, Final

from console.exceptions.tables import Locked, Noise, NoRows, NotATable, OldWorkbook, OpenQuote, TooLongCell
from console.tables import archives, delimited, delimiters, documents, encodings, headings, sheets, signatures
from console.tables.formats import CSV, JSON, TSV, YAML, by_extension
from console.tables.layouts import START, Reading

HEAD: Final = 1 << 18


def detect(
    file: IO[bytes],
    name: str,
    *,
    encoding: str = "",
    delimiter: str = "",
    heading_row: int | None = None,
    sheet: str = "",
) -> Reading:
    """Return how the file is to be read.

    Args:
        file: The file, open and seekable.
        name: Its name, which breaks ties and is named in refusals.
        encoding: What a person chose instead of what is found; likewise the others.
        delimiter: What stands between two values.
        heading_row: The row that names the columns.
        sheet: The sheet of a workbook.

    Raises:
        Refused: Why it is not read.
    """
    file.seek(0)
    head = file.read(HEAD)
    if not head.strip():
        raise NoRows(has_heading=False)
    if head.startswith(signatures.ZIP):
        return _detect_workbook(file, name, heading_row, sheet)
    if head.startswith(signatures.OLD_OFFICE):
        raise (Locked if signatures.is_locked(file) else OldWorkbook)(name)
    if kind := signatures.kind_of(head):
        raise NotATable(name, kind)
    return _detect_text(file, head, name, encoding=encoding, delimiter=delimiter, heading_row=heading_row)


def _detect_workbook(file: IO[bytes], name: str, heading_row: int | None, wanted: str) -> Reading:
    kind = archives.kind_of(file, name)
    sheet = sheets.open_sheet(file, name, kind, wanted)
    if heading_row is None:
        heading_row = headings.find(list(islice(sheet.rows(), headings.LOOKED_AT)))
    return Reading(kind.name, heading_row=heading_row, sheet=sheet.name, sheets=sheet.names, name=name, opened=sheet)


def _detect_text(
    file: IO[bytes], head: bytes, name: str, *, encoding: str, delimiter: str, heading_row: int | None
) -> Reading:
    file.seek(0)
    codec = encoding or encodings.detect(file)
    mark = encodings.mark_of(head, codec)
    if not encoding and codec not in encodings.WIDE and signatures.is_noise(head):
        raise Noise(name)
    lines = first_lines(head[mark:], codec)
    promised = by_extension(name)
    if promised is YAML or documents.is_json("".join(lines[:3]), promised):
        kind = YAML if promised is YAML else JSON
        return Reading(kind.name, codec, heading_row=0, mark=mark, name=name)
    delimiter = delimiter or delimiters.detect(lines, promised)
    kind = TSV if delimiter == "\t" else CSV
    if heading_row is None:
        heading_row = _heading_row(lines, delimiter)
    return Reading(kind.name, codec, delimiter, heading_row, mark=mark, name=name)


def first_lines(head: bytes, codec: str) -> list[str]:
    """Return the first lines of a text; what its encoding does not have is marked, and refused by the survey."""
    is_whole = len(head) < HEAD - len(encodings.MARKS[0][0])
    text = head.decode(codec, "replace") if is_whole else head[: len(head) & ~1].decode(codec, "replace")
    lines = io.StringIO(text, newline="").readlines()
    return lines if is_whole or len(lines) == 1 else lines[:-1]


def as_file(lines: list[str]) -> IO[bytes]:
    """Return lines as a file of UTF-8."""
    return io.BytesIO("".join(lines).encode("utf-8", "replace"))


def _heading_row(lines: list[str], delimiter: str) -> int:
    first = 1 if delimiters.declared(lines) else 0
    looked_at = []
    with suppress(OpenQuote, TooLongCell):  # a quote is open where the first lines end, or in the file: a survey tells
        for number, values, _lines in delimited.records(as_file(lines), delimiter, START):
            if number > first:
                looked_at.append((number, values))
            if len(looked_at) == headings.LOOKED_AT:
                break
    return headings.find(looked_at) if looked_at else first + 1
