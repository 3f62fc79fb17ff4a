"""The words for the lines of a run's history."""

from __future__ import annotations

from django.utils.translation import gettext as _

from console.states import State, Verb


def source_words(source: str) -> str:
    """Return through what a run was asked for; a word that is not known stays as it is."""
    known = {
        "admin": _("the admin"),
        "code": _("the site's code"),
        "schedule": _("a schedule"),
        "shell": _("the shell"),
    }
    return known.get(source, source)


def event_words(what: str) -> str:
    """Return what an event tells, in words; a word that is not known stays as it is."""
    known = {
        "accepted": _("accepted"),
        "prepared": _("collected its objects"),
        "read": _("read its file"),
        "started": _("started"),
        Verb.CANCEL.value: _("asked to cancel"),
        Verb.PAUSE.value: _("asked to pause"),
        Verb.RESUME.value: _("resumed"),
        Verb.RETRY.value: _("retried"),
        Verb.WITHDRAW.value: _("left an object out"),
        Verb.START.value: _("started the real run"),
    }
    if what in known:
        return known[what]
    return str(State(what).label).lower() if what in State.values else what


def act_words(what: str) -> str:
    """Return what somebody did with a schedule, in words; a word that is not known stays as it is."""
    known = {
        "made": _("made it"),
        "changed": _("changed it"),
        "enabled": _("switched it on"),
        "disabled": _("switched it off"),
        "skipped": _("skipped its next time"),
        "run now": _("ran it now"),
        "backfilled": _("made up for a range"),
        "synced": _("took over what the code declares"),
        "reset": _("reset it to the code"),
    }
    return known.get(what, what)
