"""A run's chips: its state, and facts beside it, each a shape, a word and a meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.operations.base import Hold
from console.reports.words import clock, number, span
from console.states import MEANINGS, State

if TYPE_CHECKING:
    from console.engine.progress import Progress
    from console.models import Run

SILENT_AFTER = 30  # seconds without a sign of the worker, before a chip says so


@dataclass(frozen=True)
class Chip:
    """One chip: `shape` names its picture and its ground, `word` is read, `meaning` explains."""

    shape: str
    word: str
    meaning: str


def chips(run: Run, progress: Progress | None = None) -> list[Chip]:
    """Return the chips of `run`, that of its state first; a silent worker shows only where `progress` is given."""
    found = [_state(run)]
    if run.dry_run:
        found.append(Chip("dry", _("Dry run"), _("nothing was or will be changed")))
    silence = silent_for(run, progress) if progress else None
    if progress and silence and progress.lease_until:
        meaning = _("the worker gives no sign; another takes over as soon as it is free")
        if progress.lease_until > timezone.now():
            meaning = _("the worker gives no sign; another takes over at %(time)s")
            meaning %= {"time": clock(progress.lease_until)}
        found.append(Chip("silent", _("Silent for %(time)s") % {"time": span(silence)}, meaning))
    return found


def hold_chip(hold: str) -> Chip | None:
    """Return the padlock for a hold, or None where there is none."""
    if hold == Hold.EXCLUSIVE:
        return Chip("locked", _("Locked"), _("a run is going to change this; it can be read, not changed or deleted"))
    if hold == Hold.SHARED:
        return Chip("shared", _("In use"), _("a run reads this; it can be read and copied, not changed or deleted"))
    return None


def silent_for(run: Run, progress: Progress) -> int | None:
    """Return for how many seconds a working run has given no sign, or None while that is not worth a chip."""
    if run.state != State.RUNNING or progress.quiet is None or progress.quiet < SILENT_AFTER:
        return None
    return progress.quiet


def _state(run: Run) -> Chip:
    state = State(run.state)
    if run.preparing and run.is_active and state in {State.QUEUED, State.RUNNING}:
        return Chip("preparing", _("Preparing"), _("collecting and locking the objects; not yet protected"))
    if state == State.SUCCEEDED and run.failed:
        word = ngettext("Succeeded, %(count)s failed", "Succeeded, %(count)s failed", run.failed)
        meaning = ngettext("the rest is done; %(count)s needs you", "the rest is done; %(count)s need you", run.failed)
        count = {"count": number(run.failed)}
        return Chip("partly", word % count, meaning % count)
    return Chip(state.value, str(state.label), str(MEANINGS[state]))
