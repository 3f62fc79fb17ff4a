"""What the list of schedules shows of each: read at once for the whole page, drawn column by column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.models import Schedule, Slot
from console.reports.chips import Chip
from console.reports.marks import chip_mark, chip_marks, shape_mark
from console.reports.words import number, person, span
from console.schedules import store
from console.schedules.store import Entry
from console.schedules.words import in_words, moment_in_words

LATEST = 20
SLOWER = 1.5  # times as long as usual
OVERDUE = 60  # seconds after which a time that has not come is told
Outcome = Slot.Outcome
SHAPES = {
    Outcome.WAITING: "waiting",
    Outcome.STARTED: "running",
    Outcome.SUCCEEDED: "succeeded",
    Outcome.FAILED: "failed",
    Outcome.CANCELLED: "cancelled",
    Outcome.SKIPPED: "paused",
    Outcome.MISSED: "silent",
    Outcome.NOTHING: "queued",
}


@dataclass
class Shown:
    """A schedule in the list: its entry, our row if it is one of ours, and its latest times, newest first."""

    entry: Entry
    schedule: Schedule | None
    last_run_at: datetime | None
    latest: list[Slot] = field(default_factory=list)


def read(task_ids: Iterable[int], last_runs: dict[int, datetime | None]) -> dict[int, Shown]:
    """Read what is shown of these schedules, in four queries whatever their number."""
    found = {entry.pk: entry for entry in store.entries(list(task_ids))}
    ours = {ours.task_id: ours for ours in Schedule.objects.filter(task__in=found).select_related("owner")}
    shown = {pk: Shown(entry, ours.get(pk), last_runs.get(pk)) for pk, entry in found.items()}
    by_schedule = {one.schedule.pk: one for one in shown.values() if one.schedule}
    newest = Window(RowNumber(), partition_by=F("schedule"), order_by=F("at").desc())
    latest = Slot.objects.filter(schedule__in=by_schedule).annotate(console_row=newest).filter(console_row__lte=LATEST)
    for slot in latest.select_related("run").order_by("-at"):
        by_schedule[slot.schedule_id].latest.append(slot)
    return shown


def on_mark(one: Shown) -> SafeString:
    """Return the chip On or Off, with the reason."""
    if one.entry.enabled:
        return chip_mark(Chip("succeeded", _("On"), _("starts by itself")))
    why = one.schedule.off_reason if one.schedule else ""
    chip = chip_mark(Chip("paused", _("Off"), why or _("does not start by itself")))
    return format_html('{} <span class="console-why">{}</span>', chip, why) if why else chip


def when_mark(one: Shown) -> str:
    """Return when it is due, in words."""
    return in_words(one.entry.timing)


def next_mark(one: Shown, now: datetime) -> SafeString:
    """Return the next time, with a chip where it has not come in time."""
    if one.schedule is None:
        return SafeString("")
    if one.schedule.problem:
        return format_html('<span class="console-why">{}</span>', one.schedule.problem)
    if one.schedule.next_slot is None:
        return format_html("{}", _("none") if one.entry.enabled else "")
    told = moment_in_words(one.schedule.next_slot, now, one.entry.timing)
    late = overdue_for(one.schedule, now)
    return format_html("{} {}", told, chip_mark(overdue_chip(late))) if late else format_html("{}", told)


def overdue_for(schedule: Schedule, now: datetime) -> float:
    """Return for how many seconds a time is overdue; 0 where none is."""
    late = (now - schedule.next_at).total_seconds() if schedule.next_at else 0
    return late if late > OVERDUE else 0


def overdue_chip(late: float) -> Chip:
    """Return the chip of a time that should have come."""
    meaning = _("the scheduler has not started it; it comes as soon as the scheduler is back")
    return Chip("silent", _("Overdue %(span)s") % {"span": span(late)}, meaning)


def last_mark(one: Shown, site_name: str) -> SafeString:
    """Return what became of the last time, with a link to its run."""
    if one.schedule is None:
        return SafeString("")
    return slot_mark(one.latest[0], site_name) if one.latest else SafeString("")


def slot_mark(slot: Slot, site_name: str) -> SafeString:
    """Return what became of a time: its run's chips and a link to it, or why there is none."""
    if slot.run is not None:
        address = reverse(f"{site_name}:console_run_change", args=[slot.run.pk])
        return format_html('{} <a href="{}">{} {}</a>', chip_marks(slot.run), address, _("run"), slot.run.pk)
    chip = chip_mark(Chip(SHAPES[Outcome(slot.outcome)], str(Outcome(slot.outcome).label).capitalize(), slot.reason))
    return format_html('{} <span class="console-why">{}</span>', chip, slot.reason) if slot.reason else chip


def latest_mark(one: Shown) -> SafeString:
    """Return the latest outcomes as shapes in a row, the newest last, and their counts in words."""
    if not one.latest:
        return SafeString("")
    counts: dict[str, int] = {}
    for slot in one.latest:
        counts[slot.outcome] = counts.get(slot.outcome, 0) + 1
    told = ", ".join(f"{number(count)} {Outcome(outcome).label}" for outcome, count in counts.items())
    shapes = format_html_join("", "{}", ((shape_mark(SHAPES[Outcome(slot.outcome)]),) for slot in reversed(one.latest)))
    return format_html(
        '<span class="console-strip" role="img" aria-label="{0}" title="{0}">{1}</span><span class="console-hidden">{0}</span>',
        told,
        shapes,
    )


def takes_mark(one: Shown) -> SafeString:
    """Return how long its runs take, and a word where the last one took much longer."""
    took = [slot.run.took.total_seconds() for slot in one.latest if slot.run and slot.run.took]
    if not took:
        return SafeString("")
    usual = median(took)
    if len(took) > 2 and took[0] > SLOWER * usual:  # noqa: PLR2004 - of two nothing is usual
        slower = ngettext("the last one took %(span)s", "the last one took %(span)s", 1) % {"span": span(took[0])}
        return format_html(
            '{} <span title="{}">▲<span class="console-hidden"> {}</span></span>', span(usual), slower, slower
        )
    return format_html("{}", span(usual))


def owner_mark(one: Shown) -> SafeString:
    """Return for whom it acts."""
    if one.schedule is None:
        return SafeString("")
    owner: Any = one.schedule.owner
    told = person(owner) if owner or one.schedule.declared is None else _("the site's code")
    return format_html("<bdi>{}</bdi>", told if owner or one.schedule.declared is not None else _("nobody"))
