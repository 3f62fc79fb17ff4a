"""Runs made from ended ones: retry, and “do it now” after a dry run. Each goes through acceptance (PROTOCOL H9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import F, Model

from console.engine import partitions
from console.engine.acceptance import check_may_start, prepare, select
from console.engine.drafts import Acceptance, Draft, accept_draft, new_run
from console.engine.row_runs import take_left, take_previewed
from console.engine.selection import Selection
from console.engine.sizes import prepare_above
from console.engine.sources import Earlier, is_earlier, take_up, takers
from console.engine.targets import lock_objects
from console.engine.transitions import lock, record
from console.engine.verbs import check_permitted, check_verb
from console.exceptions import NothingToRetry, NotRepeatable, RetryRefused, StillCollecting
from console.models import FAILS, Failure, Partition, Run
from console.operations import get_operation
from console.operations.base import BaseOperation
from console.states import Verb

if TYPE_CHECKING:
    from console.engine.people import User

Only = Run.Only


def retry(
    run_id: int,
    *,
    only: str = Only.UNDONE,
    group: str = "",
    by: User | None = None,
    reason: str = "",
    leave_held_out: bool = False,
) -> Acceptance:
    """Start a new, linked run of what an ended one has not done.

    Args:
        run_id: The ended run.
        only: ``undone`` (not reached, failed, left out as held; less what another retry took up), ``failed``, or ``all``.
        group: With ``failed``: one group of failures only.
        by: Who asks.
        reason: Why, for the history of both runs.
        leave_held_out: Leave objects out that other runs hold, instead of refusing.

    Returns:
        The new run, or the one that an earlier click made.

    Raises:
        ConsoleError: Nothing was started; the message says why.
    """
    old = Run.objects.get(pk=run_id)
    check_permitted(old, Verb.RETRY, by)
    find = {"retry_of": old, "only": only, "group": group}
    if earlier := Run.objects.filter(**find).first():
        return Acceptance(earlier, created=False)
    _refuse_mixture(old, only)
    check_verb(old, Verb.RETRY, by)
    operation = get_operation(old.operation)(old.params)
    check_may_start(type(operation), by)
    if only == Only.ALL and not operation.repeatable:
        raise NotRepeatable(old.label)
    draft = _linked(old, operation, by, leave_held_out=leave_held_out)
    draft.run.retry_of, draft.run.only, draft.run.group = old, Only(only), group
    draft.run.first_retry = True
    draft.find = find
    draft.reconsider = lambda: _not_the_first(old, only)
    draft.if_empty = NothingToRetry(old.pk)
    _take_of(draft, old, Only(only), group)
    acceptance = accept_draft(draft, by=by)
    if acceptance.created:
        record(old, Verb.RETRY, by=by, reason=reason)
    return acceptance


def do_it_now(
    run_id: int, *, by: User | None = None, reason: str = "", leave_held_out: bool = False, on_error: str = ""
) -> Acceptance:
    """Start the real run of a dry run that succeeded, on the same objects; its preview stays linked.

    Args:
        run_id: The dry run.
        by: Who asks.
        reason: Why, for the history of the dry run.
        leave_held_out: Leave objects out that other runs hold, instead of refusing.
        on_error: What a failing row of a file does: ``report``, or ``stop`` for all or nothing.

    Raises:
        ConsoleError: Nothing was started; the message says why.
    """
    preview = Run.objects.get(pk=run_id)
    check_verb(preview, Verb.START, by)
    operation = get_operation(preview.operation)(preview.params)
    check_may_start(type(operation), by)
    draft = _linked(preview, operation, by, leave_held_out=leave_held_out)
    draft.run.preview_of = preview
    draft.find = {"preview_of": preview}
    if operation.reads_rows:
        take_previewed(draft, preview, on_error)
    elif operation.model is not None:
        _take_up(draft, operation.model, Earlier(preview, Only.ALL))
    acceptance = accept_draft(draft, by=by)
    if acceptance.created:
        record(preview, Verb.START, by=by, reason=reason)
    return acceptance


def _linked(old: Run, operation: BaseOperation, by: User | None, *, leave_held_out: bool = False) -> Draft:
    run = new_run(operation, by=by, source=old.source if by is None else "admin", dry_run=False)
    run.chain = old.chain
    return Draft(operation, run, leave_held_out=leave_held_out)


def _not_the_first(old: Run, only: str) -> dict[str, Any]:
    """Give way to the first retry, which came at the same moment."""
    _refuse_mixture(old, only)
    return {"first_retry": False}


def _refuse_mixture(old: Run, only: str) -> None:
    """Repeating everything, and retrying a part, exclude each other."""
    first = Run.objects.filter(retry_of=old, first_retry=True).first()
    if first is not None and Only.ALL in {first.only, only}:
        raise RetryRefused(old.pk, first.pk)


def _take_of(draft: Draft, old: Run, only: str, group: str) -> None:
    """Say what of an ended run the draft's run works on."""
    operation = draft.operation
    if operation.reads_rows:
        take_left(draft, old, only, group)
    elif operation.model is None or operation.selection is None:
        draft.open_partitions = lambda run: _open_rest(run, old, operation, only, group)
    elif old.preparing:
        _take_anew(draft, operation.model, old, only)
    else:
        _take_up(draft, operation.model, Earlier(old, only, group))


