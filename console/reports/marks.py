"""Chips, bars and moments as HTML: drawn here once, for lists, pages and template tags alike."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from console.engine.progress import Progress
from console.models import Run, Target
from console.reports.chips import Chip, chips, hold_chip
from console.reports.sentences import tally
from console.reports.shapes import SHAPES
from console.reports.words import ago, clock


def chip_marks(run: Run, progress: Progress | None = None) -> SafeString:
    """Return the chips of `run`, that of its state first."""
    return format_html_join(" ", "{}", ((chip_mark(chip),) for chip in chips(run, progress)))


def chip_mark(chip: Chip) -> SafeString:
    """Return one chip: a shape, a word, and its meaning in the title."""
    return format_html(
        '<span class="console-chip" data-state="{}" title="{}">{} {}</span>',
        chip.shape,
        chip.meaning,
        shape_mark(chip.shape),
        chip.word,
    )


def shape_mark(shape: str) -> SafeString:
    """Return a shape without a word: for where the word stands beside it."""
    return format_html(
        '<svg viewBox="0 0 16 16" width="14" height="14" data-shape="{}" aria-hidden="true" focusable="false">{}</svg>',
        shape,
        mark_safe(SHAPES[shape]),  # noqa: S308 - our own drawings
    )


def progress_mark(run: Run, progress: Progress) -> SafeString:
    """Return the bar of `run` and its numbers."""
    return format_html(
        '<span class="console-progress" data-run="{}" data-version="{}">{}<span class="console-tally">{}</span></span>',
        run.pk,
        progress.version,
        _bar(run, progress),
        tally(run, progress),
    )


def hold_mark(hold: str) -> SafeString:
    """Return the padlock chip of a hold (“Locked”, “In use”), or nothing."""
    chip = hold_chip(hold)
    return chip_mark(chip) if chip else SafeString("")


def pending_mark(target: Target, progress: Progress, *, address: str, more: int) -> SafeString:
    """Return what is pending on an object, for its row in a list: the hold, the run and how far it is.

    Args:
        target: The object as a target of the run to be named.
        progress: The run's.
        address: Of the run's page; empty for those who may not open it.
        more: How many other runs are pending.
    """
    words = target.run.label
    if progress.percent is not None:
        words = format_html("{}, <span data-percent>{}</span> %", words, progress.percent)
    return format_html(
        '<span class="console-pending" data-object="{}" data-run="{}" data-version="{}">{} {}{}</span>',
        target.object_id,
        target.run_id,
        progress.version,
        hold_mark(target.hold or ""),
        format_html('<a href="{}">{}</a>', address, words) if address else words,
        format_html(' <span title="{}">+{}</span>', _("more runs"), more) if more else "",
    )


def time_mark(moment: datetime | None) -> SafeString:
    """Return a moment as “14:02 (12 min ago)”, the full date and zone in its title; nothing for no moment."""
    if moment is None:
        return SafeString("")
    local = timezone.localtime(moment)
    passed = ago(moment)
    return format_html(
        '<time datetime="{}" title="{} {}">{}{}</time>',
        local.isoformat(),
        date_format(local, "DATETIME_FORMAT"),
        local.tzname() or "",
        clock(moment, seconds=False),
        format_html(' <span class="console-ago">({})</span>', passed) if passed else "",
    )


def _bar(run: Run, progress: Progress) -> SafeString:
    label = _("Progress of run %(run)s") % {"run": run.pk}
    percent = progress.percent
    if percent is not None:
        return format_html('<progress max="100" value="{0}" aria-label="{1}">{0} %</progress> ', percent, label)
    # A bar without a value moves for ever, so an ended run gets none.
    return format_html('<progress max="100" aria-label="{}"></progress> ', label) if run.is_active else SafeString("")
