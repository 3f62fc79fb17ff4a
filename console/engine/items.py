"""Which items come next after a partition's cursor; reading only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TypeGuard

from django.db.models import BigIntegerField, Model

from console.engine.holds import identity
from console.engine.pieces import Chunk, Piece
from console.engine.rows import read_rows
from console.engine.statements import Given, Rows
from console.exceptions import Overtaken
from console.models import Partition, Run, Target
from console.operations.base import BaseOperation, Hold
from console.operations.files import FileOperation

BEYOND = BigIntegerField.MAX_BIGINT  # behind every target
OBJECTS = 5000  # the most that a chunk keeps in memory; their parts, such as copies, may be more


def read_chunk(run: Run, partition: Partition, operation: BaseOperation, size: int, *, locking: bool = True) -> Chunk:
    """Return the next items after the partition's cursor, at most `size`, of a bounded number of objects.

    Args:
        run: The run.
        partition: Its partition, just read.
        operation: The operation with the run's parameters.
        size: The most items to return, at least 1.
        locking: Lock the targets against a withdrawal, and under an exclusive hold the objects (PROTOCOL M12, §6);
            needs a transaction.
    """
    if operation.reads_rows:
        return read_rows(run, partition, size)
    if operation.selection is None:
        return _read_items(run, partition, operation, min(size, OBJECTS))
    parts = operation.parts()
    wanted = min(size, size // parts + 2, OBJECTS) + 1
    targets = _targets(wanted, locking=locking).read(
        run=run.pk, position=partition.position, last=BEYOND if partition.last is None else partition.last
    )
    pieces, ended = _cut(targets, partition, parts, size)
    objects = _read_objects(run, operation, [p.target for p in pieces if p.target], locking=locking)
    pieces = [replace(p, obj=objects.get(p.target.object_id)) if p.target else p for p in pieces]
    return Chunk(
        partition.cursor, pieces, ended and len(targets) < wanted and not (pieces and makes_file(operation, run))
    )


def lock_unchanged(run: Run, chunk: Chunk) -> None:
    """Lock the targets of a chunk that was read without, against a withdrawal.

    Raises:
        Overtaken: One of them was left out since.
    """
    read = {piece.target.pk: piece.target.withdrawn for piece in chunk.pieces if piece.target}
    if read:
        targets = Target.objects.filter(run=run, pk__gte=min(read), pk__lte=max(read)).order_by("pk")
        now = dict(targets.select_for_update(no_key=True).values_list("pk", "withdrawn"))
        if now != read:
            raise Overtaken


def makes_file(operation: BaseOperation, run: Run) -> TypeGuard[FileOperation]:
    """Tell whether a file is to be made when all items of the run are done."""
    return isinstance(operation, FileOperation) and not run.dry_run


@lru_cache(maxsize=64)
def _targets(wanted: int, *, locking: bool) -> Rows[Target]:
    """Return the next targets of a partition: the same few numbers are wanted again and again."""
    targets = Target.objects.filter(run=Given("run"), id__gt=Given("position"), id__lte=Given("last")).order_by("id")
    return Rows(lambda: (targets.select_for_update(no_key=True) if locking else targets)[:wanted])


def _cut(targets: Sequence[Target], partition: Partition, parts: int, size: int) -> tuple[list[Piece], bool]:
    """Cut up to `size` items off the targets; tells too whether all of the targets were used up."""
    pieces: list[Piece] = []
    before, left = partition.cursor, size
    for target in targets:
        if not left:
            return pieces, False
        first = max(target.first_part, before[1] if before[0] == partition.position else 0)
        stop = parts if target.parts is None else target.first_part + target.parts
        last = min(stop, first + left) - 1
        end = (target.pk, 0) if last == stop - 1 else (before[0], last + 1)
        pieces.append(Piece(target.pk, first, last, end, target))
        left -= pieces[-1].items
        before = end
    return pieces, not pieces or before[1] == 0


def _read_objects(run: Run, operation: BaseOperation, targets: Sequence[Target], *, locking: bool) -> dict[str, Model]:
    """Return the objects by the key their targets keep, read now (promise 4)."""
    assert operation.model is not None
    keys = [target.object_id for target in targets if not target.withdrawn]
    if not keys:
        return {}
    field = identity(operation.model)._meta.pk
    by_pk = {field.to_python(key): key for key in keys}
    rows = operation.model._base_manager.filter(pk__in=by_pk).order_by("pk")
    if locking and run.hold == Hold.EXCLUSIVE:
        root = identity(operation.model)
        if root is not operation.model._meta.concrete_model:  # the row that the guard and acceptance lock
            list(
                root._base_manager.select_for_update(no_key=True).filter(pk__in=by_pk).order_by("pk").values_list("pk")
            )
        rows = rows.select_for_update(no_key=True, of=("self",))
    return {by_pk[obj.pk]: obj for obj in rows}


def _read_items(run: Run, partition: Partition, operation: BaseOperation, size: int) -> Chunk:
    found = list(operation.read(partition.position, size))
    within = [pair for pair in found if partition.last is None or pair[0] <= partition.last]
    pieces = [Piece(position, 0, 0, (position, 0), None, obj) for position, obj in within]
    ended = len(found) < size or len(within) < len(found)
    ended = ended or (partition.last is not None and bool(pieces) and pieces[-1].position >= partition.last)
    return Chunk(partition.cursor, pieces, ended and not (pieces and makes_file(operation, run)))
