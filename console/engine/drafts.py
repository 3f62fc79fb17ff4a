"""A draft of a run, and its commit: run, targets, holds and first wake-up in one transaction (PROTOCOL C6, H11)."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from console.engine import failures, partitions, wakeups
from console.engine.chunks import Outcome
from console.engine.clashes import clashes_at_all, conflict_of
from console.engine.languages import asked_in, untranslated
from console.engine.preparing import open_work
from console.engine.statements import insert, insert_unless_there
from console.engine.targets import count_items, leave_out_held
from console.engine.transactions import short_transaction
from console.engine.transitions import record
from console.exceptions import EmptySelection, KeyReused, SelectionChanged, SelectionVanished, TooManyItems
from console.models import Partition, Run, Target
from console.operations.base import BaseOperation
from console.signals import run_accepted

if TYPE_CHECKING:
    from console.engine.people import User


@dataclass
class Acceptance:
    """The answer to a request.

    Attributes:
        run: The run, new or found by its key.
        created: False if the key had started this run already.
        woken: Whether the wake-up was handed to the broker; None where the caller's transaction has not ended yet.
    """

    run: Run
    created: bool = True
    woken: bool | None = None


@dataclass
class Draft:
    """A run about to be accepted, and how its targets are taken.

    `take` inserts the targets of the run, locks the objects, and returns how many there are; they are `whole` where
    every target stands for all the parts of its object. `check` may refuse, before anything is taken. `find` names the unique
    columns by which an earlier request is found; `reconsider` is asked once for other values where it is not.
    """

    operation: BaseOperation
    run: Run
    check: Callable[[Run], None] | None = None
    take: Callable[[Run], int] | None = None
    whole: bool = False
    leave_held_out: bool = False
    confirmed: int | None = None
    asked: int | None = None
    open_partitions: Callable[[Run], list[Partition]] | None = None
    find: dict[str, Any] = field(default_factory=dict)
    reconsider: Callable[[], dict[str, Any]] | None = None
    if_empty: Exception = field(default_factory=EmptySelection)


def new_run(operation: BaseOperation, *, by: User | None, source: str, dry_run: bool, key: str | None = None) -> Run:
    """Return an unsaved run of the operation, with all that its class declares today."""
    model = operation.model
    hold = "" if dry_run or model is None else str(operation.hold)
    return Run(
        operation=operation.name,
        stored_label=untranslated(operation.label),
        language=asked_in(),
        params=operation.raw_params,
        dry_run=dry_run,
        key=key,
        asked_by_id=by.pk if by else None,
        source=source,
        content_type=ContentType.objects.get_for_model(model) if model else None,
        hold=hold,
        holding=bool(hold),
        queue=operation.queue,
        priority=operation.priority,
        on_error=operation.on_error,
        max_failures=operation.max_failures,
        pace=operation.pace,
        chain=uuid4(),
    )


@short_transaction
def accept_draft(draft: Draft, *, by: User | None) -> Acceptance:
    """Commit the draft, or find the run that it would repeat; then send its first wake-ups."""
    run, created = _insert(draft)
    if not created:
        return Acceptance(run, created=False)
    if draft.check is not None:
        draft.check(run)
    outcome = _take(draft, run) if draft.take else Outcome()
    opened = _open(draft, run)
    _count_left_out(opened[0], outcome)
    record(run, "accepted", by=by)
    acceptance = Acceptance(run)

    def after_commit() -> None:
        run_accepted.send_robust(sender=Run, run=run)
        acceptance.woken = wakeups.send_first(opened)

    transaction.on_commit(after_commit, robust=True)
    return acceptance


def _insert(draft: Draft) -> tuple[Run, bool]:
    """Insert the run first: its unique key, or link, finds the run of an earlier request (PROTOCOL H11)."""
    run = copy(draft.run)  # after a deadlock the draft is tried again
    if draft.find:
        if insert_unless_there(run):
            return run, True
        earlier = Run.objects.filter(**draft.find).first()
        if earlier is not None:
            return _same(earlier, run), False
        for name, value in (draft.reconsider() if draft.reconsider else {}).items():
            setattr(run, name, value)
    insert(run)
    return run, True


def _same(earlier: Run, asked: Run) -> Run:
    if earlier.operation != asked.operation or earlier.params != asked.params:
        raise KeyReused(earlier.pk)
    return earlier


def _take(draft: Draft, run: Run) -> Outcome:
    assert draft.take is not None
    assert draft.operation.model is not None
    taken = draft.take(run)
    check_count(draft, taken)
    outcome = Outcome()
    if run.hold:
        outcome = _meet_holds(draft, run, taken)
    failures.report(outcome.failures)
    _write_total(draft, run, taken, outcome)
    return outcome


def _write_total(draft: Draft, run: Run, taken: int, outcome: Outcome) -> None:
    """Write how many items the run has, where its insertion could not know it."""
    parts = draft.operation.parts()
    total = taken * parts if draft.whole else count_items(run, parts) + outcome.skipped
    check_most(draft.operation, total)
    if total != run.total:
        run.total = total
        Run.objects.filter(pk=run.pk).update(total=total)


def check_most(operation: BaseOperation, total: int) -> None:
    """Check that the parameters allow a run of so many items.

    Raises:
        TooManyItems: They do not.
    """
    most = operation.most_items()
    if most is not None and total > most:
        raise TooManyItems(total, most)


def check_count(draft: Draft, taken: int) -> None:
    """Check that as many objects were found as were named, or seen.

    Raises:
        EmptySelection: There is none.
        SelectionVanished: Some of those named are gone.
        SelectionChanged: There are more or fewer than the person saw.
    """
    if not taken:
        raise draft.if_empty
    if draft.asked is not None and taken < draft.asked:
        raise SelectionVanished(draft.asked - taken, draft.asked)
    if draft.confirmed is not None and taken != draft.confirmed:
        raise SelectionChanged(draft.confirmed, taken)


def _meet_holds(draft: Draft, run: Run, taken: int) -> Outcome:
    """In a new statement, look for clashing holds: name them and roll back, or leave their objects out if asked to."""
    assert draft.operation.model is not None
    if not clashes_at_all(run, draft.operation.model):
        return Outcome()
    conflict = conflict_of(run, draft.operation.model, taken)
    if not draft.leave_held_out:
        raise conflict
    outcome = leave_out_held(run, draft.operation.model, draft.operation.parts(), None)
    if not Target.objects.filter(run=run).exists():
        raise conflict
    return outcome


def _open(draft: Draft, run: Run) -> list[Partition]:
    if draft.open_partitions is not None:
        return draft.open_partitions(run)
    if draft.operation.selection is None and run.total is None:
        run.total = draft.operation.count()
        Run.objects.filter(pk=run.pk).update(total=run.total)
    return open_work(run, draft.operation, sent=True)


def _count_left_out(partition: Partition, outcome: Outcome) -> None:
    if outcome.skipped:
        partitions.count_skipped(partition, outcome.skipped)
