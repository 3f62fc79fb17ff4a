"""Doing a chunk of rows: one call of the resource's path; what came of each row is counted, kept, or listed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any

from django.core.exceptions import MultipleObjectsReturned, ObjectDoesNotExist, ValidationError
from django.db import DataError, IntegrityError, transaction
from django.db.models import Model
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.engine.chunks import SAMPLE, Outcome, Performer
from console.engine.faults import traceback_of
from console.engine.holds import holders, known_free, note_free, object_key
from console.engine.pieces import Chunk, Piece
from console.engine.rows import Line, described, is_whole
from console.exceptions import ObjectHeld
from console.imports import Holder, Kind, Path, Row
from console.imports import Outcome as RowOutcome
from console.models import Failure, Partition, Run
from console.operations.base import BaseOperation, Result
from console.operations.imports import Import

SHOWN = 20  # rows of each kind that a preview shows with their differences
LONGEST = 300  # characters of a value that is shown
# Errors that speak of a row's values, not of the program.
OF_DATA = (
    ObjectHeld,
    ValidationError,
    IntegrityError,
    DataError,
    ObjectDoesNotExist,
    MultipleObjectsReturned,
    ValueError,
)
DONE = frozenset({Kind.NEW, Kind.CHANGED, Kind.DELETED})


class RowPerformer(Performer):
    """Does rows of a file through the operation's resource."""

    operation: Import

    def whole(self, chunk: Chunk) -> Outcome:
        """Do the chunk in one call; where it is all or nothing, undo it if a row fails."""
        if not is_whole(self.run) or self.run.dry_run:
            return self._process(chunk.pieces)
        with transaction.atomic():
            outcome = self._process(chunk.pieces)
            if outcome.failures:
                transaction.set_rollback(True)
        return self._undone(outcome, chunk) if outcome.failures else outcome

    def one_by_one(self, pieces: Iterable[Piece]) -> Outcome:
        """Do the rows each behind a savepoint; where it is all or nothing, undo them if one fails."""
        if not is_whole(self.run) or self.run.dry_run:
            return super().one_by_one(pieces)
        pieces, outcome = list(pieces), Outcome()
        with transaction.atomic():
            for piece in pieces:
                outcome.add(self._alone(piece))
            if outcome.failures:
                transaction.set_rollback(True)
        return (
            self._undone(outcome, Chunk(self.partition.cursor, pieces, is_last=True)) if outcome.failures else outcome
        )

    def reached(self, chunk: Chunk, outcome: Outcome) -> Chunk:
        """Return the chunk as far as it counts: of what was undone as a whole nothing was reached."""
        return Chunk(chunk.start, [], is_last=True) if outcome.stops else chunk

    def failure(self, piece: Piece, error: BaseException) -> Failure:
        """Return the record of a row that could not even be tried."""
        failure = super().failure(piece, error)
        failure.data = self._data(piece.obj, ())
        return failure

    def _listed(self, piece: Piece, kind: str, reason: str, *, tries: int = 1) -> Failure:
        failure = super()._listed(replace(piece, obj=None), kind, reason, tries=tries)
        failure.data = self._data(piece.obj, ())
        return failure

    def _process(self, pieces: Sequence[Piece]) -> Outcome:
        outcome = Outcome()
        good = [piece for piece in pieces if not piece.obj.row.problem]
        for piece in pieces:
            if piece.obj.row.problem:
                self._fail(outcome, piece, Failure.Kind.FAILED, piece.obj.row.problem)
        if good:
            show = self._wanted()
            with known_free(()):  # in which `_held` notes what it has looked at
                told = self._path.write(
                    [self._row(piece.obj) for piece in good], dry_run=self.run.dry_run, held=self._held, show=show
                )
            for piece, came in zip(good, told, strict=True):
                self._count(outcome, piece, came)
        return outcome

    @property
    def _path(self) -> Path:
        return self.operation.path(user=self.run.asked_by, file_name=self._source["name"])

    @property
    def _columns(self) -> list[str]:
        return list(self._source["columns"])

    @cached_property
    def _source(self) -> dict[str, Any]:
        return described(self.run)

    @cached_property
    def _headings(self) -> dict[str, str]:
        """What the file calls the columns of the resource."""
        return {column: self._columns[place] for place, column in self.operation.places}

    def _heading(self, column: str) -> str:
        return self._headings.get(column, column)

    def _row(self, line: Line) -> Row:
        return Row(line.row.number, self.operation.values(line.row.values))

    def _held(self, pks: Collection[Any]) -> Mapping[Any, Holder]:
        """Return who holds which of the objects, whose rows are locked; of the others the guard need not ask again."""
        assert self.operation.model is not None
        found = holders(self.operation.model, pks)
        note_free(self.operation.model, [pk for pk in pks if str(pk) not in found])
        return {pk: _holder(found[str(pk)][0]) for pk in pks if str(pk) in found}

    def _wanted(self) -> dict[Kind, int] | None:
        """Return of how many rows of each kind the differences are still to be shown."""
        if not self.run.dry_run:
            return None
        kept = self.partition.shown
        return {kind: SHOWN - len(kept.get(kind.value, ())) for kind in Kind if kind != Kind.FAILED}

    def _count(self, outcome: Outcome, piece: Piece, came: RowOutcome) -> None:
        if came.kind == Kind.FAILED:
            kind = Failure.Kind.HELD if came.held_by else Failure.Kind.FAILED
            came.reasons = tuple(reason._replace(field=self._heading(reason.field)) for reason in came.reasons)
            self._fail(outcome, piece, kind, " ".join(_words(reason) for reason in came.reasons), came)
            return
        outcome.counts[came.kind.value] += 1
        if came.kind in DONE:
            outcome.done += 1
        else:
            outcome.skipped += 1
        self._show(outcome, came)
        if self.run.dry_run:
            outcome.touched += [came.pk] if came.existing else []
            return
        key = "" if came.pk is None else str(came.pk)
        outcome.imported.append((came.row, key, came.kind.value))
        if came.kind in DONE and came.pk is not None and len(outcome.sample) < SAMPLE:
            outcome.sample.append(asdict(self._result(came)))

    def _show(self, outcome: Outcome, came: RowOutcome) -> None:
        shown = outcome.shown.setdefault(came.kind.value, [])
        if self.run.dry_run and len(shown) + len(self.partition.shown.get(came.kind.value, ())) < SHOWN:
            changes = [[self._heading(one.field), one.old[:LONGEST], one.new[:LONGEST]] for one in came.changes]
            pk = "" if came.pk is None or came.kind == Kind.NEW else str(came.pk)
            shown.append({"row": came.row, "pk": pk, "label": came.label[:200], "changes": changes})

    def _result(self, came: RowOutcome) -> Result:
        assert self.operation.model is not None
        options = self.operation.model._meta
        text = came.label or f"{options.verbose_name} {came.pk}"
        gone = came.kind == Kind.DELETED
        return (
            Result(text[:200]) if gone else Result(text[:200], options.app_label, str(options.model_name), str(came.pk))
        )

    def _fail(self, outcome: Outcome, piece: Piece, kind: str, words: str, came: RowOutcome | None = None) -> None:
        failure = self._listed(piece, kind, words)
        if came is not None:
            failure.object_id, failure.object_label = self._object(came)
            failure.data = self._data(piece.obj, came.reasons)
            failure.traceback = traceback_of(came.error) if came.error and not isinstance(came.error, OF_DATA) else ""
        outcome.fail(failure)

    def _object(self, came: RowOutcome) -> tuple[str, str]:
        """Return the key and the name of the object that a row meant, where they are known."""
        assert self.operation.model is not None
        if isinstance(came.error, ObjectHeld) and isinstance(came.error.obj, Model):
            return object_key(self.operation.model, came.error.obj.pk), str(came.error.obj)[:200]
        return "" if came.pk is None else object_key(self.operation.model, came.pk), came.label[:200]

    def _data(self, line: Line, reasons: Sequence[Any]) -> dict[str, Any]:
        """Return what a failure keeps of its row: the original values, what was wrong with them, and its place."""
        return {
            "values": dict(zip(self._columns, [_text(value) for value in line.row.values], strict=False)),
            "faults": [[reason.field, reason.value, reason.message] for reason in reasons],
            "cursor": list(line.before),
        }

    def _undone(self, outcome: Outcome, chunk: Chunk) -> Outcome:
        """Return the outcome of rows that were all undone, because some of them failed."""
        failed = len(outcome.failures)
        why = ngettext(
            "Nothing was imported: %(failed)s of %(count)s rows failed, and it was to be all or nothing.",
            "Nothing was imported: %(failed)s of %(count)s rows failed, and it was to be all or nothing.",
            failed,
        ) % {"failed": _grouped(failed), "count": _grouped(chunk.items)}
        undone = Outcome(stops=why)
        for failure in outcome.failures:
            undone.fail(failure)
        return undone


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _holder(target: Any) -> Holder:
    return Holder(target.run_id, target.run.label)


def _words(reason: Any) -> str:
    return (
        _("%(field)s: %(message)s") % {"field": reason.field, "message": reason.message}
        if reason.field
        else reason.message
    )


def _grouped(count: int) -> str:
    return number_format(count, force_grouping=True)


def performer_of(run: Run, partition: Partition, operation: BaseOperation) -> Performer:
    """Return what does the pieces of a partition's work."""
    return (RowPerformer if operation.reads_rows else Performer)(run, partition, operation)
