"""Workbooks are archives: looked through before anybody unpacks them, by what they declare and by what they hold."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Final
from xml.parsers.expat import ExpatError, ParserCreate
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from django.utils.translation import gettext as _

from console.exceptions.tables import Bomb, Broken, Locked, NotATable, TooLargeSheet, TooMuchUnpacked
from console.tables import limits
from console.tables.formats import ODS, XLSX, Format

ENTRIES_MAX: Final = 5000
RATIO_MAX: Final = 100  # from a size on that is worth a look: what repeats itself packs well
RATIO_FROM: Final = 64 << 20
BLOCK: Final = 1 << 20
TAG_MAX: Final = 8 << 20
_ENCRYPTED: Final = 0x1
_HEADER: Final = struct.Struct("<26xHH")  # of an entry: the lengths of its name and of what follows it
_WIDE_STARTS: Final = (b"\xff\xfe", b"\xfe\xff", b"\0", b"<\0")

_XLSX_TAG = re.compile(rb"<(?:\w+:)?(c|row|sheetData)(?=[\s/>])([^>]*)>")
_XLSX_ANY = re.compile(rb"<(?:\w+:)?(?:c|row)(?=[\s/>])")
# As nearly every program writes them.
_XLSX_USUAL_CELL = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"')
_XLSX_USUAL_ROW = re.compile(rb'<row r="([0-9]{1,7})"')
_XLSX_PLACE = re.compile(rb"""(?:^|\s)r\s*=\s*["']([A-Za-z]*)(\d+)""")
_XLSX_ERROR = re.compile(rb"""\st\s*=\s*["']e["']""")
_ODS_TAG = re.compile(rb"<table:(table|table-row|table-cell|covered-table-cell)(?=[\s/>])([^>]*)>")
_ODS_REPEATED = re.compile(rb"""table:number-(?:rows|columns)-repeated\s*=\s*["'](\d+)""")


@dataclass
class Extent:
    """How far the largest sheet of a workbook reaches, and in which rows of it cells hold an error instead of a value."""

    rows: int = 0
    columns: int = 0
    faulty: set[int] = field(default_factory=set)

    def reach(self, row: int, column: int) -> None:
        """Take in the cell at `row` and `column`, counted from 1."""
        self.rows, self.columns = max(self.rows, row), max(self.columns, column)


def kind_of(file: IO[bytes], name: str) -> Format:
    """Return which kind of workbook an archive is, after a look at what it declares.

    Raises:
        Bomb: It would unpack into much more than it has, or has too many entries.
        Locked: It needs a password.
        NotATable: It is an archive of something else.
        TooMuchUnpacked: It is too large, if honestly so.
    """
    with opened(file, name) as archive:
        entries = archive.infolist()
        names = {entry.filename for entry in entries}
        if len(entries) > ENTRIES_MAX:
            raise Bomb(name)
        if any(entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED} for entry in entries):
            raise BadZipFile
        size = file.seek(0, 2)
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > RATIO_FROM and unpacked > size * RATIO_MAX:
            raise Bomb(name)
        if unpacked > limits.unpacked_max():
            raise TooMuchUnpacked(unpacked, limits.unpacked_max())
        if any(entry.flag_bits & _ENCRYPTED for entry in entries):
            raise Locked(name)
        if "xl/workbook.xml" in names:
            return XLSX
        if {"content.xml", "mimetype"} <= names and _is_ods(archive):
            return ODS
    raise NotATable(name, _("an archive"))


@contextmanager
def opened(file: IO[bytes], name: str) -> Iterator[ZipFile]:
    """Open an archive.

    Raises:
        NotATable: It is damaged.
    """
    file.seek(0)
    try:
        with ZipFile(file) as archive:
            yield archive
    except (BadZipFile, NotImplementedError, EOFError, struct.error, zlib.error, ValueError):
        raise NotATable(name, _("a damaged archive")) from None


def _is_ods(archive: ZipFile) -> bool:
    with archive.open("mimetype") as entry:
        return entry.read(99).startswith(ODS.content_type.encode())


def extent(file: IO[bytes], name: str, kind: Format) -> Extent:
    """Return how far a workbook reaches: all of it is unpacked once for that, in blocks, and none kept.

    A sheet is read in one piece, as wide and as long as its outermost cells; one cell far away would take all memory.

    Raises:
        Bomb: An entry holds more than it declares.
        Broken: Its XML is not sound, or declares entities.
        NotATable: It is damaged.
        TooLargeSheet: A sheet spans more cells than are read.
    """
    found = Extent()
    with opened(file, name) as archive:
        for entry in archive.infolist():
            blocks = _inflated(file, entry, name)
            if entry.filename.endswith((".xml", ".rels")):
                blocks = _sound(blocks, kind)
            if kind is XLSX:
                _reach_xlsx(blocks, found)
            elif entry.filename == "content.xml":
                _reach_ods(blocks, found)
            else:
                for _block in blocks:
                    pass
    if found.rows * found.columns > limits.sheet_cells_max():
        raise TooLargeSheet(found.rows, found.columns, limits.sheet_cells_max())
    return found


def _inflated(file: IO[bytes], entry: ZipInfo, name: str) -> Iterator[bytes]:
    """Yield the blocks of an entry, to its true end and no further than it declares: ZipFile stops there by itself."""
    file.seek(entry.header_offset)
    file.seek(sum(_HEADER.unpack(file.read(_HEADER.size))), 1)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    left, size, checksum = entry.compress_size, 0, 0
    while left and (packed := file.read(min(left, BLOCK))):
        left -= len(packed)
        while packed:
            block = packed if entry.compress_type == ZIP_STORED else inflater.decompress(packed, BLOCK)
            packed = b"" if entry.compress_type == ZIP_STORED else inflater.unconsumed_tail
            size, checksum = size + len(block), zlib.crc32(block, checksum)
            if size > entry.file_size:
                raise Bomb(name)
            yield block
    if checksum != entry.CRC:
        raise BadZipFile


def _sound(blocks: Iterator[bytes], kind: Format) -> Iterator[bytes]:
    """Pass on the blocks of an XML text if it is well-formed, declares no entities, and is in plain bytes.

    What reads workbooks is fast, and does not end where a tag is not closed.
    """
    parser = ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    start = b""
    try:
        for block in blocks:
            start = start or block[:4]
            if start.startswith(_WIDE_STARTS):
                raise Broken(kind.label)
            parser.Parse(block)
            yield block
        parser.Parse(b"", True)  # noqa: FBT003 - takes no name
    except (ExpatError, LookupError) as error:
        raise Broken(kind.label, str(error)) from None


def _refuse_doctype(*_declared: object) -> None:
    raise ExpatError(_("it declares a document type"))


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


def _reach_xlsx(blocks: Iterator[bytes], found: Extent) -> None:
    place = (0, 0)
    for text in _whole_tags(blocks):
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
    row = column = repeated = 0
    for name, attributes in (tag for text in _whole_tags(blocks) for tag in _ODS_TAG.findall(text)):
        times = _ODS_REPEATED.search(attributes)
        count = int(times[1]) if times else 1
        if name == b"table":
            row = column = repeated = 0
        elif name == b"table-row":
            row, column, repeated = row + repeated, 0, count
        else:
            column += count
            if not attributes.endswith(b"/") or b"office:" in attributes:
                found.reach(row + repeated, column)
