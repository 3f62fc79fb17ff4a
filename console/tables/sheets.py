"""The sheets of a workbook: values as they were computed when it was saved, never formulas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import IO, Any, Final

from django.utils.translation import gettext as _

from console.exceptions.tables import Broken, Locked, NoRows, NotSo, Unreadable
from console.tables import archives, extents
from console.tables.formats import XLSX, Format
from console.tables.neutral import restored

try:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum
except ImportError:  # the extra “xlsx” is not installed
    HAS_SHEETS = False
else:
    HAS_SHEETS = True

_EXACT: Final = 2**53  # up to here a number of a spreadsheet is a whole number exactly
_ACTIVE = re.compile(rb"""<(?:\w+:)?workbookView[^>]*\sactiveTab\s*=\s*["'](\d+)""")


@dataclass
class Sheet:
    """A sheet that is open: its name, those of the others, and its rows."""

    name: str
    names: tuple[str, ...]
    kind: Format
    extent: extents.Extent
    cells: Any

    def rows(self) -> Iterator[tuple[int, list[Any]]]:
        """Yield (number, values) of each row, empty ones too; an empty cell is None."""
        is_xlsx = self.kind is XLSX
        for number, cells in enumerate(self.cells.iter_rows(), start=1):
            yield number, [_value(cell, is_xlsx=is_xlsx) for cell in cells]

    def problem(self, number: int) -> str:
        """Return what is wrong with a row: a cell whose formula failed has no value; empty if nothing is."""
        if number not in self.extent.faulty:
            return ""
        return _("A cell holds an error of the spreadsheet, such as #REF!, instead of a value. Mend its formula.")


def open_sheet(file: IO[bytes], name: str, kind: Format, wanted: str = "") -> Sheet:
    """Open a sheet of a workbook.

    Args:
        file: The workbook, whose archive was looked at.
        name: The file's name, for refusals.
        kind: XLSX or ODS.
        wanted: The name of the sheet; by default the one that was open when it was saved, else the first to be seen.

    Raises:
        Refused: It cannot be read: too large, damaged, locked, or there is no such sheet.
    """
    if not HAS_SHEETS:
        raise Unreadable(kind.label, "python-calamine")
    extent = extents.measure(file, name, kind)
    active = _active(file, name) if kind is XLSX else 0
    file.seek(0)
    try:
        book = CalamineWorkbook.from_filelike(file)
        seen = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
        ]
        if not seen:
            raise NoRows(has_heading=False)
        if wanted and wanted not in book.sheet_names:
            raise NotSo(_("It has no sheet “%(name)s”.") % {"name": wanted})
        opened = book.sheet_names[active] if active < len(book.sheet_names) else ""
        chosen = wanted or (opened if opened in seen else seen[0])
        return Sheet(chosen, tuple(seen), kind, extent, book.get_sheet_by_name(chosen))
    except PasswordError:
        raise Locked(name) from None
    except CalamineError as error:
        raise Broken(kind.label, str(error)) from None


def _active(file: IO[bytes], name: str) -> int:
    """Return the place of the sheet that was open when the workbook was saved."""
    with archives.opened(file, name) as archive, archive.open("xl/workbook.xml") as entry:
        found = _ACTIVE.search(entry.read(1 << 20))
    return int(found[1]) if found else 0


def _value(cell: Any, *, is_xlsx: bool) -> Any:
    """Return a cell's value as openpyxl and tablib give it, on which the widgets of imports rely; formulas restored."""
    if isinstance(cell, str):
        return restored(cell) if cell[:1] == "'" else cell or None
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() and abs(cell) <= _EXACT else cell
    if is_xlsx and isinstance(cell, date) and not isinstance(cell, datetime):
        return datetime.combine(cell, time())
    return cell
