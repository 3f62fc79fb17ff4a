"""Acceptance: what is asked for is checked, drafted and committed; what is accepted is never lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import IntegerField, Max, Model, QuerySet

from console.engine import partitions
from console.engine.drafts import Acceptance, Draft, accept_draft, check_count, check_most, new_run
from console.engine.selection import Descriptor, Selection
from console.engine.sizes import prepare_above
from console.engine.targets import FEW, insert, insert_few, lockable_keys
from console.engine.verbs import lacks
from console.exceptions import EmptySelection, NoDryRun, NotPermitted
from console.models import Partition, Run
from console.operations import get_operation
from console.operations.base import BaseOperation, raw_params

if TYPE_CHECKING:
    from console.engine.people import User

__all__ = ["Acceptance", "accept", "check_may_start", "page_key", "prepare", "select", "start"]


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
    repeat_of: Run | None = None,
    source: str = "admin",
    queue: str = "",
    priority: int | None = None,
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
        repeat_of: The run that this one repeats, with its parameters or others.
        source: Where the request comes from: admin, code, shell or schedule.
        queue: Another queue than the operation's own.
        priority: Another priority than the operation's own.

    Raises:
        ConsoleError: Nothing was started; the message says why.
    """
    chosen = get_operation(operation) if isinstance(operation, str) else operation
    check_may_start(chosen, by)
    instance = chosen(raw_params(chosen.form, params))
    if dry_run and chosen.external:
        raise NoDryRun(str(chosen.label))
    run = new_run(instance, by=by, source=source, dry_run=dry_run, key=key)
    run.repeat_of = repeat_of
    run.queue, run.priority = queue or run.queue, run.priority if priority is None else priority
    draft = Draft(instance, run, leave_held_out=leave_held_out, find={"key": key} if key else {})
    if chosen.reads_rows:
        prepare(draft, {"kind": "upload"})
    elif chosen.selection is not None:
        select(draft, selection, confirmed)
    return accept_draft(draft, by=by)


def check_may_start(operation: type[BaseOperation], by: User | None) -> None:
    """Check that `by` may start the operation.

    Raises:
        NotPermitted: The permission is missing.
    """
    if missing := lacks(by, operation):
        raise NotPermitted(missing, str(operation.label))


def page_key(key: str, params: Mapping[str, Any], *, dry_run: bool, leave_held_out: bool) -> str:
    """Return the key to store for a request from a page: a dry run, then the act, are two runs; two clicks are one."""
    told = hashlib.sha256(json.dumps(params, sort_keys=True, default=str).encode()).hexdigest()[:16]
    return f"{key}:{'dry' if dry_run else 'act'}:{'skip' if leave_held_out else 'all'}:{told}"


def select(draft: Draft, selection: Selection | None, confirmed: int | None) -> None:
    """Say how the draft's targets are taken: at once, or by a preparing partition."""
    if selection is None:
        raise EmptySelection
    draft.confirmed, draft.asked = confirmed, selection.asked
    if selection.descriptor is not None and _is_large(selection):
        _prepare_later(draft, selection)
    else:
        draft.take = lambda run: _insert(run, selection)
        draft.whole = True
        if selection.asked is not None:  # more or fewer will not be accepted
            draft.run.total = selection.asked * draft.operation.parts()


def _insert(run: Run, selection: Selection) -> int:
    if selection.named is not None and len(selection.named) <= FEW:
        return insert_few(run, selection.model, selection.named)
    return insert(run, selection.model, lockable_keys(selection.rows()))


def _is_large(selection: Selection) -> bool:
    limit = prepare_above()
    if selection.asked is not None:
        return selection.asked > limit
    return selection.rows().order_by()[: limit + 1].count() > limit


def _prepare_later(draft: Draft, selection: Selection) -> None:
    rows = selection.rows().order_by()
    if draft.asked is not None or draft.confirmed is not None:
        check_count(draft, rows.count())
    if draft.operation.most_items() is not None:
        check_most(draft.operation, rows.count())
    descriptor = {**(selection.descriptor or {})}
    if isinstance(rows.model._meta.pk, IntegerField):  # nothing newer than acceptance; other keys have no such order
        descriptor["greatest"] = rows.aggregate(n=Max("pk"))["n"]
    prepare(draft, descriptor)


def prepare(draft: Draft, descriptor: Descriptor) -> None:
    """Say that the draft's run takes its targets itself, by a preparing partition, from what it keeps of its selection."""
    draft.run.selection = descriptor
    draft.run.preparing = True
    draft.run.leave_held_out = draft.leave_held_out
    draft.open_partitions = lambda run: [partitions.create(run, kind=Partition.Kind.PREPARE, sent=True)]


def _selection_of(operation: type[BaseOperation], objects: QuerySet[Any] | Iterable[Model] | None) -> Selection | None:
    if objects is None or operation.model is None:
        return None
    if isinstance(objects, QuerySet):
        return Selection.of_queryset(objects)
    return Selection.of_objects(operation.model, objects)
