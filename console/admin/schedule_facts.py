"""What the page of a schedule tells beside its form: how it stands, what became of its times, who did what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from console.admin import schedule_list
from console.exceptions import ConsoleError
from console.models import Schedule
from console.operations import known_operation
from console.schedules.declared import declaration_of
from console.schedules.store import Entry
from console.schedules.words import in_words

SHOWN = 50  # times, and lines, in the history


def facts(schedule: Schedule, entry: Entry, site_name: str, before: str = "") -> dict[str, Any]:
    """Return how a schedule stands, and its history: the latest times, or those before the moment that `before` writes."""
    shown = schedule_list.read([entry.pk], {})[entry.pk]
    found = schedule.slots.select_related("run").order_by("-at")
    end = _moment(before)
    times = list((found.filter(at__lt=end) if end else found)[: SHOWN + 1])
    return {
        "on": schedule_list.on_mark(shown),
        "when": in_words(entry.timing),
        "next": schedule_list.next_mark(shown, timezone.now()),
        "latest": schedule_list.latest_mark(shown),
        "takes": schedule_list.takes_mark(shown),
        "owner": schedule_list.owner_mark(shown),
        "problem": problem(schedule),
        "is_declared": declaration_of(schedule) is not None,
        "history": [(slot, schedule_list.slot_mark(slot, site_name)) for slot in times[:SHOWN]],
        "older": times[SHOWN - 1].at.isoformat() if len(times) > SHOWN else "",
        "is_older": end is not None,
        "events": schedule.events.select_related("by").order_by("-pk")[:SHOWN],
    }


def _moment(text: str) -> datetime | None:
    """Return the moment that an address names; None for anything else."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def problem(schedule: Schedule) -> str:
    """Return why a schedule cannot start as it is; empty where it can."""
    operation = known_operation(schedule.operation)
    if operation is None:
        return _("This operation is no longer part of the site. Its times fail until it is back.")
    if schedule.problem:
        return schedule.problem
    try:
        operation(schedule.params)
    except ConsoleError as error:
        told = _(
            "Since the last update “%(label)s” asks for other parameters; its times fail until you fill them in. %(error)s"
        )
        return told % {"label": operation.label, "error": error}
    return ""
