"""The file that a run writes: parts, each in its checkpoint's transaction, and the whole, joined when all items are done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import QuerySet, Sum

from console.engine.faults import is_transient
from console.engine.files import discard, keep, open_file, pieces_of, put
from console.exceptions import FileNotWritten
from console.models import File, Run
from console.operations.files import FileOperation


def keep_part(run: Run, operation: FileOperation) -> None:
    """Keep what the chunk gathered; if its transaction is rolled back, the part does not count (PROTOCOL C4)."""
    before = parts_of(run)
    content, rows = operation.take_part(before.aggregate(rows=Sum("rows"))["rows"] or 0)
    if content:
        keep([content], kind=File.Kind.PART, name=operation.name, run=run, rows=rows, expires=False)


@contextmanager
def joined(run: Run, operation: FileOperation) -> Iterator[File]:
    """Write the whole file into the storage, and yield its record, not yet in the database; outside of a transaction.

    What is written goes again where the block raises: another worker was faster, or the database is away.

    Raises:
        FileNotWritten: The parts cannot be joined, for a reason that will not pass.
    """
    parts = list(parts_of(run))
    try:
        file = put(
            operation.joined(_content(part) for part in parts),
            kind=File.Kind.OUTPUT,
            name=operation.file_name(),
            run=run,
            media_type=operation.media_type,
            rows=sum(part.rows or 0 for part in parts),
        )
    except Exception as error:
        if is_transient(error, operation):
            raise
        raise FileNotWritten(error) from error
    try:
        yield file
    except BaseException:
        discard(file)
        raise


def publish(file: File) -> None:
    """Record the whole file, and forget its parts, in the caller's transaction."""
    file.save(force_insert=True)
    assert file.run is not None
    parts_of(file.run).delete()


def parts_of(run: Run) -> QuerySet[File]:
    """Return the parts of the run's file, in their order."""
    return File.objects.filter(run=run, kind=File.Kind.PART).order_by("pk")


def _content(part: File) -> Iterator[bytes]:
    with open_file(part) as opened:
        yield from pieces_of(opened)
