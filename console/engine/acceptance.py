"""Acceptance: run, targets, holds and first wake-up commit in one transaction (PROTOCOL C6, H11)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection, transaction
from django.db.models import IntegerField, Max, Model, QuerySet

from console.conf import settings
from console.engine import partitions, wakeups
from console.engine.chunks import Outcome
from console.engine.holds import clashing
from console.engine.preparing import open_work
from console.engine.selection import Selection
from console.engine.targets import count_items, insert, leave_out_held, lockable_keys
from console.engine.transactions import short_transaction
from console.engine.transitions import record
from console.exceptions import (
    EmptySelection,
    HoldConflict,
    KeyReused,
    NoDryRun,
    NotPermitted,
    SelectionChanged,
    SelectionVanished,
)
from console.models import Failure, Partition, Run, Target
from console.operations import get_operation
from console.operations.base import BaseOperation, raw_params
from console.signals import run_accepted

if TYPE_CHECKING:
    from console.engine.people import User


SHOWN = 20
DATABASE = {"id", "accepted_at", "changed_at"}  # the database fills these in


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
    every target stands for all the parts of its object. `find` names the unique
    columns by which an earlier request is found; `reconsider` is asked once for other values where it is not.
    """

    operation: BaseOperation
    run: Run
    take: Callable[[Run], int] | None = None
    whole: bool = False
    leave_held_out: bool = False
    confirmed: int | None = None
    asked: int | None = None
    open_partitions: Callable[[Run], list[Partition]] | None = None
    find: dict[str, Any] = field(default_factory=dict)
    reconsider: Callable[[], dict[str, Any]] | None = None
    if_empty: Exception = field(default_factory=EmptySelection)


def start(
    operation: type[BaseOperation] | str,
    *,
    by: User | None = None,
    objects: QuerySet[Any] | Iterable[Model] | None = None,
    params: Mapping[str, Any] | None = None,
    key: str | None = None,
    dry_run: bool = False,
    leave_held_out: bool = False,
) -> Run:
    """Start an operation from code.

    Args:
        operation: The operation's class, or its name.
        by: Who asks: their permission is checked. None: the code itself.
        objects: A query, or model instances; None for an operation without a selection.
        params: The form's fields by name.
        key: The same key is the same run, whenever it comes again.
        dry_run: Roll every effect back, and keep the report.
        leave_held_out: Leave objects out that other runs hold, instead of refusing.

    Returns:
        The run, new or found by its key.

    Raises:
        ConsoleError: Nothing was started; the message says why.
    """
    chosen = get_operation(operation) if isinstance(operation, str) else operation
    return accept(
        chosen,
        by=by,
        selection=_selection_of(chosen, objects),
        params=params or {},
        key=key,
        dry_run=dry_run,
        leave_held_out=leave_held_out,
        source="code",
    ).run


def accept(
    operation: type[BaseOperation] | str,
    *,
    by: User | None,
    selection: Selection | None,
    params: Mapping[str, Any],
    key: str | None = None,
    dry_run: bool = False,
    leave_held_out: bool = False,
    confirmed: int | None = None,
    source: str = "admin",
) -> Acceptance:
    """Accept a request for an operation: what is accepted is never lost.

    Args:
        operation: The operation's class, or its name.
        by: Who asks; None: the code itself.
        selection: The objects; None for an operation without a selection.
        params: The form's raw data.
        key: The same key is the same run.
        dry_run: Roll every effect back, and keep the report.
        leave_held_out: Leave objects out that other runs hold, instead of refusing.
        confirmed: How many objects the person saw, if a changed number must stop it.
        source: Where the request comes from: admin, code, shell or schedule.

    Raises:
        ConsoleError: Nothing was started; the message says why.
    """
    chosen = get_operation(operation) if isinstance(operation, str) else operation
    check_may_start(chosen, by)
    instance = chosen(raw_params(chosen.form, params))
    if dry_run and chosen.external:
        raise NoDryRun(str(chosen.label))
    run = new_run(instance, by=by, source=source, dry_run=dry_run, key=key)
    draft = Draft(instance, run, leave_held_out=leave_held_out, find={"key": key} if key else {})
    if chosen.selection is not None:
        select(draft, selection, confirmed)
    return accept_draft(draft, by=by)


def check_may_start(operation: type[BaseOperation], by: User | None) -> None:
    """Check that `by` may start the operation.

    Raises:
        NotPermitted: The permission is missing.
    """
    if by is not None and operation.permission and not by.has_perm(operation.permission):
        raise NotPermitted(operation.permission, str(operation.label))


