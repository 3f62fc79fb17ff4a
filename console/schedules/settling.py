"""What follows a time whose run has ended, takes too long, or has made way for one that waits: looked for at each tick."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import InterfaceError, OperationalError, close_old_connections
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from console.conf import settings
from console.engine.transactions import short_transaction
from console.models import Schedule, Slot
from console.schedules.planning import PLAN
from console.schedules.slots import Outcome, begin, count_failure, stop
from console.states import ACTIVE, ENDED, State

logger = logging.getLogger(__name__)

OUTCOMES = {
    State.SUCCEEDED.value: Outcome.SUCCEEDED,
    State.FAILED.value: Outcome.FAILED,
    State.CANCELLED.value: Outcome.CANCELLED,
}
IS_OVER = Q(run__state__in=ENDED) | Q(run=None, outcome=Outcome.STARTED)
WAITS = Q(outcome=Outcome.WAITING)


def settle_open(moment: datetime | None = None) -> int:
    """Look once at the times that are not over, and return how many schedules something followed for."""
    now = moment or timezone.now()
    return sum(_guarded(pk, now) for pk in _with_news(now))


def _with_news(moment: datetime) -> list[int]:
    working = Slot.objects.filter(schedule=OuterRef("schedule"), open=True, outcome=Outcome.STARTED)
    news = IS_OVER | Q(stop_at__lte=moment) | (WAITS & ~Exists(working))
    found = Slot.objects.filter(news, open=True).order_by().values_list("schedule", flat=True).distinct()
    return list(found[: settings.sweep_limit])


def _guarded(pk: int, moment: datetime) -> bool:
    try:
        return settle(pk, moment)
    except (OperationalError, InterfaceError):
        logger.exception("Schedule %s: the database did not answer; the next look tries again", pk)
        close_old_connections()
        return False


@short_transaction
def settle(pk: int, moment: datetime) -> bool:
    """Settle the open times of a schedule: those over, those too long at it, and then the one that waits longest."""
    schedule = Schedule.objects.select_for_update(no_key=True).filter(pk=pk).first()
    if schedule is None:
        return False
    is_open = Slot.objects.filter(schedule=schedule, open=True).select_related("run").order_by("at")
    for slot in is_open.filter(IS_OVER):
        _close(schedule, slot)
    for slot in is_open.filter(stop_at__lte=moment, run__state__in=ACTIVE):
        _stop(slot)
    if not is_open.filter(outcome=Outcome.STARTED).exists() and (waiting := is_open.filter(WAITS).first()):
        begin(schedule, waiting, moment)
    schedule.save(update_fields=(*PLAN, "failures", "off_reason"))
    return True


def _close(schedule: Schedule, slot: Slot) -> None:
    slot.open, slot.stop_at = False, None
    slot.outcome = OUTCOMES[slot.run.state] if slot.run else Outcome.SUCCEEDED
    slot.save(update_fields=("open", "stop_at", "outcome"))
    if slot.outcome == Outcome.FAILED and slot.run:
        count_failure(schedule, slot.run.why or str(slot.run))
    elif slot.outcome == Outcome.SUCCEEDED:
        schedule.failures = 0


def _stop(slot: Slot) -> None:
    assert slot.run_id is not None
    Slot.objects.filter(pk=slot.pk).update(stop_at=None)
    stop(slot.run_id, _("It took longer than its schedule allows."))
