"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import struct
from typing import IO, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ZIP: Final = b"PK\x03\x04"
OLD_OFFICE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
TAR_AT: Final = 257

_PROGRAM = _("a program file")
_ARCHIVE = _("an archive")
_PICTURE = _("a picture")
_DOCUMENT = _("a document")
_FILM = _("sound or film")
_PAGE = _("a web page")
_DATABASE = _("a database")

# (first bytes, what it is). Two letters alone may begin a text too: those say so by a zero among the first bytes.
_KINDS: Final[tuple[tuple[bytes, Promise | str], ...]] = (
    (b"\x7fELF", _PROGRAM),
    (b"#!/", _PROGRAM),
    (b"#! /", _PROGRAM),
    (b"\xca\xfe\xba\xbe", _PROGRAM),
    (b"\xcf\xfa\xed\xfe", _PROGRAM),
    (b"\xce\xfa\xed\xfe", _PROGRAM),
    (b"\xfe\xed\xfa", _PROGRAM),
    (b"\0asm", _PROGRAM),
    (b"<?php", _PROGRAM),
    (b"\x1f\x8b", _ARCHIVE),
    (b"BZh", _ARCHIVE),
    (b"\xfd7zXZ", _ARCHIVE),
    (b"7z\xbc\xaf", _ARCHIVE),
    (b"Rar!", _ARCHIVE),
    (b"\x28\xb5\x2f\xfd", _ARCHIVE),
    (b"PK\x05\x06", _ARCHIVE),
    (b"\x89PNG", _PICTURE),
    (b"\xff\xd8\xff", _PICTURE),
    (b"GIF87a", _PICTURE),
    (b"GIF89a", _PICTURE),
    (b"II*\0", _PICTURE),
    (b"MM\0*", _PICTURE),
    (b"%PDF-", _DOCUMENT),
    (b"{\\rtf", _DOCUMENT),
    (b"%!PS", _DOCUMENT),
    (b"ID3", _FILM),
    (b"OggS", _FILM),
    (b"fLaC", _FILM),
    (b"\x1aE\xdf\xa3", _FILM),
    (b"SQLite format 3\0", _DATABASE),
    (b"PAR1", _DATABASE),
)
_BINARY_KINDS: Final[tuple[tuple[bytes, Promise | str], ...]] = (
    (b"MZ", _PROGRAM),
    (b"BM", _PICTURE),
    (b"RIFF", _FILM),
)
_PAGES: Final = (b"<!doctype html", b"<html", b"<table", b"<svg")
_XML: Final = b"<?xml"
_OLD_HEADER: Final = struct.Struct("<30xH16xI")  # the size of a sector, as a power of 2; the sector of the directory
_OLD_SHIFT: Final = 12
_NOISE_SHARE = 0.02
_NOISE_LEAST = 8
_CONTROLS: Final = bytes(code for code in range(32) if code not in b"\t\n\r\f\x0b\x1a\0") + b"\x7f"


def kind_of(head: bytes) -> str:
    """Return what the file with these first bytes is, with its article; empty if it may be a table."""
    if head[4:8] == b"ftyp":
        return str(_FILM)
    if head[TAR_AT : TAR_AT + 5] == b"ustar":
        return str(_ARCHIVE)
    for start, kind in _KINDS:
        if head.startswith(start):
            return str(kind)
    if b"\0" in head:
        for start, kind in _BINARY_KINDS:
            if head.startswith(start):
                return str(kind)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_PAGES) or (text.startswith(_XML) and any(page in text for page in _PAGES)):
        return str(_PAGE)
    return str(_DOCUMENT) if text.startswith(_XML) else ""


def is_locked(file: IO[bytes]) -> bool:
    """Tell whether a file of the old office's kind holds a workbook behind a password: its directory says so."""
    file.seek(0)
    shift, sector = _OLD_HEADER.unpack(file.read(_OLD_HEADER.size))
    file.seek((sector + 1) << min(shift, _OLD_SHIFT))
    return "EncryptedPackage".encode("utf-16-le") in file.read(1 << _OLD_SHIFT)


def is_noise(head: bytes) -> bool:
    """Tell whether the first bytes of what should be text hold too many control characters for that."""
    controls = sum(head.count(code) for code in _CONTROLS)
    return controls > max(len(head) * _NOISE_SHARE, _NOISE_LEAST)
