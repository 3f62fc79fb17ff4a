"""When a schedule is due: through both changes of the clocks, at the ends of months, by the sun; and in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any

import pytest

from console.exceptions import InvalidTiming, UnknownZone
from console.models import Slot
from console.schedules.firing import fire_due
from console.schedules.solar import Solar
from console.schedules.timing import Clocked, Crontab, Interval, NoPattern, Pattern, Timing, anchor_at
from console.schedules.words import in_words, moment_in_words, with_zone
from tests.schedules.kit import after, scheduled
from tests.world import Declare

FORWARD, BACK = datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)
LISBON = "Europe/Lisbon"  # where 01:00 to 02:00 is left out in March, and comes twice in October


def times(pattern: Pattern, since: datetime, count: int = 3, **bounds: Any) -> list[str]:
    """Return the next times in UTC, briefly."""
    return [f"{at:%m-%d %H:%M}" for at in islice(Timing(pattern, **bounds).after(since, since), count)]


def test_a_time_that_the_clocks_leave_out_comes_as_much_later_once() -> None:
    """01:30 is 02:30 on that day, which is 01:30 in UTC; the day after is the usual time of summer."""
    assert times(Crontab("30", "1", zone=LISBON), FORWARD) == ["03-29 01:30", "03-30 00:30", "03-31 00:30"]
    assert times(Crontab("30", "1,2", zone=LISBON), FORWARD, 2) == ["03-29 01:30", "03-30 00:30"]


def test_a_time_that_comes_twice_counts_once() -> None:
    """The first time, in summer time; the day after is the usual time of winter."""
    assert times(Crontab("30", "1", zone=LISBON), BACK) == ["10-25 00:30", "10-26 01:30", "10-27 01:30"]


def test_a_crontab_of_every_hour_goes_on_with_the_hours_that_pass() -> None:
    """None is left out and none comes at once with another, in either direction."""
    for since in (FORWARD, BACK):
        found = list(islice(Timing(Crontab("15", zone=LISBON)).after(since, since), 30))
        assert {b - a for a, b in pairwise(found)} == {timedelta(hours=1)}


def test_schedules_fire_through_both_changes_of_the_clocks(declare: Declare, db: None) -> None:
    """Each day has its run, and only one."""
    operation = declare(model=None, process=lambda *_: None)
    for since in (FORWARD, BACK):
        schedule = scheduled(operation, Crontab("30", "1", zone=LISBON), moment=since, overlap="allow")
        moment = since
        while moment < since + timedelta(days=3):
            moment += timedelta(minutes=10)
            fire_due(moment)
        assert Slot.objects.filter(schedule=schedule, outcome="started").count() == 3
        assert Slot.objects.filter(schedule=schedule).count() == 3


def test_the_ends_of_months() -> None:
    """Day 31 comes where there is one, 29 February in leap years, and also in those with a certain weekday."""
    january = datetime(2027, 1, 1, tzinfo=UTC)
    assert times(Crontab("0", "0", "31"), january, 4) == ["01-31 00:00", "03-31 00:00", "05-31 00:00", "07-31 00:00"]
    leap = islice(Timing(Crontab("0", "0", "29", "2")).after(january, january), 3)
    assert [at.year for at in leap] == [2028, 2032, 2036]
    monday = next(Timing(Crontab("0", "0", "29", "2", "1")).after(january, january))
    assert (monday.year, monday.isoweekday()) == (2044, 1)


@pytest.mark.parametrize("text", ["7", "0", "sun"])
def test_sunday_has_two_numbers(text: str) -> None:
    """The form says so; Celery itself knows only one, and leaves such an entry out without a word."""
    assert times(Crontab("0", "0", day_of_week=text), after(), 1) == ["05-10 00:00"]


def test_intervals_are_counted_from_their_anchor() -> None:
    """A whole minute; the first time is within a period, never at once for the past."""
    moment = after(seconds=33)
    timing = Timing(Interval(10, "minutes"))
    assert next(timing.after(moment, anchor_at(moment, timing))) == after(10)
    bounded = Timing(Interval(10, "minutes"), start=after(3), end=after(24))
    assert list(bounded.after(moment, moment)) == [after(3), after(13), after(23)]


def test_times_by_the_sun() -> None:
    """One a day; where there is none for months, the next one."""
    june = datetime(2026, 6, 20, 12, tzinfo=UTC)
    assert [at[:5] for at in times(Solar("sunset", 38.7, -9.1), june)] == ["06-20", "06-21", "06-22"]
    assert times(Solar("sunrise", 78.2, 15.6), june, 1)[0].startswith("08-")


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (Crontab(day_of_month="30", month_of_year="2"), "30 February"),
        (Crontab(day_of_month="31", month_of_year="4,6"), "31 April"),
        (Crontab(minute="60"), "cannot be read"),
        (Crontab(hour=""), "cannot be read"),
        (Crontab(zone=""), "not a time zone"),
        (Interval(1, "microseconds"), "once a second"),
        (Interval(10**12, "days"), "cannot be read"),
        (Solar("moonrise", 0, 0), "cannot be read"),
        (NoPattern(), "No times"),
    ],
)
def test_times_that_cannot_be_say_why(pattern: Pattern, told: str) -> None:
    """In one sentence, which stands for its words too."""
    with pytest.raises(InvalidTiming, match=told):
        pattern.check()
    assert told in in_words(Timing(pattern))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("Lisboa", LISBON), ("europe/lisbon", LISBON), ("Sao Paulo", "America/Sao_Paulo"), ("qwertyuiop", "")],
)
def test_a_time_zone_that_is_none_is_told_with_the_one_that_was_meant(typed: str, meant: str) -> None:
    """By its place, or as a whole."""
    with pytest.raises(UnknownZone) as caught:
        Crontab(zone=typed).check()
    assert caught.value.near == meant


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (Interval(1, "days"), "Every day"),
        (Interval(10, "minutes"), "Every 10 minutes"),
        (Crontab("30", "2", day_of_week="1-5", zone=LISBON), "At 02:30 on weekdays, Europe/Lisbon"),
        (Crontab("*/10"), "Every 10 minutes, UTC"),
        (Crontab("0,30", "8-17"), "Every 30 minutes of the hours 8 to 17 every day, UTC"),
        (Crontab("5", "*"), "At minute 5 of every hour every day, UTC"),
        (Crontab("0", "0", "1,15", "1"), "At 00:00 on days 1 and 15 of the month in January, UTC"),
        (Crontab("0", "6", "1-7", "*", "1"), "At 06:00 on days 1 to 7 of the month if that is on Monday, UTC"),
        (Crontab("0", "9", day_of_week="0,6"), "At 09:00 on weekends, UTC"),
        (Clocked(datetime(2030, 5, 3, 14, tzinfo=UTC)), "Once, on May 3, 2030, 14:00"),
    ],
)
def test_times_in_words(pattern: Pattern, words: str) -> None:
    """As staff would say it."""
    assert in_words(Timing(pattern)) == words


def test_the_days_on_which_the_clocks_change_are_told() -> None:
    """Each time has its zone, and a note."""
    timing = Timing(Crontab("30", "1", zone=LISBON))
    forward, back = (next(timing.after(since, since)) for since in (FORWARD, BACK))
    assert with_zone(timing, forward) == (
        "Sun March 29, 2026, 02:30:00 WEST",
        "clocks go forward: later that day",
    )
    assert with_zone(timing, back) == ("Sun Oct. 25, 2026, 01:30:00 WEST", "clocks go back: once only")
    assert with_zone(timing, back + timedelta(days=2))[1] == ""


def test_a_time_to_come_is_told_by_the_clocks_of_its_schedule() -> None:
    """With the name of their zone where it is another than the reader's."""
    assert moment_in_words(after(60), after()) == "today 13:00, in 1 h"
    assert moment_in_words(after(60 * 20), after()) == "tomorrow 08:00, in 20 h"
    there = Timing(Crontab("0", "8", zone=LISBON))
    assert moment_in_words(after(60), after(), there) == "today 14:00 Europe/Lisbon, in 1 h"
