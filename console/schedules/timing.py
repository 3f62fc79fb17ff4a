"""When a schedule is due: pure reckoning with moments, in the time zone of the schedule, through every change of its clocks.

A crontab names times of day. Where the clocks go forward over such a time it comes as much later, once; where they go back
and it comes twice it counts once, but for a crontab of every hour, which goes on with the hours that pass.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from typing import Protocol
from zoneinfo import ZoneInfo

from celery.schedules import ParseException, crontab_parser

from console.exceptions import InvalidTiming
from console.schedules.zones import zone_called

LEAP_YEAR = 2000
HOURS = frozenset(range(24))
LONGEST_WAIT = timedelta(days=366 * 41)  # 29 February on a certain weekday, around a century without a leap day
SHORTEST = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


class Pattern(Protocol):
    """A pattern of times."""

    def check(self) -> None:
        """Check that there are such times.

        Raises:
            InvalidTiming: There is none, and why.
        """

    def after(self, moment: datetime, anchor: datetime) -> Iterator[datetime]:
        """Yield the times after `moment`; intervals are counted from `anchor`."""


@dataclass(frozen=True)
class Interval:
    """Every so often, counted from an anchor."""

    every: int
    period: str

    @property
    def step(self) -> timedelta:
        """The distance of two times."""
        try:
            return timedelta(**{self.period: self.every})
        except (OverflowError, TypeError):
            raise InvalidTiming.unreadable(f"{self.every} {self.period}", "") from None

    def check(self) -> None:
        """Check that there are such times.

        Raises:
            InvalidTiming: They are less than a second apart.
        """
        if self.step < SHORTEST:
            raise InvalidTiming.too_often()

    def after(self, moment: datetime, anchor: datetime) -> Iterator[datetime]:
        """Yield the times after `moment`, each a number of steps from `anchor`."""
        step = self.step
        at = anchor + step * ((moment - anchor) // step + 1)
        while True:
            yield at
            at += step


@dataclass(frozen=True)
class Crontab:
    """At certain times of certain days, by the clocks of a time zone."""

    minute: str = "*"
    hour: str = "*"
    day_of_month: str = "*"
    month_of_year: str = "*"
    day_of_week: str = "*"
    zone: str = "UTC"

    def check(self) -> None:
        """Check that there are such times.

        Raises:
            InvalidTiming: A field cannot be read, the time zone is unknown, or no such day ever comes.
        """
        zone_called(self.zone)
        days = self.fields()
        longest = max(calendar.monthrange(LEAP_YEAR, month)[1] for month in days.months)
        if min(days.days) > longest:
            raise InvalidTiming.never(min(days.days), min(days.months))

    def fields(self) -> _Fields:
        """Return the numbers that the fields stand for.

        Raises:
            InvalidTiming: A field cannot be read.
        """
        weekdays = _numbers(self.day_of_week, 8, 0)
        return _Fields(
            minutes=_numbers(self.minute, 60, 0),
            hours=_numbers(self.hour, 24, 0),
            days=_numbers(self.day_of_month, 31, 1),
            months=_numbers(self.month_of_year, 12, 1),
            weekdays=frozenset(number % 7 for number in weekdays),
        )

    def after(self, moment: datetime, anchor: datetime) -> Iterator[datetime]:
        """Yield the times after `moment`."""
        fields, zone = self.fields(), zone_called(self.zone)
        last = moment
        for day in _days(moment.astimezone(zone).date() - timedelta(days=1), fields):
            for at in _times_of(day, fields, zone):
                if at > last:
                    yield at
                    last = at


@dataclass(frozen=True)
class _Fields:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # Sunday is 0


@dataclass(frozen=True)
class Clocked:
    """At one moment."""

    at: datetime

    def check(self) -> None:
        """There is always such a time."""

    def after(self, moment: datetime, anchor: datetime) -> Iterator[datetime]:
        """Yield the moment, if it is to come."""
        if self.at > moment:
            yield self.at


@dataclass(frozen=True)
class NoPattern:
    """The times of an entry without any."""

    def check(self) -> None:
        """There are none.

        Raises:
            InvalidTiming: Always.
        """
        raise InvalidTiming.none()

    def after(self, moment: datetime, anchor: datetime) -> Iterator[datetime]:
        """Yield nothing."""
        yield from ()


@dataclass(frozen=True)
class Timing:
    """When something is due: a pattern of times, between a start and an end, again and again or once."""

    pattern: Pattern
    start: datetime | None = None
    end: datetime | None = None
    once: bool = False

    def check(self) -> None:
        """Check that there are such times.

        Raises:
            InvalidTiming: There is none, and why.
        """
        self.pattern.check()

    def after(self, moment: datetime, anchor: datetime) -> Iterator[datetime]:
        """Yield the times after `moment`, in order, in UTC; there may be none, or no end of them.

        Args:
            moment: The last moment that does not count.
            anchor: Where intervals are counted from, unless there is a start.
        """
        anchor = self.start or anchor
        if self.start is not None:
            moment = max(moment, self.start - timedelta(microseconds=1))
        times: Iterable[datetime] = self.pattern.after(moment, anchor)
        if self.end is not None:
            end = self.end
            times = takewhile(lambda at: at < end, times)
        return (at.astimezone(UTC) for at in times)


def anchor_at(moment: datetime, timing: Timing) -> datetime:
    """Return where the intervals of a schedule that begins at `moment` are counted from: a whole minute, or second."""
    whole = moment.replace(microsecond=0)
    is_slow = isinstance(timing.pattern, Interval) and timing.pattern.step >= MINUTE
    return whole.replace(second=0) if is_slow else whole


def _numbers(text: str, size: int, first: int) -> frozenset[int]:
    try:
        return frozenset(crontab_parser(size, first).parse(text.replace(" ", "")))
    except (ParseException, ValueError, TypeError) as error:
        raise InvalidTiming.unreadable(text, str(error)) from None


def _days(first: date, fields: _Fields) -> Iterator[date]:
    """Yield the days that the fields name, as long as any can come."""
    day, last = first, first
    while day - last < LONGEST_WAIT and day < date.max - timedelta(days=32):
        if day.month not in fields.months:
            day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            continue
        if day.day in fields.days and day.isoweekday() % 7 in fields.weekdays:
            yield day
            last = day
        day += timedelta(days=1)


def _times_of(day: date, fields: _Fields, zone: ZoneInfo) -> list[datetime]:
    """Return the moments of a day's times, in order."""
    folds = (0, 1) if fields.hours == HOURS else (0,)
    return sorted(
        {
            datetime.combine(day, time(hour, minute, fold=fold), zone).astimezone(UTC)
            for hour in fields.hours
            for minute in fields.minutes
            for fold in folds
        }
    )
