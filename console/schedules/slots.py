"""What becomes of a time: a run, a wait for the run before it, or a reason why there is none. The only writer of slots.

Whoever calls these has locked the schedule's row, and looked in a new statement.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from console.engine import control
from console.engine.acceptance import accept
from console.engine.selection import Selection
from console.exceptions import ConsoleError, EmptySelection, OwnerGone, VerbNotLawful
from console.models import Run, Schedule, Slot
from console.operations import get_operation
from console.operations.base import BaseOperation
from console.schedules import store
from console.schedules.notices import tell_owner
from console.signals import schedule_switched_off
from console.states import ACTIVE

if TYPE_CHECKING:
    from console.engine.people import User

logger = logging.getLogger(__name__)

Outcome, Overlap = Slot.Outcome, Schedule.Overlap
WHAT = ("operation", "params", "selection")  # of a schedule: what it does


def record(schedule: Schedule, at: datetime, outcome: Slot.Outcome, reason: str, **fields: Any) -> None:
    """Record a time at which nothing starts, and why."""
    Slot.objects.bulk_create(
        [Slot(schedule=schedule, at=at, outcome=outcome, reason=reason, **fields)], ignore_conflicts=True
    )


def come(schedule: Schedule, at: datetime, moment: datetime) -> None:
    """Let a time come that is due: start its run, or do what is to happen beside the run before it."""
    if Slot.objects.filter(schedule=schedule, at=at).exists():
        return
    busy = _busy(schedule)
    if not busy or schedule.overlap == Overlap.ALLOW:
        begin(schedule, Slot(schedule=schedule, at=at), moment)
    elif schedule.overlap == Overlap.SKIP:
        record(schedule, at, Outcome.SKIPPED, _still_running(busy))
    elif schedule.overlap == Overlap.QUEUE_ONE and any(slot.outcome == Outcome.WAITING for slot in busy):
        record(schedule, at, Outcome.SKIPPED, _("One that came before it already waits."))
    else:
        record(schedule, at, Outcome.WAITING, "", open=True)
        if schedule.overlap == Overlap.CANCEL:
            _make_way(schedule, at, busy, moment)


def begin(schedule: Schedule, slot: Slot, moment: datetime, **asked: Any) -> Run | None:
    """Start the run of a time, and write both; where it cannot start, write why.

    Args:
        schedule: The schedule.
        slot: The time, new or waiting.
        moment: Now.
        asked: What is asked otherwise than the schedule says: `by`, `params`.

    Raises:
        OperationalError: The database is busy or away.
    """
    slot.open, slot.outcome, slot.reason = False, Outcome.FAILED, ""
    try:
        with transaction.atomic():
            slot.run = _start(schedule, slot, **asked)
    except EmptySelection:
        slot.outcome = Outcome.NOTHING
    except ConsoleError as error:
        slot.reason = str(error)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # whatever a project's own code raises must not stop beat
        logger.exception("Schedule %s cannot start its operation", schedule.pk)
        slot.reason = _("Nothing was started, because of an unexpected error (%(error)s).") % {"error": repr(error)}
    if slot.run is not None:
        slot.open, slot.outcome = True, Outcome.STARTED
        if schedule.max_duration:
            slot.stop_at = moment + timedelta(seconds=schedule.max_duration)
    slot.save()
    if slot.outcome == Outcome.FAILED:
        count_failure(schedule, slot.reason)
    return slot.run


def count_failure(schedule: Schedule, reason: str) -> None:
    """Count a failure, and switch the schedule off where there were too many in a row; the caller saves it."""
    schedule.failures += 1
    if schedule.pause_after and schedule.failures >= schedule.pause_after:
        _switch_off(schedule, reason)
    elif schedule.failures == 1:
        transaction.on_commit(partial(tell_owner, schedule, reason), robust=True)


def give_up_waiting(schedule: Schedule, reason: str) -> None:
    """Skip the times that wait for the one before: their schedule is off."""
    waiting = Slot.objects.filter(schedule=schedule, open=True, outcome=Outcome.WAITING)
    waiting.update(open=False, outcome=Outcome.SKIPPED, reason=reason)


def _switch_off(schedule: Schedule, reason: str) -> None:
    told = _("Switched off after %(count)d failures in a row. The last: %(reason)s")
    schedule.off_reason = told % {"count": schedule.failures, "reason": reason}
    schedule.failures = 0
    schedule.next_slot = schedule.next_at = None
    store.switch(schedule.task_id, on=False)
    schedule.timing = store.entry_of(schedule.task_id).text
    give_up_waiting(schedule, schedule.off_reason)
    transaction.on_commit(partial(schedule_switched_off.send_robust, sender=Schedule, schedule=schedule), robust=True)
    transaction.on_commit(partial(tell_owner, schedule, reason), robust=True)


def selection_of(operation: type[BaseOperation], schedule: Schedule) -> Selection | None:
    """Return what the schedule's filter finds now, for its owner; None for an operation without objects.

    Raises:
        ConsoleError: The filter, the list or the owner is no longer there.
    """
    if operation.selection is None or operation.model is None:
        return None
    saved, owner = schedule.selection or {}, owner_of(schedule)
    return Selection.of_descriptor(
        operation.model,
        {
            "kind": "changelist",
            "site": saved.get("site", "admin"),
            "model": operation.model._meta.label,
            "query": saved.get("query", ""),
            "user": owner.pk if owner else None,
        },
    )


def _start(schedule: Schedule, slot: Slot, **asked: Any) -> Run:
    operation = get_operation(schedule.operation)
    by = asked.get("by") or owner_of(schedule)
    return accept(
        operation,
        by=by,
        selection=selection_of(operation, schedule),
        params=asked.get("params") or schedule.params,
        key=f"schedule:{schedule.pk}:{slot.at.isoformat()}",
        leave_held_out=True,
        source="schedule",
        **store.options_of(schedule.task_id),
    ).run


def owner_of(schedule: Schedule) -> User | None:
    """Return for whom the schedule acts; None: for the code that declared it, as long as it does what was declared.

    Raises:
        OwnerGone: They were deleted, or may not act any more.
    """
    owner = schedule.owner
    if owner is None and not _does_as_declared(schedule):
        raise OwnerGone
    if owner is not None and not owner.is_active:
        raise OwnerGone
    return owner


def _does_as_declared(schedule: Schedule) -> bool:
    declared = schedule.declared or {}
    return all(name in declared and declared[name] == getattr(schedule, name) for name in WHAT)


def _busy(schedule: Schedule) -> list[Slot]:
    """Return the times whose run is not over, or waits, the oldest first."""
    found = Slot.objects.filter(schedule=schedule, open=True).select_related("run").order_by("at")
    return [slot for slot in found if slot.outcome == Outcome.WAITING or (slot.run and slot.run.is_active)]


def _still_running(busy: list[Slot]) -> str:
    runs = [slot.run_id for slot in busy if slot.run_id]
    if not runs:
        return _("One that came before it still waits.")
    return _("The one before was still running (run %(run)d).") % {"run": runs[-1]}


def _make_way(schedule: Schedule, at: datetime, busy: list[Slot], moment: datetime) -> None:
    for slot in busy:
        if slot.outcome == Outcome.WAITING:
            Slot.objects.filter(pk=slot.pk).update(
                open=False, outcome=Outcome.SKIPPED, reason=_("A later one took its place.")
            )
        elif slot.run_id:
            stop(slot.run_id, _("The next time of its schedule came."))
    if not Slot.objects.filter(schedule=schedule, open=True, run__state__in=ACTIVE).exists():
        begin(schedule, Slot.objects.get(schedule=schedule, at=at), moment)


def stop(run_id: int, reason: str) -> None:
    """Cancel a run, if it has not ended meanwhile."""
    try:
        control.cancel(run_id, reason=reason)
    except VerbNotLawful:
        logger.info("Run %s had ended, or is being cancelled, before its schedule could cancel it", run_id)
