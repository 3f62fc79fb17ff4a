"""How far the sheets of a workbook reach, and how much text their cells have: found out before it is opened.

A sheet is read in one piece, as wide and as long as its outermost cells, with a text for each cell that refers to one.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import IO, Final
from xml.parsers.expat import ParserCreate
from zipfile import BadZipFile, ZipInfo

from console.exceptions.tables import Bomb, TooLargeSheet
from console.tables import limits
from console.tables.archives import inflated, opened, sound
from console.tables.formats import XLSX, Format

TAG_MAX: Final = 8 << 20
STARTS_WITHIN: Final = 4096  # bytes, an XML text with its first tag

_XLSX_TAG = re.compile(rb"<(?:\w+:)?(c|row|sheetData)(?=[\s/>])([^>]*)>")
_XLSX_ANY = re.compile(rb"<(?:\w+:)?(?:c|row)(?=[\s/>])")
# As nearly every program writes them.
_XLSX_USUAL_CELL = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"')
_XLSX_USUAL_ROW = re.compile(rb'<row r="([0-9]{1,7})"')
_XLSX_PLACE = re.compile(rb"""(?:^|\s)r\s*=\s*["']([A-Za-z]*)(\d+)""")
_XLSX_SHARED = re.compile(rb"<(?:\w+:)?sst[\s>]")
_XLSX_REFERS = re.compile(rb"""\st\s*=\s*["']s["']""")
_XLSX_NUMBER = re.compile(rb"""\st\s*=\s*["']s["'][^>]*>\s*<(?:\w+:)?v>\s*(\d+)""")
_XLSX_ERROR = re.compile(rb"""\st\s*=\s*["']e["']""")
_ODS_TAG = re.compile(rb"<table:(table|table-row|table-cell|covered-table-cell)(?=[\s/>])([^>]*)>")
_ODS_REPEATED = re.compile(rb"""table:number-(?:rows|columns)-repeated\s*=\s*["'](\d+)""")


@dataclass
class Extent:
    """How far the largest sheet of a workbook reaches, and what its cells take.

    Args:
        rows: How many rows it spans.
        columns: How many columns.
        size: How many bytes of text its cells have: one text may stand in many.
        faulty: The rows in which a cell holds an error instead of a value.
        shared: The length of each text that cells refer to.
    """

    rows: int = 0
    columns: int = 0
    size: int = 0
    faulty: set[int] = field(default_factory=set)
    shared: array[int] = field(default_factory=lambda: array("L"))

    def reach(self, row: int, column: int) -> None:
        """Take in the cell at `row` and `column`, counted from 1."""
        self.rows, self.columns = max(self.rows, row), max(self.columns, column)


def measure(file: IO[bytes], name: str, kind: Format) -> Extent:
    """Return how far a workbook reaches: all of it is unpacked once for that, in blocks, and none kept.

    A sheet is read in one piece, as wide and as long as its outermost cells; one cell far away would take all memory.

    Raises:
        Bomb: An entry holds more than it declares, or one text is to stand in very many cells.
        Broken: Its XML is not sound, or declares entities.
        NotATable: It is damaged.
        TooLargeSheet: A sheet spans more cells than are read.
    """
    found = Extent()
    with opened(file, name) as archive:
        for entry in archive.infolist() if kind is XLSX else ():
            if _is_xml(entry):
                _measure_shared(sound(inflated(file, entry, name), kind), found.shared)
        for entry in archive.infolist():
            blocks = inflated(file, entry, name)
            if _is_xml(entry):
                blocks = sound(blocks, kind)
            if kind is XLSX:
                _reach_xlsx(blocks, found, may_be_sheet=_is_xml(entry))
            elif entry.filename == "content.xml":
                _reach_ods(blocks, found)
            else:
                for _block in blocks:
                    pass
    if found.size > limits.unpacked_max():
        raise Bomb(name)
    if found.rows * found.columns > limits.sheet_cells_max():
        raise TooLargeSheet(found.rows, found.columns, limits.sheet_cells_max())
    return found


def _is_xml(entry: ZipInfo) -> bool:
    return entry.filename.lower().endswith((".xml", ".rels"))


