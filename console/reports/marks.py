"""Chips, bars and moments as HTML: drawn here once, for lists, pages and template tags alike."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from console.engine.progress import Progress
from console.models import Run
from console.reports.chips import Chip, chips
from console.reports.sentences import tally
from console.reports.shapes import SHAPES
from console.reports.words import ago, clock


def chip_marks(run: Run, progress: Progress | None = None) -> SafeString:
    """Return the chips of `run`, that of its state first."""
    return format_html_join(" ", "{}", ((chip_mark(chip),) for chip in chips(run, progress)))


def chip_mark(chip: Chip) -> SafeString:
    """Return one chip: a shape, a word, and its meaning in the title."""
    shape = mark_safe(SHAPES[chip.shape])  # noqa: S308 - our own drawings
    return format_html(
        '<span class="console-chip" data-state="{}" title="{}">'
        '<svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" focusable="false">{}</svg> {}</span>',
        chip.shape,
        chip.meaning,
        shape,
        chip.word,
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
