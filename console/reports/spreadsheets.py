"""Tables as CSV and XLSX, row by row; no cell that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime, time
from tempfile import TemporaryFile
from typing import IO, Any

from console.exceptions.tables import NotInXLSX
from console.tables import neutral

try:
    from openpyxl import Workbook
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, WriteOnlyCell
    from openpyxl.styles import Font
except ImportError:  # the extra “xlsx” is not installed: CSV alone is offered
    HAS_XLSX = False
else:
    HAS_XLSX = True

XLSX_ROWS = 1_048_576
XLSX_CELL = 32_767
RED = "FFBA2121"  # as Django's admin writes errors
BYTE_ORDER_MARK = "\ufeff"  # by which Excel knows that a CSV is UTF-8


def csv_lines(rows: Iterable[list[Any]]) -> Iterator[str]:
    """Yield `rows` as lines of CSV."""
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK
    for row in rows:
        yield writer.writerow([neutral(_as_text(cell)) for cell in row])


def xlsx_file(rows: Iterable[list[Any]], title: str, red: int | None = None, *, is_whole: bool = False) -> IO[bytes]:
    """Write `rows` as XLSX into a temporary file and return it, open at its start.

    A sheet ends at 1,048,576 rows; what follows is in the CSV only.

    Args:
        rows: The rows, the heading first.
        title: The name of the sheet.
        red: The column that is written in red.
        is_whole: Whether each text must be kept as it is, for the file will come back.

    Raises:
        NotInXLSX: A text cannot be.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    refused = 0
    for number, row in enumerate(rows):
        if number >= XLSX_ROWS:
            break
        calm = [neutral(cell) for cell in row]
        cells = [_legal(cell) for cell in calm]
        if is_whole and cells != calm:
            refused = number + 1
            break
        if red is not None:
            cells[red] = WriteOnlyCell(sheet, cells[red])
            cells[red].font = Font(color=RED)
        sheet.append(cells)
    file = TemporaryFile()  # noqa: SIM115 - the response closes it
    book.save(file)  # in any case: it also puts the sheet's own temporary file away
    if refused:
        file.close()
        raise NotInXLSX(refused)
    file.seek(0)
    return file


def _as_text(cell: Any) -> Any:
    """Return a date of a spreadsheet, which has a time, as what it looks like there: fields of dates take no time."""
    is_day = isinstance(cell, datetime) and cell.time() == time()
    return cell.date() if is_day else cell


def _legal(cell: Any) -> Any:
    return ILLEGAL_CHARACTERS_RE.sub("�", cell)[:XLSX_CELL] if isinstance(cell, str) else cell


class _Echo:
    """A file that hands each line back to the caller of `csv.writer`."""

    def write(self, line: str) -> str:
        return line
