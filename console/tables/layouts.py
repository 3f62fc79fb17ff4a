"""What is known of a file: how it is to be read, and what a row of it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _

from console.tables import encodings
from console.tables.formats import FORMATS, Format, delimiter_label


class Cursor(NamedTuple):
    """A place between two rows: the last line of the file before it, and its byte in the file that `rows` reads."""

    row: int = 0
    offset: int = 0


class Row(NamedTuple):
    """A row of a table.

    Args:
        number: The line of the original file in which it begins; in a workbook the sheet's row; in a list of objects
            (JSON, YAML) which object it is.
        values: One value for each column.
        problem: Why the row cannot be imported, a sentence; empty if it can.
        cursor: The place after it.
    """

    number: int
    values: list[Any]
    problem: str
    cursor: Cursor


@dataclass(frozen=True)
class Reading:
    """How a file is understood.

    Args:
        format: The name of its format.
        encoding: The codec of a text.
        delimiter: What stands between two values.
        heading_row: The line that names the columns (0: the keys of the objects do).
        sheet: The sheet of a workbook that is read.
        sheets: All sheets that have anything in them to show.
        mark: How many bytes the byte order mark takes.
        name: The file's name, for refusals.
        opened: The sheet, for as long as this very object lives: a workbook is opened once to find its heading and to
            read it.
    """

    format: str
    encoding: str = ""
    delimiter: str = ""
    heading_row: int = 1
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    mark: int = 0
    name: str = ""
    opened: Any = field(default=None, compare=False, repr=False)

    @property
    def kind(self) -> Format:
        """The format itself."""
        return FORMATS[self.format]

    @property
    def needs_staging(self) -> bool:
        """Whether its rows are read from a staged file: only lines of UTF-8 are read in place."""
        return not (self.kind.is_delimited and self.encoding == "utf-8")

    def sentence(self) -> str:
        """Say how the file was read, for people to check."""
        parts = [] if self.kind.is_delimited else [self.kind.label]
        if self.encoding and not (self.encoding == "utf-8" and not self.kind.is_delimited):
            parts.append(encodings.label(self.encoding))
        if self.delimiter:
            parts.append(delimiter_label(self.delimiter))
        if self.sheet:
            parts.append(_("sheet “%(name)s”") % {"name": self.sheet})
        if self.heading_row:
            parts.append(_("header in row %(row)d") % {"row": self.heading_row})
        return _("Read as: %(parts)s.") % {"parts": ", ".join(parts)}

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        told = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "opened"}
        return {**told, "sheets": list(self.sheets)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Reading:
        """Return what `as_json` told of."""
        return cls(**{**data, "sheets": tuple(data["sheets"])})


START: Final = Cursor()
DELIMITED: Final = "delimited"
STAGED: Final = "staged"


@dataclass(frozen=True)
class Layout:
    """How rows are read, from the file itself or from the staged one: all that `rows` needs.

    Args:
        form: Lines of values with a delimiter, or the staged form.
        width: How many columns there are.
        delimiter: What stands between two values.
        start: The place before the first row.
        is_cells: Whether formulas may have been neutralised, and are restored.
    """

    form: str
    width: int
    delimiter: str = ","
    start: Cursor = START
    is_cells: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "start": list(self.start)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Layout:
        """Return what `as_json` told of."""
        return cls(**{**data, "start": Cursor(*data["start"])})
