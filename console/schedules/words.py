"""When a schedule is due, in plain words: “At 02:30 on weekdays, Europe/Lisbon”."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.formats import date_format
from django.utils.text import capfirst, get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.exceptions import InvalidTiming
from console.reports.words import clock, span
from console.schedules.solar import EVENTS, Solar
from console.schedules.timing import HOURS, Clocked, Crontab, Interval, Pattern, Timing
from console.schedules.zones import known_zones, zone_called

FEW = 6  # times of a day that are written out
WORKDAYS, WEEKEND, ALL_WEEK = frozenset(range(1, 6)), frozenset({0, 6}), frozenset(range(7))
ALL_DAYS, ALL_MONTHS = frozenset(range(1, 32)), frozenset(range(1, 13))


def in_words(timing: Timing) -> str:
    """Return when something is due; why that cannot be told, where nobody can reckon it."""
    try:
        timing.check()
        told = [capfirst(_pattern_in_words(timing.pattern))]
    except InvalidTiming as error:
        return str(error)
    if timing.once and not isinstance(timing.pattern, Clocked):
        told.append(_("once"))
    if timing.start:
        told.append(_("from %(moment)s") % {"moment": clock(timing.start, seconds=False)})
    if timing.end:
        told.append(_("until %(moment)s") % {"moment": clock(timing.end, seconds=False)})
    return ", ".join(told)


def moment_in_words(at: datetime, now: datetime, timing: Timing | None = None) -> str:
    """Return a time to come as “today 02:30, in 4 h”, by the clocks of the schedule that `timing` is of."""
    zone = _zone(timing)
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    days = {today: _("today %(time)s"), today + timedelta(days=1): _("tomorrow %(time)s")}
    told = days.get(local.date(), "%(date)s, %(time)s")
    shown = told % {"time": f"{local:%H:%M}", "date": date_format(local, "DATE_FORMAT")}
    if str(zone) != timezone.get_current_timezone_name():
        shown = f"{shown} {zone}"
    left = (at - now).total_seconds()
    return _("%(moment)s, in %(span)s") % {"moment": shown, "span": span(left)} if left > 0 else shown


def between(first: datetime, last: datetime) -> str:
    """Return a range of time in full, for what is kept: “Nov. 25, 2026, 11:29 to 11:39”."""
    since, until = timezone.localtime(first), timezone.localtime(last)
    date = "" if since.date() == until.date() else f"{date_format(until, 'DATE_FORMAT')}, "
    facts = {"since": f"{date_format(since, 'DATE_FORMAT')}, {since:%H:%M}", "until": f"{date}{until:%H:%M}"}
    return _("%(since)s to %(until)s") % facts


def with_zone(timing: Timing, at: datetime) -> tuple[str, str]:
    """Return a time as the clocks of its schedule show it, and what happens to those clocks that day; mostly nothing."""
    local = at.astimezone(_zone(timing))
    shown = f"{date_format(local, 'D')} {date_format(local, 'DATE_FORMAT')}, {local:%H:%M:%S} {local.tzname()}"
    return shown, _clocks_note(timing, local) if isinstance(timing.pattern, Crontab) else ""


def _zone(timing: Timing | None) -> ZoneInfo:
    """Return the time zone of a schedule's clocks: a crontab's own, else the reader's."""
    name = timing.pattern.zone if timing and isinstance(timing.pattern, Crontab) else ""
    return zone_called(name if name in known_zones() else timezone.get_current_timezone_name())


def _clocks_note(timing: Timing, local: datetime) -> str:
    """Return what changes about a time on the day on which the clocks do."""
    again = local.replace(fold=1)
    if again.utcoffset() != local.replace(fold=0).utcoffset():
        assert isinstance(timing.pattern, Crontab)
        if timing.pattern.fields().hours == HOURS:
            return _("clocks go back: twice")
        return _("clocks go back: once only")
    midnight = local.replace(hour=0, minute=0, second=0)
    if local.utcoffset() > midnight.utcoffset() and not _is_named(timing.pattern, local):  # type: ignore[operator]
        return _("clocks go forward: later that day")
    return ""


def _is_named(pattern: Pattern, local: datetime) -> bool:
    assert isinstance(pattern, Crontab)
    fields = pattern.fields()
    return local.hour in fields.hours and local.minute in fields.minutes


