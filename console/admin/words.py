"""The words that several pages share: counts with the model's own nouns, who and when, and acts as buttons name them."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.admin.utils import model_ngettext
from django.db.models import Model
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from console.conf import settings
from console.models import Run, Target
from console.operations import BaseOperation, Hold
from console.reports.words import acted, clock, number, person


def counted(model: type[Model], count: int) -> str:
    """Return a count with the model's noun: “12 notes”."""
    return f"{number(count)} {model_ngettext(model._meta, count)}"


def noun(obj: Model) -> str:
    """Return what one such object is called: “note”."""
    return str(obj._meta.verbose_name)


def act(operation: type[BaseOperation], what: str) -> str:
    """Return the operation as an act on `what`: “Copy 12 notes”, “Change tags: 12 notes”."""
    return acted(str(operation.label), what)


def action_text(operation: type[BaseOperation]) -> str:
    """Return the operation's line in the list of actions; the ellipsis promises a page before anything happens."""
    assert operation.model is not None
    nouns = operation.model._meta.verbose_name_plural
    text = str(operation.label_plural) or act(operation, _("selected %(nouns)s") % {"nouns": nouns})
    return f"{text}…"


def run_words(run: Run) -> str:
    """Return the run as sentences name it: “Copy (run 1204), asked by Ana Lima at 14:02”."""
    return _("%(label)s (run %(run)d), asked by %(person)s at %(time)s") % {
        "label": run.label,
        "run": run.pk,
        "person": person(run.asked_by),
        "time": clock(run.accepted_at, seconds=False),
    }


def strongest(targets: Sequence[Target]) -> Target:
    """Return the hold to name first: an exclusive one, else the oldest."""
    return next((target for target in targets if target.hold == Hold.EXCLUSIVE), targets[0])


def is_locked(targets: Sequence[Target]) -> bool:
    """Tell whether one of the holds is exclusive."""
    return strongest(targets).hold == Hold.EXCLUSIVE


def held_sentence(obj: Model, targets: Sequence[Target], waiting: str = "") -> str:
    """Return who holds the object: “This note is locked by Change tags (run 1204), asked by …, `waiting`.”."""
    text = _("This %(noun)s is locked by %(run)s.") if is_locked(targets) else _("This %(noun)s is in use: %(run)s.")
    run = run_words(strongest(targets).run)
    return text % {"noun": noun(obj), "run": f"{run}, {waiting}" if waiting else run}


def freed(obj: Model, target: Target) -> str:
    """Return what the end of the hold means for the object."""
    changed = target.hold == Hold.EXCLUSIVE
    text = _("The %(noun)s may have changed.") if changed else _("The %(noun)s can be changed and deleted again.")
    return text % {"noun": noun(obj)}


def not_saved(obj: Model, targets: Sequence[Target]) -> str:
    """Return why a form was not saved, and that nothing typed is lost."""
    return _(
        "Not saved. This %(noun)s is locked by %(run)s. What you typed is still here: "
        "save again when the banner says so, or cancel the run."
    ) % {"noun": noun(obj), "run": run_words(strongest(targets).run)}


def row_not_saved(obj: Model, targets: Sequence[Target]) -> str:
    """Return why a row of the list was not saved."""
    return _("Not saved: this %(noun)s is locked by %(run)s. Save again when it has ended.") % {
        "noun": noun(obj),
        "run": run_words(strongest(targets).run),
    }


def row_stale(obj: Model, run: Run) -> str:
    """Return why a row of an old list was not saved after `run`."""
    return _(
        "Not saved: %(label)s (run %(run)d) changed this %(noun)s after you opened the list. Reload the list, then change it."
    ) % {"label": run.label, "run": run.pk, "noun": noun(obj)}


def stale(obj: Model, run: Run, fields: Sequence[str]) -> str:
    """Return why a form that was opened before `run` was not saved after it."""
    what = get_text_list([str(field) for field in fields], _("and"))
    text = _(
        "Not saved. %(label)s (run %(run)d) changed this %(noun)s after you opened it, "
        "and your form would put old values back: %(fields)s."
    )
    if not what:
        text = _(
            "Not saved. %(label)s (run %(run)d) changed this %(noun)s after you opened it, "
            "and your form could put old values back."
        )
    return text % {"label": run.label, "run": run.pk, "noun": noun(obj), "fields": what}


def contact() -> str:
    """Return whom staff without rights may ask."""
    return str(settings.contact)


def ask_to_cancel(run: Run) -> str:
    """Return whom to ask where the person may not cancel the run."""
    who = person(run.asked_by) if run.asked_by else ""
    if not who:
        return _("Ask %(contact)s to cancel it.") % {"contact": contact()}
    return _("Ask %(person)s or %(contact)s to cancel it.") % {"person": who, "contact": contact()}
