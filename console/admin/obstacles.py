"""What keeps a confirmed page from starting its run, in the model's own nouns."""

from __future__ import annotations

from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.admin.words import counted
from console.exceptions import ConsoleError, HoldConflict, InvalidParameters, SelectionChanged, SelectionVanished
from console.reports.words import number


def obstacle(error: ConsoleError, model: type[Model], count: int) -> str:
    """Return the sentence for `error`, met when `count` objects of `model` were to be worked on."""
    match error:
        case HoldConflict():
            return taken(model, error.count, count)
        case SelectionChanged():
            return changed(model, error.confirmed, error.now)
        case SelectionVanished():
            return vanished(model, error.gone, error.asked)
    return plain(error)


def plain(error: ConsoleError) -> str:
    """Return the sentence for an `error` that names no objects."""
    if isinstance(error, InvalidParameters):
        told = ngettext("Please correct the error below.", "Please correct the errors below.", len(error.errors))
        return f"{_('Nothing was started.')} {told}"
    return str(error)


def vanished(model: type[Model], gone: int, asked: int) -> str:
    """Return that some objects of the selection are gone."""
    return ngettext(
        "%(gone)s of the %(asked)s you selected no longer exists. Nothing was started. "
        "%(left)s are left: check and confirm again.",
        "%(gone)s of the %(asked)s you selected no longer exist. Nothing was started. "
        "%(left)s are left: check and confirm again.",
        gone,
    ) % {"gone": number(gone), "asked": counted(model, asked), "left": number(asked - gone)}


def all_vanished(model: type[Model]) -> str:
    """Return that nothing of the selection is left."""
    plural = model._meta.verbose_name_plural
    return _("None of the %(nouns)s you selected exist any more. Nothing was started.") % {"nouns": plural}


def none_match(model: type[Model]) -> str:
    """Return that a whole list is empty."""
    return _("No %(noun)s matches. Nothing was started.") % {"noun": model._meta.verbose_name}


def changed(model: type[Model], seen: int, now: int) -> str:
    """Return that other objects match than were confirmed."""
    return _("You saw %(seen)s; %(now)s match now. Nothing was started. Confirm again.") % {
        "seen": counted(model, seen),
        "now": number(now),
    }


def taken(model: type[Model], count: int, total: int) -> str:
    """Return that other runs have taken objects since the page was opened."""
    if total == 1:
        return _("Nothing was started. This %(noun)s was locked by another run while this page was open.") % {
            "noun": model._meta.verbose_name
        }
    return ngettext(
        "Nothing was started. %(count)s of the %(total)s was locked by another run while this page was open.",
        "Nothing was started. %(count)s of the %(total)s were locked by another run while this page was open.",
        count,
    ) % {"count": number(count), "total": counted(model, total)}
