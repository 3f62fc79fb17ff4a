"""Tables written part by part: each part is bytes that stand for some rows, and the parts joined are the file."""

from __future__ import annotations

import csv
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from console.tables.formats import CSV, JSON, TSV, XLSX, Format
from console.tables.neutral import neutral
from console.tables.workbooks import XLSX_CELL, XLSX_ROWS, packed, sheet_head, sheet_row, sheet_tail

Cells = Sequence[Any]
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # by which Excel knows that a CSV is UTF-8


class Writer(ABC):
    """Writes one table of the given headings; it keeps nothing between two parts.

    Attributes:
        kind: The format. Where a spreadsheet opens it, cells that look like formulas carry an apostrophe.
        rows_max: How many rows it may have, the headings not counted; None: any number.
        cell_max: How many characters a cell may have; None: any number.
    """

    kind: ClassVar[Format]
    rows_max: ClassVar[int | None] = None
    cell_max: ClassVar[int | None] = None

    def __init__(self, headings: Sequence[str], title: str = "") -> None:
        self.headings, self.title = [str(heading) for heading in headings], title

    @abstractmethod
    def part(self, rows: Iterable[Cells], before: int) -> bytes:
        """Return the bytes of `rows`, each as long as the headings; `before` is how many rows were written before."""

    @abstractmethod
    def joined(self, parts: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
        """Yield the whole file, of parts that come in their order; no more of it is kept in memory than a piece."""


class CSVWriter(Writer):
    """Comma-separated values in UTF-8, with the mark by which Excel knows it."""

    kind = CSV
    delimiter: ClassVar[str] = ","

    def part(self, rows: Iterable[Cells], before: int) -> bytes:
        """Return the lines of `rows`."""
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self.delimiter).writerows([_calm(cell) for cell in row] for row in rows)
        return text.getvalue().encode("utf-8", "replace")

    def joined(self, parts: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
        """Yield the headings, then the lines of each part."""
        yield BYTE_ORDER_MARK + self.part([self.headings], 0)
        for part in parts:
            yield from part


class TSVWriter(CSVWriter):
    """The same with tabs."""

    kind = TSV
    delimiter = "\t"


_as_json = json.JSONEncoder(ensure_ascii=False, default=str).encode


class JSONWriter(Writer):
    """A list of objects, one a line."""

    kind = JSON

    def part(self, rows: Iterable[Cells], before: int) -> bytes:
        """Return an object for each row, each but the table's first behind a comma."""
        objects = ",\n".join([_as_json(dict(zip(self.headings, row, strict=True))) for row in rows])
        return (f",\n{objects}" if before and objects else objects).encode("utf-8", "replace")

    def joined(self, parts: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
        """Yield the objects in brackets."""
        yield b"[\n"
        for part in parts:
            yield from part
        yield b"\n]\n"


class XLSXWriter(Writer):
    """A workbook of one sheet: a part is the XML of its rows, and joining them packs the workbook."""

    kind = XLSX
    rows_max = XLSX_ROWS - 1
    cell_max = XLSX_CELL

    def part(self, rows: Iterable[Cells], before: int) -> bytes:
        """Return the XML of `rows`."""
        written = (sheet_row([_calm(cell) for cell in row], number) for number, row in enumerate(rows, before + 2))
        return "".join(written).encode("utf-8", "replace")

    def joined(self, parts: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
        """Yield the workbook, packed while its parts are read."""
        return packed(self._sheet(parts), self.title)

    def _sheet(self, parts: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
        yield sheet_head() + sheet_row([_calm(heading) for heading in self.headings], 1).encode()
        for part in parts:
            yield from part
        yield sheet_tail()


WRITERS: dict[str, type[Writer]] = {each.kind.name: each for each in (CSVWriter, TSVWriter, XLSXWriter, JSONWriter)}


def writer(kind: str, headings: Sequence[str], title: str = "") -> Writer:
    """Return the writer of a table as `kind`: csv, tsv, xlsx or json."""
    return WRITERS[kind](headings, title)


def _calm(cell: Any) -> Any:
    """Return what `neutral` does; asked first is what most cells are, a text that begins with a letter or a digit."""
    return cell if not isinstance(cell, str) or cell[:1].isalnum() else neutral(cell)
