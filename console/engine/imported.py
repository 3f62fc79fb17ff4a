"""Which row became which object: a part of the list in each checkpoint, joined when somebody downloads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db.models import QuerySet
from django.utils import timezone

from console import tables
from console.engine.files import keep, open_file, pieces_of
from console.models import File, Run

HEADINGS = ("row", "object_id", "what")  # the row's number in the file, the object's key, what came of it

Imported = tuple[int, str, str]


def keep_rows(run: Run, rows: Iterable[Imported]) -> None:
    """Keep what came of a chunk's rows; if its transaction is rolled back, the part does not count."""
    part = list(rows)
    content = tables.writer("csv", HEADINGS).part(part, 0)
    keep([content], kind=File.Kind.REPORT, name="imported.csv", run=run, rows=len(part))


def parts_of(run: Run) -> QuerySet[File]:
    """Return the parts of the list that are still there, in their order."""
    kept = File.objects.filter(run=run, kind=File.Kind.REPORT, deleted_at=None, expires_at__gt=timezone.now())
    return kept.order_by("pk")


def imported_rows(run: Run) -> Iterator[bytes]:
    """Yield the list as CSV, part by part.

    Raises:
        FileGone: A part of it has expired.
    """
    yield from tables.writer("csv", HEADINGS).joined(_content(part) for part in parts_of(run))


def _content(part: File) -> Iterator[bytes]:
    with open_file(part) as opened:
        yield from pieces_of(opened)
