"""How large a table may be: what is read in one piece is bounded, and what streams has an end."""

from __future__ import annotations

from console.conf import settings
from console.tables.formats import FORMATS, Format

LINE_CELLS = 4  # a physical line may hold this many cells of the longest kind


def bytes_max() -> int:
    """Return how many bytes a file may have."""
    return int(settings.import_max_bytes)


def rows_max(kind: Format) -> int:
    """Return how many rows a table of this format may have."""
    return int(settings.import_max_short_rows if kind.is_short else settings.import_max_rows)


def columns_max() -> int:
    """Return how many columns a table may have."""
    return int(settings.import_max_columns)


def cell_max() -> int:
    """Return how many characters a cell may have."""
    return int(settings.import_max_cell)


def sheet_cells_max() -> int:
    """Return how many cells a sheet may span, empty ones between others counted: a workbook is read in one piece."""
    return int(settings.import_max_sheet_cells)


def unpacked_max() -> int:
    """Return how many bytes a workbook may have when unpacked."""
    return int(settings.import_max_unpacked)


def streamed() -> list[str]:
    """Return the labels of the formats that may be of any length."""
    return [each.label for each in FORMATS.values() if not each.is_short]


def short() -> list[str]:
    """Return the labels of the formats that are read up to a number of rows."""
    return [each.label for each in FORMATS.values() if each.is_short]
