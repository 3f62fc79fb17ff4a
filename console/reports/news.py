"""What a person is told, wherever they are in the admin, when a run that they asked for, or about, has ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.messages import constants
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.models import Event, Run
from console.reports.words import number
from console.states import State, Verb

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser, AnonymousUser

LATE = timedelta(seconds=10)  # a run's end may be committed so long after its time
NEWS = timedelta(hours=1)  # older endings are history: the list of runs has them
TOLD = 5  # endings told at once


def ended_since(
    runs: QuerySet[Run], user: AbstractUser | AnonymousUser, since: datetime, watched: Sequence[int] = ()
) -> list[Run]:
    """Return those of `runs` that ended after `since`, or so shortly before that they may be news to `user`.

    They are news to whoever asked for the run, or asked to be told; what somebody cancelled themselves is none to them.

    Args:
        runs: The runs that `user` may see.
        user: Who is told.
        since: When they last heard.
        watched: Runs of others whose end they asked to be told.
    """
    after = max(since - LATE, timezone.now() - NEWS)
    cancelled = Event.objects.filter(run=OuterRef("pk"), what=Verb.CANCEL, by=user.pk)
    mine = runs.filter(Q(asked_by=user.pk) | Q(pk__in=watched), ended_at__gt=after)
    return list(mine.exclude(Exists(cancelled), state=State.CANCELLED).order_by("-ended_at")[:TOLD])


def ending(run: Run) -> str:
    """Return the sentence: “Copy notes (run 1204) succeeded: 120 items done.”."""
    told = {
        State.SUCCEEDED: _("%(run)s succeeded: %(numbers)s."),
        State.FAILED: _("%(run)s failed: %(numbers)s."),
        State.CANCELLED: _("%(run)s was cancelled: %(numbers)s."),
    }[State(run.state)]
    if run.dry_run:
        told = _("The dry run of %(run)s has ended: nothing was changed.")
    name = _("%(label)s (run %(run)d)") % {"label": run.label, "run": run.pk}
    return told % {"run": name, "numbers": _numbers(run)}


def level(run: Run) -> str:
    """Return the level of the message, by which the admin colours it."""
    if run.state == State.FAILED:
        return constants.DEFAULT_TAGS[constants.ERROR]
    if run.state == State.CANCELLED or run.failed:
        return constants.DEFAULT_TAGS[constants.WARNING]
    return constants.DEFAULT_TAGS[constants.SUCCESS]


def _numbers(run: Run) -> str:
    """Return what was done, and never that without what was not."""
    parts = [ngettext("%(count)s item done", "%(count)s items done", run.done) % {"count": number(run.done)}]
    if run.failed:
        parts.append(ngettext("%(count)s failed", "%(count)s failed", run.failed) % {"count": number(run.failed)})
    if run.skipped:
        parts.append(ngettext("%(count)s skipped", "%(count)s skipped", run.skipped) % {"count": number(run.skipped)})
    left = (run.total or 0) - run.done - run.failed - run.skipped
    if left > 0 and not run.preparing:
        parts.append(ngettext("%(count)s not reached", "%(count)s not reached", left) % {"count": number(left)})
    return ", ".join(parts)
