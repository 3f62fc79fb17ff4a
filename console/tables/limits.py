"""How large a table may be: what is read in one piece is bounded, and what streams has an end."""

from __future__ import annotations

from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.translation import gettext as _

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


def sentence() -> str:
    """Say which files are taken, and how large they may be."""
    size, cells, rows = (
        filesizeformat(settings.import_max_bytes),
        sheet_cells_max(),
        int(settings.import_max_short_rows),
    )
    streamed = [each.label for each in FORMATS.values() if each.is_delimited]
    whole = [each.label for each in FORMATS.values() if not each.is_delimited and not each.is_short]
    short = [each.label for each in FORMATS.values() if each.is_short]
    told = [
        _("%(formats)s of any length up to %(size)s") % {"formats": ", ".join(streamed), "size": size},
        _("%(formats)s up to %(count)s cells") % {"formats": ", ".join(whole), "count": _grouped(cells)},
        _("%(formats)s up to %(count)s rows") % {"formats": ", ".join(short), "count": _grouped(rows)},
    ]
    return f"{'; '.join(told)}."


def _grouped(count: int) -> str:
    return number_format(count, force_grouping=True)
