"""The line above a held object: who holds it, how far that is, what can be done meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _

from console.admin.conflicts import HeldRow, held_rows
from console.admin.words import ask_to_cancel, held_sentence, is_locked, strongest
from console.models import Target


@dataclass(frozen=True)
class Banner:
    """What the banner says, and the row that knows the run's progress and addresses."""

    sentence: str
    advice: str
    row: HeldRow
    others: int
    ask: str


def banner(request: HttpRequest, site: AdminSite, obj: Model, targets: Sequence[Target]) -> Banner | None:
    """Return the banner of `obj`, or None where nobody holds it."""
    if not targets:
        return None
    row = held_rows(request, site, type(obj), [strongest(targets)])[0]
    advice = (
        _("You can read it; saving and deleting are off until the run ends.")
        if is_locked(targets)
        else _("It can be read and copied; saving and deleting are off until the run ends.")
    )
    return Banner(
        sentence=held_sentence(obj, targets),
        advice=advice,
        row=row,
        others=len(targets) - 1,
        ask="" if row.cancel_url else ask_to_cancel(row.run),
    )
