"""Workbooks are archives: looked through before anybody unpacks them, by what they declare and by what they hold."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final
from xml.parsers.expat import ExpatError, ParserCreate
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from django.utils.translation import gettext as _

from console.exceptions.tables import Bomb, Broken, Locked, NotATable, TooMuchUnpacked
from console.tables import limits
from console.tables.formats import ODS, XLSX, Format

ENTRIES_MAX: Final = 5000
RATIO_MAX: Final = 100  # from a size on that is worth a look: what repeats itself packs well
RATIO_FROM: Final = 64 << 20
BLOCK: Final = 1 << 20
_ENCRYPTED: Final = 0x1
_HEADER: Final = struct.Struct("<26xHH")  # of an entry: the lengths of its name and of what follows it
_WIDE_STARTS: Final = (b"\xff\xfe", b"\xfe\xff", b"\0", b"<\0")


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


def inflated(file: IO[bytes], entry: ZipInfo, name: str) -> Iterator[bytes]:
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


def sound(blocks: Iterator[bytes], kind: Format) -> Iterator[bytes]:
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