def _pattern_in_words(pattern: Pattern) -> str:
    match pattern:
        case Interval():
            return every(pattern)
        case Crontab():
            return f"{' '.join(filter(None, (_times(pattern), _days(pattern))))}, {pattern.zone}"
        case Clocked():
            return _("once, on %(moment)s") % {"moment": clock(pattern.at, seconds=False)}
        case Solar():
            place = f"{pattern.latitude:g}, {pattern.longitude:g}"
            return _("at %(event)s, at %(place)s") % {"event": dict(EVENTS).get(pattern.event, ""), "place": place}
    return ""


def every(pattern: Interval) -> str:
    """Return “every 10 minutes”."""
    told = {
        "days": ngettext("every day", "every %(count)d days", pattern.every),
        "hours": ngettext("every hour", "every %(count)d hours", pattern.every),
        "minutes": ngettext("every minute", "every %(count)d minutes", pattern.every),
        "seconds": ngettext("every second", "every %(count)d seconds", pattern.every),
    }
    return told[pattern.period] % {"count": pattern.every} if pattern.period in told else str(pattern.step)


def _times(pattern: Crontab) -> str:
    """Return the times of day: “at 02:30”, “every 10 minutes”, “at minutes 0 and 30 of the hours 8 to 17”."""
    fields = pattern.fields()
    step = _step(fields.minutes, 60)
    if fields.hours == HOURS and step:
        return every(Interval(step, "minutes"))
    if len(fields.hours) * len(fields.minutes) <= FEW:
        times = [f"{hour:02d}:{minute:02d}" for hour in sorted(fields.hours) for minute in sorted(fields.minutes)]
        return _("at %(times)s") % {"times": _listed(times)}
    minutes = every(Interval(step, "minutes")) if step else _at_minutes(fields.minutes)
    if fields.hours == HOURS:
        return _("%(minutes)s of every hour") % {"minutes": minutes}
    hours = _ranges(fields.hours)
    return ngettext("%(minutes)s of the hour %(hours)s", "%(minutes)s of the hours %(hours)s", len(fields.hours)) % {
        "minutes": minutes,
        "hours": hours,
    }


def _at_minutes(minutes: frozenset[int]) -> str:
    told = ngettext("at minute %(minutes)s", "at minutes %(minutes)s", len(minutes))
    return told % {"minutes": _ranges(minutes)}


def _days(pattern: Crontab) -> str:
    """Return the days: “every day”, “on weekdays”, “on day 1 of the month in January”."""
    fields = pattern.fields()
    told = []
    if fields.days != ALL_DAYS:
        told.append(
            ngettext("on day %(days)s of the month", "on days %(days)s of the month", len(fields.days))
            % {"days": _ranges(fields.days)}
        )
    if fields.weekdays != ALL_WEEK:
        told.append(_weekdays(fields.weekdays))
    if len(told) > 1:
        told[1] = _("if that is %(weekdays)s") % {"weekdays": told[1]}
    if fields.months != ALL_MONTHS:
        told.append(_("in %(months)s") % {"months": _listed(str(MONTHS[month]) for month in sorted(fields.months))})
    often = fields.hours == HOURS and _step(fields.minutes, 60)
    return " ".join(told) or ("" if often else _("every day"))


def _weekdays(weekdays: frozenset[int]) -> str:
    if weekdays == WORKDAYS:
        return _("on weekdays")
    if weekdays == WEEKEND:
        return _("on weekends")
    names = [str(WEEKDAYS[(day - 1) % 7]) for day in sorted(weekdays, key=lambda day: (day - 1) % 7)]
    return _("on %(weekdays)s") % {"weekdays": _listed(names)}


def _step(numbers: frozenset[int], size: int) -> int:
    """Return the distance of numbers that are evenly spread from 0 on; 0 where they are not."""
    step = size // len(numbers)
    return step if numbers == frozenset(range(0, size, step)) else 0


def _ranges(numbers: Iterable[int]) -> str:
    """Return numbers as people list them: “1, 3 to 5 and 9”."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    told = [
        _("%(first)d to %(last)d") % {"first": run[0], "last": run[-1]} if len(run) > 2 else _listed(map(str, run))  # noqa: PLR2004 - two are listed
        for run in runs
    ]
    return _listed(told)


def _listed(words: Iterable[str]) -> str:
    return str(get_text_list(list(words), _("and")))
