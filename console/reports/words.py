"""Numbers, times and nouns as people read them; the same on pages, in JSON and in the shell."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from console.models import Run

LONGEST_NAME = 60
COUNTED = 10_000  # longer lists are not counted to their end
MINUTE, HOUR = 60, 60  # seconds, minutes
PRECISE_BELOW = 10  # smaller numbers keep a digit after the point
INSTANT = 0.1
DAYS_FROM = 48  # hours


def number(value: float) -> str:
    """Return a number with the locale's grouping; a fraction below 10 keeps one digit.

    >>> number(2.34)
    '2.3'
    """
    places = 1 if value < PRECISE_BELOW and value != int(value) else 0
    return number_format(
        round(value, places) if places else round(value), places or None, use_l10n=True, force_grouping=True
    )


def span(seconds: float) -> str:
    """Return a length of time: “4.8 s”, “40 s”, “12 min”, “2 h 5 min”, “3 d 4 h”."""
    if 0 < seconds < INSTANT:
        return _("under 0.1 s")
    if seconds < PRECISE_BELOW:
        return _("%(count)s s") % {"count": number(seconds)}
    if seconds < MINUTE:
        return _("%(count)s s") % {"count": int(seconds)}
    minutes = int(seconds // MINUTE)
    if minutes < HOUR:
        return _("%(count)s min") % {"count": minutes}
    hours, minutes = divmod(minutes, HOUR)
    if hours < DAYS_FROM:
        return (
            _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
            if minutes
            else _("%(hours)s h") % {"hours": hours}
        )
    return _("%(days)s d %(hours)s h") % {"days": hours // 24, "hours": hours % 24}


def about(seconds: int) -> str:
    """Return the time that is left, rounded up: “about 2 min left”."""
    return _("about %(time)s left") % {"time": span(rounded(seconds))}


def rounded(seconds: int) -> int:
    """Return a time from a minute on as whole minutes, rounded up."""
    return seconds if seconds < MINUTE else ceil(seconds / MINUTE) * MINUTE


def countdown(seconds: float) -> str:
    """Return a countdown as minutes and seconds.

    >>> countdown(42), countdown(3725)
    ('0:42', '62:05')
    """
    minutes, rest = divmod(max(0, ceil(seconds)), MINUTE)
    return f"{minutes}:{rest:02d}"


def clock(moment: datetime, *, seconds: bool = True) -> str:
    """Return a moment of today as “14:07:10”, of another day with its date."""
    local = timezone.localtime(moment)
    time = local.strftime("%H:%M:%S" if seconds else "%H:%M")
    if local.date() == _today():
        return time
    return _("%(date)s, %(time)s") % {"date": date_format(local, "DATE_FORMAT"), "time": local.strftime("%H:%M")}


def day(moment: datetime) -> str:
    """Return the day of a moment: “10 May”, with the year where it is another than this one's."""
    local = timezone.localtime(moment)
    return date_format(local, "MONTH_DAY_FORMAT" if local.year == _today().year else "DATE_FORMAT")


def ago(moment: datetime) -> str:
    """Return “3 min ago” for a moment of the last 24 hours, “just now” for one of this second, else nothing."""
    passed = timezone.now() - moment
    if passed >= timedelta(days=1):
        return ""
    if passed < timedelta(seconds=2):
        return _("just now")
    return _("%(time)s ago") % {"time": span(int(passed.total_seconds()))}


def patterns_of_ago() -> dict[str, str]:
    """Return the words that `ago` is made of, with ``{…}`` for numbers: times that a page shows go on by script."""
    return {
        "just-now": _("just now"),
        "ago": _("%(time)s ago") % {"time": "{time}"},
        "seconds": _("%(count)s s") % {"count": "{count}"},
        "minutes": _("%(count)s min") % {"count": "{count}"},
        "hours": _("%(hours)s h") % {"hours": "{hours}"},
        "hours-minutes": _("%(hours)s h %(minutes)s min") % {"hours": "{hours}", "minutes": "{minutes}"},
    }


def person(user: AbstractBaseUser | None) -> str:
    """Return a person's name; the console's own where nobody asked."""
    if user is None:
        return _("the console")
    full = getattr(user, "get_full_name", str)()
    return str(full or user.get_username())


def noun(run: Run, count: int) -> str:
    """Return the noun for `count` objects of the run: the model's own, or “items”."""
    model = run.content_type.model_class() if run.content_type else None
    if model is None:
        return ngettext("item", "items", count)
    return str(model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural)


def counted(run: Run, count: int) -> str:
    """Return “12 notes”."""
    return _("%(count)s %(noun)s") % {"count": number(count), "noun": noun(run, count)}


def at_most(count: int) -> str:
    """Return a count that was capped: “more than 10,000” beyond the limit."""
    return number(count) if count <= COUNTED else _("more than %(count)s") % {"count": number(COUNTED)}


def acted(label: str, what: str) -> str:
    """Return an operation as an act: “Copy 12 notes”, “Change tags: 12 notes”; the label alone where there is no `what`."""
    if not what:
        return label
    joined = _("%(label)s: %(what)s") if " " in label else _("%(label)s %(what)s")
    return joined % {"label": label, "what": what}


def lower_first(text: str) -> str:
    """Return `text` as it stands inside a sentence."""
    return text[:1].lower() + text[1:]


def ordinal(position: int) -> str:
    """Return “first” to “tenth” in words, further ones as “number 11”."""
    words = (
        _("first"), _("second"), _("third"), _("fourth"), _("fifth"),
        _("sixth"), _("seventh"), _("eighth"), _("ninth"), _("tenth"),
    )  # fmt: skip
    return (
        words[position - 1]
        if 1 <= position <= len(words)
        else _("number %(position)s") % {"position": number(position)}
    )


def shortened(name: str) -> str:
    """Return a name cut at 60 characters; show the whole one in a title."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…"


def _today() -> date:
    return timezone.localdate()