def _whole_tags(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the text of `blocks` in pieces that end where a tag begins."""
    rest = b""
    for block in blocks:
        text = rest + block
        cut = text.rfind(b"<")
        text, rest = (text[:cut], text[cut:]) if cut >= 0 else (text, b"")
        if len(rest) > TAG_MAX:
            raise BadZipFile
        yield text
    yield rest


def _measure_shared(blocks: Iterator[bytes], lengths: array[int]) -> None:
    """Add the lengths of the texts that cells refer to by number, if these are they."""
    start = next(blocks, b"")
    if not _XLSX_SHARED.search(start[:STARTS_WITHIN]):
        return
    parser = ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    depth = _Shared(lengths)
    parser.StartElementHandler, parser.EndElementHandler = depth.start, depth.end
    parser.CharacterDataHandler = depth.text
    for block in chain([start], blocks):
        parser.Parse(block)


class _Shared:
    """Measures texts while they are parsed."""

    def __init__(self, lengths: array[int]) -> None:
        self.lengths, self.size = lengths, 0

    def start(self, name: str, _attributes: object) -> None:
        """Begin a text."""
        if name.endswith(" si"):
            self.size = 0

    def text(self, data: str) -> None:
        """Take a piece of it."""
        self.size += len(data)

    def end(self, name: str) -> None:
        """End it."""
        if name.endswith(" si"):
            self.lengths.append(self.size)


def _size_shared(text: bytes, lengths: array[int]) -> int:
    """Return how much text the cells refer to; one that does so in an unusual way counts as the longest."""
    count = len(_XLSX_REFERS.findall(text))
    if not count or not lengths:
        return 0
    numbers = [int(number) for number in _XLSX_NUMBER.findall(text)]
    return sum(lengths[each] for each in numbers if each < len(lengths)) + max(count - len(numbers), 0) * max(lengths)


def _reach_xlsx(blocks: Iterator[bytes], found: Extent, *, may_be_sheet: bool) -> None:
    place = (0, 0)
    for text in _whole_tags(blocks):
        if not may_be_sheet and b"sheetData" in text:  # under a name by which it would not be looked through
            raise BadZipFile
        found.size += _size_shared(text, found.shared)
        cells, rows = _XLSX_USUAL_CELL.findall(text), _XLSX_USUAL_ROW.findall(text)
        if len(cells) + len(rows) != len(_XLSX_ANY.findall(text)) or _XLSX_ERROR.search(text):
            place = _reach_each(text, place, found)
        elif cells:
            last = int(cells[-1][1])
            found.reach(max(int(row) for _letters, row in cells), max(map(_column, {each for each, _row in cells})))
            place = (last, _column(cells[-1][0])) if not rows or int(rows[-1]) == last else (int(rows[-1]), 0)
        elif rows:
            place = (int(rows[-1]), 0)


def _reach_each(text: bytes, place: tuple[int, int], found: Extent) -> tuple[int, int]:
    """Take in the cells one by one, from `place` on, and return the place of the last: not all say where they are."""
    row, column = place
    for name, attributes in _XLSX_TAG.findall(text):
        said = _XLSX_PLACE.search(attributes)
        if name == b"sheetData":
            row = column = 0
        elif name == b"row":
            row, column = int(said[2]) if said else row + 1, 0
        else:
            row, column = (int(said[2]), _column(said[1])) if said and said[1] else (row, column + 1)
            found.reach(row, column)
            if _XLSX_ERROR.search(attributes):
                found.faulty.add(row)
    return row, column


def _column(letters: bytes) -> int:
    """Return the number of the column that letters stand for: A is 1, AA is 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number


def _reach_ods(blocks: Iterator[bytes], found: Extent) -> None:
    row = column = repeated = cells = 0  # `cells`: in how many the text stands that follows
    for text in _whole_tags(blocks):
        end = 0
        for tag in _ODS_TAG.finditer(text):
            name, attributes = tag.groups()
            found.size += (tag.start() - end) * cells
            end = tag.end()
            times = _ODS_REPEATED.search(attributes)
            count, cells = int(times[1]) if times else 1, 0
            if name == b"table":
                row = column = repeated = 0
            elif name == b"table-row":
                row, column, repeated = row + repeated, 0, count
            else:
                column += count
                if not attributes.endswith(b"/") or b"office:" in attributes:
                    found.reach(row + repeated, column)
                    cells = 0 if attributes.endswith(b"/") else count * repeated
        found.size += (len(text) - end) * cells