def _take_anew(draft: Draft, model: type[Model], old: Run, only: str) -> None:
    """Take what a run was to take that ended before it had its targets, and has done nothing."""
    if only == Only.FAILED:
        raise NothingToRetry(old.pk)
    draft.leave_held_out = draft.run.leave_held_out = draft.leave_held_out or old.leave_held_out
    descriptor = old.selection or {}
    if is_earlier(descriptor):
        _take_up(draft, model, Earlier.of_descriptor(descriptor))
    else:
        select(draft, Selection.of_descriptor(model, descriptor), None)


def _take_up(draft: Draft, model: type[Model], earlier: Earlier) -> None:
    """Take what is left of an earlier run: at once, or where that is much by a preparing partition."""
    draft.check = lambda run: _check_alone(run, earlier.old)
    if earlier.exceeds(prepare_above()):
        prepare(draft, earlier.descriptor)
    else:
        draft.take = lambda run: _taken(run, model, earlier)


def _check_alone(run: Run, old: Run) -> None:
    """Check that no other run collects of the same one: by its lock, as neither of two at once would see the other."""
    lock(old.pk)
    collecting = next((other for other in takers(old, run) if other.preparing), None)
    if collecting is not None:
        raise StillCollecting(old.pk, collecting.pk)


def _taken(run: Run, model: type[Model], earlier: Earlier) -> int:
    count = take_up(run, model, earlier)
    lock_objects(run, model)
    return count


def _open_rest(run: Run, old: Run, operation: BaseOperation, only: str, group: str) -> list[Partition]:
    """Open partitions over what is left of a run without targets: ranges not reached, and single failed items."""
    if only == Only.ALL:
        return [partitions.create(run, sent=True)]
    failures = Failure.objects.filter(run=old, **({"group": group} if group else {})).order_by("position")
    failed = failures.filter(kind__in=FAILS)
    taken_up = set(Partition.objects.filter(run__retry_of=old).exclude(run=run).values_list("first", "last"))
    ranges: list[tuple[int, int | None]] = [
        (position - 1, position) for position in failed.values_list("position", flat=True).distinct()
    ]
    if only == Only.UNDONE:
        stopped = old.partitions.exclude(outcome=Partition.Outcome.DONE).exclude(position=F("last"))
        ranges += list(stopped.values_list("position", "last"))
    ranges = [wanted for wanted in ranges if wanted not in taken_up]
    if not ranges:
        raise NothingToRetry(old.pk)
    return [partitions.create(run, sent=True, first=after, position=after, last=last) for after, last in ranges]
