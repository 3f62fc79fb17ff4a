"""Keeping files: the only writer of `File` rows, and of the console's storage."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Any
from uuid import uuid4

from django.core.files import File as DjangoFile
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from console.conf import settings
from console.exceptions import FileEmpty, FileGone, FileTooLarge
from console.models import File, Run
from console.models.files import forget_bytes
from console.storage import storage

if TYPE_CHECKING:
    from console.engine.people import User

BLOCK = 64 * 1024
UNKNOWN = "application/octet-stream"
Source = Iterable[bytes] | IO[bytes] | DjangoFile  # type: ignore[type-arg]
LONGEST_NAME = 200


def keep(source: Source, **facts: Any) -> File:
    """Stream a file into the console's storage, and record it: `put`, and the row written last.

    Where the caller's transaction is rolled back the bytes stay behind, for the clean-up.

    Raises:
        FileTooLarge: It is longer than `limit`; nothing is kept.
        FileEmpty: It has no bytes.
    """
    file = put(source, **facts)
    file.save(force_insert=True)
    return file


def put(
    source: Source,
    *,
    kind: str,
    name: str,
    run: Run | None = None,
    of: File | None = None,
    by: User | None = None,
    media_type: str = "",
    rows: int | None = None,
    limit: int | None = None,
    keep_for: float | None = None,
    expires: bool = True,
) -> File:
    """Stream a file into the console's storage, and return its record, for the caller to save.

    Args:
        source: The content: an upload, an open file, or pieces of bytes.
        kind: What it is to its run: one of `File.Kind`.
        name: As people shall see it.
        run: The run it belongs to, if there is one yet.
        of: The file that it was made of.
        by: Who made it; by default whoever asked for the run.
        media_type: Its MIME type; by default that of unknown bytes.
        rows: How many rows it has, where that is known.
        limit: The most bytes it may have; None: any number.
        keep_for: Seconds until it expires; by default ``CONSOLE["KEEP_FILES"]``.
        expires: Whether it expires by itself.

    Raises:
        FileTooLarge: It is longer than `limit`; nothing is kept.
        FileEmpty: It has no bytes.
    """
    shown = shown_name(name)
    content = _Measured(source, shown, limit)
    stored = _save(content, kind)
    if not content.length:
        storage().delete(stored)
        raise FileEmpty(shown)
    until = timezone.now() + timedelta(seconds=settings.keep_files if keep_for is None else keep_for)
    asked_by = run.asked_by_id if run else None
    return File(
        run=run,
        of=of,
        kind=kind,
        name=shown,
        stored=stored,
        size=content.length,
        sha256=content.hash.hexdigest(),
        media_type=media_type or UNKNOWN,
        rows=rows,
        made_by_id=by.pk if by else asked_by,
        expires_at=until if expires else None,
    )


def discard(file: File) -> None:
    """Delete the bytes of a file that will not be recorded."""
    storage().delete(file.stored)


def open_file(file: File) -> IO[bytes]:
    """Return the content of `file`, open at its beginning.

    Raises:
        FileGone: It was deleted, has expired, or is not in the storage.
    """
    if not file.is_there:
        raise FileGone(file.name)
    try:
        return storage().open(file.stored, "rb")
    except FileNotFoundError:
        raise FileGone(file.name) from None


def remove(files: QuerySet[File]) -> int:
    """Delete the bytes of `files` after commit and say so in their records, which stay; returns how many there were."""
    with transaction.atomic():
        there = files.filter(deleted_at=None)
        found = dict(there.select_for_update(no_key=True, of=("self",)).order_by("pk").values_list("pk", "stored"))
        File.objects.filter(pk__in=found).update(deleted_at=timezone.now())
        forget_bytes(list(found.values()))
    return len(found)


def input_of(run: Run) -> File | None:
    """Return the file that the run reads: its own, or that of the preview or the run that it came from."""
    earlier: Run | None = run
    while earlier is not None:
        if found := _newest(earlier, File.Kind.INPUT):
            return found
        earlier = earlier.preview_of or earlier.retry_of
    return None


def output_of(run: Run) -> File | None:
    """Return the file that the run wrote."""
    return _newest(run, File.Kind.OUTPUT)


def shown_name(name: str) -> str:
    r"""Return a file's name without folders and characters that do not show.

    >>> shown_name("..\\notes\r\n.csv"), shown_name("/etc/")
    ('notes.csv', 'etc')
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    plain = "".join(char for char in last if not unicodedata.category(char).startswith("C")).strip()
    if len(plain) > LONGEST_NAME:
        stem, dot, extension = plain.rpartition(".")
        plain = stem[: LONGEST_NAME - len(dot + extension)] + dot + extension if stem else plain
    return plain[:LONGEST_NAME] or "file"


def _newest(run: Run, kind: str) -> File | None:
    return File.objects.filter(run=run, kind=kind).order_by("-pk").first()


def _save(content: _Measured, kind: str) -> str:
    """Save the content under a new name that tells nothing of it; what broke off half-way is deleted."""
    name = f"{kind}/{timezone.now():%Y/%m/%d}/{uuid4().hex}"
    try:
        return storage().save(name, content)
    except BaseException:
        storage().delete(name)
        raise


class _Measured(DjangoFile):  # type: ignore[type-arg]
    """A file that is read once, from its beginning to its end: counted, hashed, and stopped at the limit."""

    def __init__(self, source: Any, name: str, limit: int | None) -> None:
        super().__init__(None, name)
        self.hash = hashlib.sha256()
        self.length = 0
        self._limit, self._told = limit, getattr(source, "size", None)
        self._pieces = pieces_of(source)
        self._left = b""
        if limit is not None and isinstance(self._told, int) and self._told > limit:
            raise FileTooLarge(name, limit, self._told)

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the content."""
        while piece := self.read(chunk_size or BLOCK):
            yield piece

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes, or all that are left."""
        parts = [self._left]
        length = len(self._left)
        while size < 0 or length < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._measure(piece)
            parts.append(piece)
            length += len(piece)
        read = b"".join(parts)
        self._left = read[size:] if size >= 0 else b""
        return read[:size] if size >= 0 else read

    def _measure(self, piece: bytes) -> None:
        self.length += len(piece)
        if self._limit is not None and self.length > self._limit:
            raise FileTooLarge(self.name or "", self._limit)
        self.hash.update(piece)

    def seekable(self) -> bool:
        """Say that there is no way back."""
        return False

    def seek(self, position: int, whence: int = 0) -> int:
        """Stay at the beginning, which some storages ask for before they read."""
        if position or whence or self.length:
            raise OSError("This file is read once.")
        return 0

    def tell(self) -> int:
        """Return how much was read."""
        return self.length - len(self._left)


def pieces_of(source: Any) -> Iterator[bytes]:
    """Yield the content of an upload, an open file, or pieces of bytes."""
    if hasattr(source, "chunks"):
        return iter(source.chunks())
    if hasattr(source, "read"):
        return iter(lambda: source.read(BLOCK), b"")
    return iter(source)