def new_run(operation: BaseOperation, *, by: User | None, source: str, dry_run: bool, key: str | None = None) -> Run:
    """Return an unsaved run of the operation, with all that its class declares today."""
    model = operation.model
    hold = "" if dry_run or model is None else str(operation.hold)
    return Run(
        operation=operation.name,
        label=str(operation.label),
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


def accept_draft(draft: Draft, *, by: User | None) -> Acceptance:
    """Commit the draft, or find the run that it would repeat; then send its first wake-ups."""
    return _commit(draft, by)


def page_key(key: str, params: Mapping[str, Any], *, dry_run: bool, leave_held_out: bool) -> str:
    """Return the key to store for a request from a page: a dry run, then the act, are two runs; two clicks are one."""
    told = hashlib.sha256(json.dumps(params, sort_keys=True, default=str).encode()).hexdigest()[:16]
    return f"{key}:{'dry' if dry_run else 'act'}:{'skip' if leave_held_out else 'all'}:{told}"


@short_transaction
def _commit(draft: Draft, by: User | None) -> Acceptance:
    run, created = _insert(draft)
    if not created:
        return Acceptance(run, created=False)
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
    values = {f.attname: getattr(draft.run, f.attname) for f in Run._meta.concrete_fields if f.attname not in DATABASE}
    if not draft.find:
        return Run.objects.create(**values), True
    for reconsidered in (False, True):
        try:
            with transaction.atomic():
                return Run.objects.create(**values), True
        except IntegrityError:
            earlier = Run.objects.filter(**draft.find).first()
            if earlier is not None:
                return _same(earlier, draft.run), False
            if draft.reconsider is None or reconsidered:
                raise
            values |= draft.reconsider()
    raise AssertionError("unreachable")


def _same(earlier: Run, asked: Run) -> Run:
    if earlier.operation != asked.operation or earlier.params != asked.params:
        raise KeyReused(earlier.pk)
    return earlier


def select(draft: Draft, selection: Selection | None, confirmed: int | None) -> None:
    """Say how the draft's targets are taken: at once, or by a preparing partition."""
    if selection is None:
        raise EmptySelection
    draft.confirmed, draft.asked = confirmed, selection.asked
    if selection.descriptor is not None and _is_large(selection):
        _prepare_later(draft, selection)
    else:
        draft.take = lambda run: insert(run, selection.model, lockable_keys(selection.rows()))
        draft.whole = True
        if selection.asked is not None:  # more or fewer will not be accepted
            draft.run.total = selection.asked * draft.operation.parts()


def _is_large(selection: Selection) -> bool:
    above = settings.prepare_above
    limit = above if above is not None else (50_000 if connection.vendor == "postgresql" else 5_000)
    if selection.asked is not None:
        return selection.asked > limit
    return selection.rows().order_by()[: limit + 1].count() > limit


def _prepare_later(draft: Draft, selection: Selection) -> None:
    rows = selection.rows().order_by()
    if draft.asked is not None or draft.confirmed is not None:
        _check_count(draft, rows.count())
    draft.run.selection = {**(selection.descriptor or {})}
    if isinstance(rows.model._meta.pk, IntegerField):  # nothing newer than acceptance; other keys have no such order
        draft.run.selection["greatest"] = rows.aggregate(n=Max("pk"))["n"]
    draft.run.preparing = True
    draft.run.leave_held_out = draft.leave_held_out
    draft.open_partitions = lambda run: [partitions.create(run, kind=Partition.Kind.PREPARE, sent=True)]


def _take(draft: Draft, run: Run) -> Outcome:
    assert draft.take is not None
    assert draft.operation.model is not None
    taken = draft.take(run)
    _check_count(draft, taken)
    outcome = Outcome()
    if run.hold:
        outcome = _meet_holds(draft, run, taken)
    if outcome.failures:
        Failure.objects.bulk_create(outcome.failures)
    _write_total(draft, run, taken, outcome)
    return outcome


def _write_total(draft: Draft, run: Run, taken: int, outcome: Outcome) -> None:
    """Write how many items the run has, where its insertion could not know it."""
    parts = draft.operation.parts()
    total = taken * parts if draft.whole else count_items(run, parts) + outcome.skipped
    if total != run.total:
        run.total = total
        Run.objects.filter(pk=run.pk).update(total=total)


def _check_count(draft: Draft, taken: int) -> None:
    if not taken:
        raise draft.if_empty
    if draft.asked is not None and taken < draft.asked:
        raise SelectionVanished(draft.asked - taken, draft.asked)
    if draft.confirmed is not None and taken != draft.confirmed:
        raise SelectionChanged(draft.confirmed, taken)


def _meet_holds(draft: Draft, run: Run, taken: int) -> Outcome:
    """In a new statement, look for clashing holds: name them and roll back, or leave their objects out if asked to."""
    assert draft.operation.model is not None
    clashes = clashing(run, draft.operation.model)
    if not clashes.exists():
        return Outcome()
    first = list(clashes.order_by("id")[:SHOWN])
    if not draft.leave_held_out:
        count = clashes.values("object_id").distinct().count()
        raise HoldConflict([(t.run_id, t.run.label, t.object_id) for t in first], count, taken)
    outcome = leave_out_held(run, draft.operation.model, draft.operation.parts(), None)
    if not Target.objects.filter(run=run).exists():
        raise HoldConflict([(t.run_id, t.run.label, t.object_id) for t in first], taken, taken)
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


def _selection_of(operation: type[BaseOperation], objects: QuerySet[Any] | Iterable[Model] | None) -> Selection | None:
    if objects is None or operation.model is None:
        return None
    if isinstance(objects, QuerySet):
        return Selection.of_queryset(objects)
    return Selection.of_objects(operation.model, objects)
