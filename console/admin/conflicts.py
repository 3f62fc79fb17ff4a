"""The table of objects that other runs hold, as the confirmation and delete pages show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _

from console.admin.links import object_url, run_url
from console.admin.sight import sight
from console.engine.progress import Progress, progress_of
from console.engine.verbs import verbs_for
from console.models import Run, Target
from console.operations import Hold
from console.reports.words import about, clock, person, rounded, span
from console.states import Verb

SHOWN = 20


@dataclass(frozen=True)
class HeldRow:
    """One held object: which, by which run, how far that is, and where to cancel it (empty: not permitted)."""

    text: str
    url: str
    run: Run
    locked: bool
    run_url: str
    cancel_url: str
    asked_by: str
    since: str
    progress: Progress

    @property
    def eta(self) -> str:
        """How much longer the run needs, in words; empty where nobody can tell yet."""
        seconds = self.progress.eta_seconds
        return about(seconds) if seconds is not None else ""

    @property
    def needs(self) -> str:
        """The same as a sentence: “The run needs about 2 min more.”."""
        seconds = self.progress.eta_seconds
        return "" if seconds is None else _("The run needs about %(time)s more.") % {"time": span(rounded(seconds))}


def held_rows(request: HttpRequest, site: AdminSite, model: type[Model], targets: Sequence[Target]) -> list[HeldRow]:
    """Return the rows of the table for the first of `targets`, in a constant number of queries."""
    shown = list(targets[:SHOWN])
    seen = sight(request, site)
    objects = seen.objects(model, [target.object_id for target in shown])
    runs = seen.seen(target.run for target in shown)
    progress = progress_of([target.run for target in shown])
    return [
        _row(request, site, objects.get(target.object_id), target, progress[target.run_id], opens=target.run_id in runs)
        for target in shown
    ]


def _row(
    request: HttpRequest, site: AdminSite, obj: Model | None, target: Target, progress: Progress, *, opens: bool
) -> HeldRow:
    run = target.run
    may_cancel = Verb.CANCEL in verbs_for(run, request.user)
    return HeldRow(
        text=str(obj) if obj is not None else target.object_id,
        url=object_url(site, obj) if obj is not None else "",
        run=run,
        locked=target.hold == Hold.EXCLUSIVE,
        run_url=run_url(site, run.pk) if opens else "",
        cancel_url=run_url(site, run.pk, "cancel") if opens and may_cancel else "",
        asked_by=person(run.asked_by),
        since=clock(run.accepted_at, seconds=False),
        progress=progress,
    )
