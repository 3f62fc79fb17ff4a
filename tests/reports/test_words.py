"""Numbers, times and names as people read them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from console.reports import words


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (0.04, "under 0.1 s"),
        (4.84, "4.8 s"),
        (40.9, "40 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (3 * 86400 + 4 * 3600, "3 d 4 h"),
    ],
)
def test_tells_how_long(seconds: float, expected: str) -> None:
    """A length of time has one or two units, the large ones."""
    assert words.span(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(3, "about 3 s left"), (59, "about 59 s left"), (61, "about 2 min left"), (3601, "about 1 h 1 min left")],
)
def test_rounds_up_what_is_left(seconds: int, expected: str) -> None:
    """An estimate promises no more than it can hold."""
    assert words.about(seconds) == expected


@pytest.mark.parametrize(("value", "expected"), [(0.5, "0.5"), (7, "7"), (24.6, "25"), (1234567, "1,234,567")])
def test_groups_numbers(value: float, expected: str) -> None:
    """Numbers are grouped as the language does; small fractions keep a digit."""
    assert words.number(value) == expected


def test_counts_places_in_words() -> None:
    """The first ten places have names."""
    assert [words.ordinal(place) for place in (1, 3, 10, 11)] == ["first", "third", "tenth", "number 11"]


def test_gives_the_date_of_another_day() -> None:
    """The time of day is enough for today alone."""
    now = timezone.now()
    assert words.clock(now) == timezone.localtime(now).strftime("%H:%M:%S")
    assert str((now - timedelta(days=400)).year) in words.clock(now - timedelta(days=400))


def test_tells_relative_times_only_within_a_day() -> None:
    """Older moments are told by their date."""
    now = timezone.now()
    assert words.ago(now) == "just now"
    assert words.ago(now - timedelta(minutes=3)) == "3 min ago"
    assert words.ago(now - timedelta(days=2)) == ""


def test_cuts_long_names() -> None:
    """A name of more than 60 characters ends in an ellipsis."""
    assert words.shortened("a" * 60) == "a" * 60
    assert words.shortened("a" * 61) == "a" * 59 + "…"


def test_names_people_and_the_console() -> None:
    """Somebody without a name goes by the login; nobody is the console."""
    assert words.person(User(username="ana", first_name="Ana", last_name="Lima")) == "Ana Lima"
    assert words.person(User(username="ana")) == "ana"
    assert words.person(None) == "the console"
