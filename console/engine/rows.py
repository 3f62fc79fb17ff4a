"""The rows of a file as items of a run: read after the cursor, at their place in the file (DESIGN §8)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any

from django.db.models import Q, QuerySet

from console import tables
from console.engine.files import open_file
from console.engine.pieces import Chunk, Piece
from console.exceptions import FileGone
from console.models import Failure, File, Partition, Run
from console.operations.base import OnError

KIND = "rows"  # of what a run keeps of its file, once that is ready to be read


@dataclass(frozen=True)
class Line:
    """A row of the file, and the cursor before it: from there it can be read again."""

    row: tables.Row
    before: tuple[int, int]


@dataclass(frozen=True)
class Source:
    """The file that a run reads: which one, how it is laid out, and how many rows it has."""

    file: File
    layout: tables.Layout
    count: int

    @classmethod
    def of(cls, run: Run) -> Source:
        """Return what the run reads.

        Raises:
            FileGone: Its record was deleted.
        """
        kept = described(run)
        file = File.objects.filter(pk=kept["file"]).first()
        if file is None:
            raise FileGone(kept.get("name", ""))
        return cls(file, tables.Layout.from_json(kept["layout"]), kept["count"])


def described(run: Run) -> dict[str, Any]:
    """Return what a run keeps of its file; nothing while that is not ready."""
    kept = run.selection or {}
    return kept if kept.get("kind") == KIND else kept.get(KIND, {})


def is_whole(run: Run) -> bool:
    """Tell whether a run of rows does all of them or none: in one chunk, one transaction."""
    return run.on_error == OnError.STOP


def read_rows(run: Run, partition: Partition, size: int) -> Chunk:
    """Return the next rows after the partition's cursor, at most `size`; all of them where it is all or nothing."""
    source = Source.of(run)
    wanted = source.count + 1 if is_whole(run) else size
    with open_file(source.file) as file:
        if partition.mark:
            return _read_again(file, source, partition, wanted)
        pieces = [_piece(line) for line in islice(_lines(file, source, partition.cursor), wanted)]
    return Chunk(partition.cursor, pieces, is_last=len(pieces) < wanted)


def _lines(file: IO[bytes], source: Source, cursor: tuple[int, int]) -> Iterator[Line]:
    before = cursor
    for row in tables.rows(file, source.layout, cursor=tables.Cursor(*cursor) if any(cursor) else None):
        yield Line(row, before)
        before = (row.cursor[0], row.cursor[1])


def _piece(line: Line, end: tuple[int, int] | None = None) -> Piece:
    return Piece(line.row.number, 0, 0, end or (line.row.cursor[0], line.row.cursor[1]), None, line)


# --- the rows that failed in an earlier run


def again(old: Run, kinds: Iterable[str], group: str, without: Iterable[str]) -> str:
    """Return the mark of a partition that reads the failed rows of `old` again.

    Args:
        old: The earlier run.
        kinds: Which kinds of failures.
        group: Only the failures of one reason; empty: of any.
        without: Not the failures of these reasons, which others have taken up.
    """
    return json.dumps({"run": old.pk, "kinds": sorted(kinds), "group": group, "without": sorted(without)})


def failed_rows(mark: str) -> QuerySet[Failure]:
    """Return the failures whose rows a partition with `mark` reads again."""
    asked = json.loads(mark)
    wanted = Q(run=asked["run"], kind__in=asked["kinds"])
    if asked["group"]:
        wanted &= Q(group=asked["group"])
    return Failure.objects.filter(wanted).exclude(group__in=asked["without"]).order_by("pk")


def _read_again(file: IO[bytes], source: Source, partition: Partition, size: int) -> Chunk:
    """Read the next failed rows, each at its own place; the cursor is the id of the failure."""
    found = failed_rows(partition.mark).filter(pk__gt=partition.position).values_list("pk", "data")[:size]
    pieces = [_piece(line_at(file, source, tuple(data["cursor"])), end=(pk, 0)) for pk, data in found]
    return Chunk(partition.cursor, pieces, is_last=len(pieces) < size)


def line_at(file: IO[bytes], source: Source, cursor: tuple[int, int]) -> Line:
    """Return the row that follows a cursor."""
    return next(_lines(file, source, cursor))
