"""Doing a chunk: as a whole, item by item where it fails, or dry; what comes of it is an `Outcome`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from console.engine.faults import fingerprint, is_transient, reason_of, traceback_of
from console.engine.holds import identity, known_free
from console.engine.pieces import Chunk, Piece
from console.engine.transactions import check_deferred_constraints
from console.exceptions import ItemFailed, ItemOutcome, Skip
from console.models import Failure, Partition, Run
from console.models.reports import SKIPS
from console.operations.base import BaseOperation, ExternalOperation, Hold, OnError, Operation, Result

SAVEPOINTS = 50
SAMPLE = 10


@dataclass
class Outcome:
    """What came of some items: counts, failures to write, and the first results.

    Of rows of a file also how many were of which kind, the first of each kind to be shown, and the keys of the existing objects
    that they `touched`, and by row number which object each became. What `stops` the partition says so in words.
    """

    done: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[Failure] = field(default_factory=list)
    sample: list[dict[str, str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    shown: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    touched: list[Any] = field(default_factory=list)
    imported: list[tuple[int, str, str]] = field(default_factory=list)
    stops: str = ""

    @property
    def items(self) -> int:
        """How many items are accounted for."""
        return self.done + self.failed + self.skipped

    def add(self, other: Outcome) -> None:
        """Add what came of further items."""
        self.done += other.done
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        self.sample = (self.sample + other.sample)[:SAMPLE]
        self.counts += other.counts
        for kind, rows in other.shown.items():
            self.shown.setdefault(kind, []).extend(rows)
        self.touched += other.touched
        self.imported += other.imported

    def fail(self, failure: Failure) -> None:
        """Count the items of a failure, and keep it."""
        if failure.kind in SKIPS:
            self.skipped += failure.items
        else:
            self.failed += failure.items
        self.failures.append(failure)


class Performer:
    """Does pieces of one run's work, in whatever transaction the caller has open."""

    def __init__(self, run: Run, partition: Partition, operation: BaseOperation) -> None:
        self.run, self.partition, self.operation = run, partition, operation

    def whole(self, chunk: Chunk) -> Outcome:
        """Do the chunk in one go; any error is the caller's.

        Where the first failure stops the run, a chunk with one is an error: nothing behind that item may be done.
        """
        outcome, present = self._sift(chunk.pieces)
        outcome.add(self._process(present))
        if self._stops and outcome.failed:
            raise ItemFailed(None, outcome.failures[0].reason)
        return outcome

    def one_by_one(self, pieces: Iterable[Piece]) -> Outcome:
        """Do the pieces each behind a savepoint, so that a bad one becomes one failure and the others succeed.

        Where the first failure stops the run, the pieces behind it are left.
        """
        outcome = Outcome()
        for piece in pieces:
            outcome.add(self._alone(piece))
            if self._stops and outcome.failed:
                break
        return outcome

    @property
    def _stops(self) -> bool:
        return self.run.on_error == OnError.STOP

    def reached(self, chunk: Chunk, outcome: Outcome) -> Chunk:
        """Return the chunk as far as it was done."""
        return chunk.up_to(outcome.items)

    def dry(self, chunk: Chunk, *, isolated: bool) -> Outcome:
        """Do the chunk and undo its effects; what would have come of it stays (PROTOCOL M11)."""
        with transaction.atomic():  # not a savepoint by hand: that would keep the on_commit hooks of what is undone
            outcome = self.one_by_one(chunk.singles()) if isolated else self.whole(chunk)
            check_deferred_constraints()  # nothing else would: there is no COMMIT
            transaction.set_rollback(True)
        return replace(outcome, sample=[])

    def answered(self, piece: Piece, answer: Any) -> Outcome:
        """Store an outside answer for one piece."""
        assert isinstance(self.operation, ExternalOperation)
        outcome, present = self._sift([piece])
        for one in present:
            if isinstance(answer, Exception):
                outcome.fail(self.failure(one, answer))
            else:
                result = self.operation.process(one.obj, answer)
                outcome.add(self._credit([one], {one.obj.pk: result} if result is not None else None))
        return outcome

    def given_up(self, piece: Piece, reason: str) -> Outcome:
        """Return the outcome of a piece that was tried as often as its policy allows."""
        outcome = Outcome()
        outcome.fail(self._listed(piece, Failure.Kind.GIVEN_UP, reason, tries=self.partition.tries))
        return outcome

    def key_of(self, piece: Piece) -> str:
        """Return the idempotency key of an item: the same in every retry of the chain (PROTOCOL H10)."""
        return str(idempotency_key(self.run.chain, self.operation, piece))

    def failure(self, piece: Piece, error: BaseException) -> Failure:
        """Return the record of a piece that failed with `error`, or was skipped by it."""
        kind = Failure.Kind.SKIPPED if isinstance(error, Skip) else Failure.Kind.FAILED
        failure = self._listed(piece, kind, reason_of(error, self.operation.model))
        # The words of an unexpected error are all in quotes, and would make one group of errors of every type.
        failure.group = fingerprint(f"{kind}:{type(error).__name__}", failure.reason)
        failure.traceback = traceback_of(error)
        if isinstance(error, ItemOutcome):
            failure.data = error.data
        return failure

    def _alone(self, piece: Piece) -> Outcome:
        try:
            with transaction.atomic():
                outcome, present = self._sift([piece])
                outcome.add(self._process(present))
                check_deferred_constraints()
        except Exception as error:
            if is_transient(error, self.operation):
                raise
            outcome = Outcome()
            outcome.fail(self.failure(piece, error))
        return outcome

    def _sift(self, pieces: Sequence[Piece]) -> tuple[Outcome, list[Piece]]:
        """Set aside what was withdrawn or is gone; return the outcome of those, and the rest."""
        outcome, present = Outcome(), []
        for piece in pieces:
            if piece.target is not None and piece.target.withdrawn:
                outcome.fail(self._listed(piece, Failure.Kind.WITHDRAWN, _("Left out by a person.")))
            elif piece.is_gone:
                outcome.fail(self._listed(piece, Failure.Kind.GONE, self._gone()))
            else:
                present.append(piece)
        return outcome, present

    def _gone(self) -> str:
        noun = self.operation.model._meta.verbose_name if self.operation.model else ""
        return _("This %(noun)s no longer exists: it was deleted before the run reached it.") % {"noun": noun}

    def _process(self, pieces: Sequence[Piece]) -> Outcome:
        if not pieces:
            return Outcome()
        assert isinstance(self.operation, Operation)
        with self._own(pieces):
            results = self.operation.process_spans([piece.span for piece in pieces])
        return self._credit(pieces, results)

    def _own(self, pieces: Sequence[Piece]) -> AbstractContextManager[None]:
        """Spare the guard its questions about what this run holds exclusively, and has locked."""
        exclusive = self.run.hold == Hold.EXCLUSIVE
        return known_free([piece.obj for piece in pieces]) if exclusive else nullcontext()

    def _credit(self, pieces: Sequence[Piece], results: Any) -> Outcome:
        """Count the pieces by what the operation said of them: done, unless it says otherwise."""
        outcome = Outcome()
        for piece in pieces:
            result = results.get(getattr(piece.obj, "pk", None)) if results else None
            if isinstance(result, ItemOutcome):
                outcome.fail(self.failure(piece, result))
                continue
            outcome.done += piece.items
            if len(outcome.sample) < SAMPLE:
                outcome.sample += _sample(piece, result)[: SAMPLE - len(outcome.sample)]
        return outcome

    def _listed(self, piece: Piece, kind: str, reason: str, *, tries: int = 1) -> Failure:
        return Failure(
            run=self.run,
            partition=self.partition,
            target=piece.target,
            kind=kind,
            position=piece.position,
            part=piece.first,
            items=piece.items,
            object_id=piece.target.object_id if piece.target else "",
            object_label=_label(piece.obj),
            reason=reason,
            group=fingerprint(kind, reason),
            tries=tries,
        )


def idempotency_key(chain: UUID, operation: BaseOperation, piece: Piece) -> UUID:
    """Return a name for the outside effect of one item that is stable through retries of its run."""
    label = identity(operation.model)._meta.label_lower if operation.model else operation.name
    object_id = piece.target.object_id if piece.target else piece.position
    return uuid5(chain, f"{label}:{object_id}:{piece.first}")


def _sample(piece: Piece, result: Any) -> list[dict[str, str]]:
    """Return what is kept of the results of a piece: each with the key of the object that it came `of`."""
    results = [] if result is None else result if isinstance(result, list | tuple) else [result]
    of = piece.target.object_id if piece.target else ""
    return [{**asdict(_as_result(one)), "of": of} for one in results]


def _as_result(result: Any) -> Result:
    if isinstance(result, Model):
        return Result.of(result)
    return result if isinstance(result, Result) else Result(str(result)[:200])


def _label(obj: Any) -> str:
    if obj is None:
        return ""
    try:
        return str(obj)[:200]
    except Exception:  # noqa: BLE001 - a broken __str__ must not take the failure report with it
        return f"{type(obj).__name__} {getattr(obj, 'pk', '')}"
