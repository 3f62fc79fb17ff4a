"""Why a file is not read: each says what is the matter, and what to do about it. None of them has changed anything."""

from __future__ import annotations

from collections.abc import Sequence

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.exceptions.base import ConsoleError, grouped


class Refused(ConsoleError):
    """Base of the reasons for which a file is not read."""


class NoRows(Refused):
    """The file has nothing in it but blanks, or a heading and nothing below."""

    def __init__(self, *, has_heading: bool) -> None:
        super().__init__(
            _("The file has a heading and no rows below it. Nothing can be imported from it.")
            if has_heading
            else _("The file is empty.")
        )


class NotATable(Refused):
    """The file is something else under the name of a table: `kind` says what, with its article."""

    def __init__(self, name: str, kind: str) -> None:
        super().__init__(
            _("“%(name)s” is not a table: it is %(kind)s. Choose a CSV or XLSX file.") % {"name": name, "kind": kind}
        )


class Noise(Refused):
    """The file is neither a known kind of file nor text."""

    def __init__(self, name: str) -> None:
        super().__init__(
            _("“%(name)s” is not a table: it holds bytes that are no text. Choose a CSV or XLSX file.") % {"name": name}
        )


class OldWorkbook(Refused):
    """A workbook in the format of Excel 2003 and older."""

    def __init__(self, name: str) -> None:
        super().__init__(
            _("“%(name)s” is a workbook in the old format XLS. Open it, save it as XLSX, and upload that.")
            % {"name": name}
        )


class Locked(Refused):
    """A workbook that needs a password."""

    def __init__(self, name: str) -> None:
        super().__init__(
            _("“%(name)s” is protected by a password. Save a copy without the password, and upload that.")
            % {"name": name}
        )


class Broken(Refused):
    """The file claims to be of a format and is not: `detail` is what its reader says."""

    def __init__(self, label: str, detail: str = "") -> None:
        told = f" ({detail})" if detail else ""
        super().__init__(
            _(
                "The file cannot be read as %(format)s%(detail)s: it is damaged, or of another kind. Save it anew, and upload that."
            )
            % {"format": label, "detail": told}
        )


class Unreadable(Refused):
    """The program that reads this format is not installed."""

    def __init__(self, label: str, package: str) -> None:
        super().__init__(
            _("%(format)s is not read on this site: the package “%(package)s” is missing. Save the file as CSV.")
            % {"format": label, "package": package}
        )


class Bomb(Refused):
    """A small file that would unpack into a very large one."""

    def __init__(self, name: str) -> None:
        super().__init__(
            _(
                "“%(name)s” unpacks into far more than a table of its size would hold, so it was not opened. "
                "Save the table anew as CSV, and upload that."
            )
            % {"name": name}
        )


class TooManyRows(Refused):
    """More rows than the format is read with; `count` is how many there are, or at least are."""

    def __init__(self, count: int, label: str, limit: int, *, can_stream: bool, or_more: bool = False) -> None:
        self.count, self.limit = count, limit
        cure = _("Split it.") if can_stream else _("Save it as CSV.")
        if or_more:
            told = _("It has more than %(count)s rows; %(format)s is limited to %(limit)s. %(cure)s")
        else:
            told = ngettext(
                "It has %(count)s row; %(format)s is limited to %(limit)s. %(cure)s",
                "It has %(count)s rows; %(format)s is limited to %(limit)s. %(cure)s",
                count,
            )
        super().__init__(told % {"count": grouped(count), "format": label, "limit": grouped(limit), "cure": cure})


class TooManyColumns(Refused):
    """More columns than a table may have."""

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(
            _("The table has %(count)s columns; the limit is %(limit)s. Keep the columns that are to be imported.")
            % {"count": grouped(count), "limit": grouped(limit)}
        )


class TooLongCell(Refused):
    """A value is longer than any may be; in a CSV mostly a quote that nobody closed."""

    def __init__(self, row: int, limit: int) -> None:
        self.row = row
        super().__init__(
            _(
                "Row %(row)s: a value has more than %(limit)s characters. "
                "Probably a quote before it was never closed. Mend the row, and upload the file again."
            )
            % {"row": grouped(row), "limit": grouped(limit)}
        )


class TooLargeSheet(Refused):
    """A sheet spans more cells than are read in one piece."""

    def __init__(self, rows: int, columns: int, limit: int) -> None:
        super().__init__(
            _(
                "The sheet spans %(rows)s rows and %(columns)s columns; a sheet is limited to %(limit)s cells. "
                "Delete what is empty or not needed, or save it as CSV, which may be of any length."
            )
            % {"rows": grouped(rows), "columns": grouped(columns), "limit": grouped(limit)}
        )


class TooMuchUnpacked(Refused):
    """A workbook has more bytes than are read, once it is unpacked."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            _(
                "Unpacked, the workbook has %(size)s; the limit is %(limit)s. Save it as CSV, which may be of any length."
            )
            % {"size": filesizeformat(size), "limit": filesizeformat(limit)}
        )


class NoHeading(Refused):
    """No row names the columns."""

    def __init__(self, row: int, values: Sequence[str]) -> None:
        shown = ", ".join(f"“{value[:30]}”" for value in values[:3])
        super().__init__(
            _(
                "No row names the columns: row %(row)s holds values (%(values)s). "
                "Put a row with the columns' names above them, and upload the file again."
            )
            % {"row": grouped(row), "values": shown}
        )


class Undecodable(Refused):
    """Bytes that the encoding does not have; `row` is where."""

    def __init__(self, row: int, encoding: str) -> None:
        self.row = row
        super().__init__(
            _(
                "Row %(row)s holds bytes that are not %(encoding)s. Choose another encoding, "
                "or save the file as “CSV UTF-8”, and upload that."
            )
            % {"row": grouped(row), "encoding": encoding}
        )


class OpenQuote(Refused):
    """A quote is opened and never closed: all that follows would be one value."""

    def __init__(self, row: int) -> None:
        self.row = row
        super().__init__(
            _(
                "Row %(row)s: a quote is opened and never closed, so the rest of the file would be one value. "
                "Close the quote, or double it if it belongs to the text, and upload the file again."
            )
            % {"row": grouped(row)}
        )


class NotInXLSX(ConsoleError):
    """A text that no cell of a workbook can hold whole; what comes back from it would be another."""

    def __init__(self, row: int) -> None:
        self.row = row
        super().__init__(
            _(
                "Not downloaded as XLSX: row %(row)s of the report has a value with control characters or more than "
                "32,767 characters, which no cell of XLSX holds. Download the CSV, which has it whole."
            )
            % {"row": grouped(row)}
        )


class NotSo(Refused):
    """What was chosen on the page does not fit the file: its encoding, its heading's row, its sheet."""

    def __init__(self, what: str) -> None:
        super().__init__(_("The file cannot be read like that: %(what)s Choose something else.") % {"what": what})
