"""The kinds of tables that are read and written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


@dataclass(frozen=True)
class Format:
    """One kind of table.

    Args:
        name: As people type it, in small letters; the extension of its files.
        label: As people read it.
        content_type: The media type of its files.
        is_text: Whether its files are text, in some encoding.
        is_delimited: Whether its files are lines of values with a delimiter between them.
        is_cells: Whether a spreadsheet program opens it, and would compute what looks like a formula.
        is_short: Whether it is read up to a number of rows only.
        is_written: Whether files of this kind can be written.
    """

    name: str
    label: str
    content_type: str
    is_text: bool = True
    is_delimited: bool = False
    is_cells: bool = False
    is_short: bool = False
    is_written: bool = False
    other_extensions: tuple[str, ...] = ()


CSV: Final = Format("csv", "CSV", "text/csv", is_delimited=True, is_cells=True, is_written=True)
TSV: Final = Format(
    "tsv",
    "TSV",
    "text/tab-separated-values",
    is_delimited=True,
    is_cells=True,
    is_written=True,
    other_extensions=("tab",),
)
XLSX: Final = Format(
    "xlsx",
    "XLSX",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    is_text=False,
    is_cells=True,
    is_written=True,
    other_extensions=("xlsm",),
)
ODS: Final = Format(
    "ods", "ODS", "application/vnd.oasis.opendocument.spreadsheet", is_text=False, is_cells=True, is_short=True
)
JSON: Final = Format("json", "JSON", "application/json", is_short=True, is_written=True)
YAML: Final = Format("yaml", "YAML", "application/yaml", is_short=True, other_extensions=("yml",))

FORMATS: Final = {each.name: each for each in (CSV, TSV, XLSX, ODS, JSON, YAML)}

DELIMITERS: Final = (
    (",", gettext_lazy("comma")),
    (";", gettext_lazy("semicolon")),
    ("\t", gettext_lazy("tab")),
    ("|", gettext_lazy("vertical bar")),
)


def by_extension(name: str) -> Format | None:
    """Return the format that the name of a file promises, if it promises one."""
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    return next((each for each in FORMATS.values() if extension in (each.name, *each.other_extensions)), None)


def delimiter_label(delimiter: str) -> str:
    """Return the name of a delimiter in words."""
    return str(dict(DELIMITERS).get(delimiter) or _("“%(character)s”") % {"character": delimiter})
