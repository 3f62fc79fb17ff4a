"""The parts of an XLSX workbook of one sheet, and how they are packed without keeping it in memory."""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape, quoteattr

XLSX_ROWS = 1_048_576
XLSX_CELL = 32_767
LONGEST_TITLE = 31
EXACT = 2**53  # a sheet keeps numbers as floats; longer ones are kept as text
FAST = 3  # of 9: the sheet is packed while nobody else gets this worker

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEETML = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - sheets know no time zones
_FIRST_DAY = date(1900, 3, 1)  # before it the sheets of the world disagree
_DATE, _MOMENT, _TIME = 1, 2, 3  # styles of _STYLES
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ESCAPED = re.compile("_(?=x[0-9a-fA-F]{4}_)")  # what a reader would take for a character
_ENTITIES = {"\r": "&#13;"}

_FILES = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_SHEETML}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_SHEETML}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_SHEETML}.styles+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_RELATIONS}/styles" Target="styles.xml"/></Relationships>'
    ),
    "xl/styles.xml": (
        f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="4"><xf/><xf numFmtId="14" applyNumberFormat="1"/>'
        '<xf numFmtId="22" applyNumberFormat="1"/><xf numFmtId="21" applyNumberFormat="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    ),
}


def sheet_head() -> bytes:
    """Return what comes before the rows of a sheet."""
    return f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'.encode()


def sheet_row(cells: Sequence[Any], number: int) -> str:
    """Return the XML of a row; `number` is its place in the sheet, from 1."""
    written = [_cell(cell, f"{column}{number}") for column, cell in zip(_columns(len(cells)), cells, strict=True)]
    return f'<row r="{number}">{"".join(written)}</row>'


def sheet_tail() -> bytes:
    """Return what comes after the rows."""
    return b"</sheetData></worksheet>"


def packed(sheet: Iterable[bytes], title: str) -> Iterator[bytes]:
    """Yield a workbook of one sheet, whose XML is read while it is packed."""
    out = _Drained()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=FAST) as book:
        for name, text in {**_FILES, "xl/workbook.xml": _workbook(title)}.items():
            book.writestr(name, _HEAD + text)
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as inside:
            for piece in sheet:
                inside.write(piece)
                yield out.drain()
    yield out.drain()


def _workbook(title: str) -> str:
    name = re.sub(r"[\[\]:*?/\\]", " ", title).strip("' ")[:LONGEST_TITLE] or "Sheet1"
    return (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>'
        f'<sheet name={quoteattr(name)} sheetId="1" r:id="rId1"/></sheets></workbook>'
    )


def _cell(value: Any, place: str) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float | Decimal):
        return f'<c r="{place}"><v>{value}</v></c>' if _is_exact(value) else _text(str(value), place)
    serial, style = _serial(value)
    return f'<c r="{place}" s="{style}"><v>{serial}</v></c>' if style else _text(str(value), place)


def _text(value: str, place: str) -> str:
    if "_x" in value:
        value = _ESCAPED.sub("_x005F_", value)
    clean = escape(_ILLEGAL.sub("\ufffd", value), _ENTITIES)
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{clean}</t></is></c>'


def _is_exact(value: float | Decimal) -> bool:
    return math.isfinite(value) and abs(float(value)) <= EXACT


def _serial(value: Any) -> tuple[float, int]:
    """Return a date or a time as a sheet keeps it, and its style; style 0 where it cannot."""
    if isinstance(value, time):
        moment = datetime.combine(_DAY_ZERO, value.replace(tzinfo=None))
        return (moment - _DAY_ZERO) / timedelta(days=1), _TIME
    if isinstance(value, datetime) and value.date() >= _FIRST_DAY:
        return (value.replace(tzinfo=None) - _DAY_ZERO) / timedelta(days=1), _MOMENT
    if type(value) is date and value >= _FIRST_DAY:
        return (value - _DAY_ZERO.date()).days, _DATE
    return 0, 0


@lru_cache(maxsize=64)
def _columns(count: int) -> list[str]:
    return [_letters(number) for number in range(1, count + 1)]


def _letters(number: int) -> str:
    letters = ""
    while number:
        number, left = divmod(number - 1, 26)
        letters = chr(65 + left) + letters
    return letters


class _Drained(io.RawIOBase):
    """A file that cannot seek, and hands on what was written to it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def drain(self) -> bytes:
        """Return what was written since the last call."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
