"""The line above a held object: who holds it, how far that is, what can be done meanwhile, and that it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _

from console.admin.conflicts import HeldRow, held_rows
from console.admin.links import summary_url
from console.admin.words import ask_to_cancel, freed, held_sentence, is_locked, strongest
from console.engine.verbs import is_permitted
from console.models import Target
from console.reports.endings import endings
from console.reports.waiting import waits_in_line
from console.states import Verb


@dataclass(frozen=True)
class Banner:
    """What the banner says, and the row that knows the run's progress and addresses.

    `endings` are the sentences to show instead when the run has ended, by the state it may end in.
    """

    sentence: str
    advice: str
    row: HeldRow
    others: int
    ask: str
    endings: list[tuple[str, str]]
    summary: str


def banner(request: HttpRequest, site: AdminSite, obj: Model, targets: Sequence[Target]) -> Banner | None:
    """Return the banner of `obj`, or None where nobody holds it."""
    if not targets:
        return None
    target = strongest(targets)
    row = held_rows(request, site, type(obj), [target])[0]
    advice = (
        _("You can read it; saving and deleting are off until the run ends.")
        if is_locked(targets)
        else _("It can be read and copied; saving and deleting are off until the run ends.")
    )
    return Banner(
        sentence=held_sentence(obj, targets, waiting=waits_in_line(target.run)),
        advice=advice,
        row=row,
        others=len({other.run_id for other in targets}) - 1,
        ask="" if is_permitted(target.run, Verb.CANCEL, request.user) else ask_to_cancel(target.run),
        endings=[(state, f"{text} {freed(obj, target)}") for state, text in endings(target.run).items()],
        summary=summary_url(site),
    )
