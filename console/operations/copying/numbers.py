"""The numbers of copies: 1, 2, 3 …, or others where those are taken.

A copy's unique fields take its number, so a number that was used before, by an earlier run or by a person, collides in
the database. Nothing is looked up beforehand, for that would cost as much as the copying. After a collision numbering
climbs one level, and stays there while the worker is at it:

1. A copy's number is its place in the run: 1, 2, 3 …
2. The first free number of each object is searched for, so that a second run goes on where the first one stopped.
3. A copy's number is its key, which nobody else ever gets: no search, and no second collision of two runs that
   copy the same object at the same time.

What collides even then, such as a title that somebody typed to look like a copy's, fails as that one item.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any

from django.db import IntegrityError
from django.db.models import Model

from console.operations.base import Span
from console.operations.copying.columns import Column
from console.operations.copying.pieces import UniqueValue, Want
from console.operations.copying.plans import Plan

UNIQUE_VIOLATION = "23505"
SQLITE_UNIQUE = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}
DOUBLINGS = 40


class Level(IntEnum):
    """How numbers are found."""

    PLACE = 1
    SEARCH = 2
    KEY = 3


class Numbering:
    """Gives numbers to spans of copies, and remembers what was taken."""

    def __init__(self, plan: Plan, using: str, unique_value: UniqueValue) -> None:
        self.plan, self.using, self.unique_value = plan, using, unique_value
        self.level = Level.PLACE
        self.shift: tuple[Any, int] = (None, 0)  # the last object, and how far its numbers are from the places

    def wants(self, spans: Sequence[Span]) -> list[Want]:
        """Return the copies wanted, with the numbers of the present level."""
        match self.level:
            case Level.PLACE:
                return [Want(span.obj, span.first + 1, span.items) for span in spans]
            case Level.KEY:
                return [Want(span.obj, None, span.items) for span in spans]
        known = {key: span.first + 1 + shift for key, shift in [self.shift] for span in spans if span.obj.pk == key}
        found = known | self._search([span for span in spans if span.obj.pk not in known])
        last = spans[-1]
        self.shift = (last.obj.pk, found[last.obj.pk] - last.first - 1)
        return [Want(span.obj, found[span.obj.pk], span.items) for span in spans]

    def climb(self, error: IntegrityError) -> bool:
        """Go to the next level after `error`; False if it is no collision of numbers, or there is no other level."""
        highest = Level.KEY if self.plan.counts_keys and not self.plan.by_save else Level.SEARCH
        if not (is_collision(error) and self.level < highest and self.plan.is_numbered()):
            return False
        self.level = Level(self.level + 1)
        return True

    def _search(self, spans: Sequence[Span]) -> dict[Any, int]:
        originals = {span.obj.pk: span.obj for span in spans}
        places = {span.obj.pk: span.first for span in spans}
        return first_free(places, lambda probes: self._taken(originals, probes))

    def _taken(self, originals: Mapping[Any, Model], numbers: Mapping[Any, int]) -> set[Any]:
        return {
            key
            for column in self.plan.numbered()
            for key in self._taken_in(column, {originals[key]: number for key, number in numbers.items()})
        }

    def _taken_in(self, column: Column, numbers: Mapping[Model, int]) -> set[Any]:
        fields = (column.field, *column.partners)
        wanted: dict[tuple[Any, ...], Any] = {}
        for obj, number in numbers.items():
            value, *others = (field.value_from_object(obj) for field in fields)
            if value is not None:
                wanted[(self.unique_value(column.field, value, number), *others)] = obj.pk
        names = [field.attname for field in fields]
        sought = {f"{name}__in": {values[place] for values in wanted} for place, name in enumerate(names)}
        existing = column.field.model._base_manager.using(self.using).filter(**sought).values_list(*names)
        return {wanted[values] for values in existing if values in wanted}


def first_free(places: Mapping[Any, int], taken: Callable[[Mapping[Any, int]], set[Any]]) -> dict[Any, int]:
    """Return for each key the number behind the taken ones, by doubling and halving: all keys in each question.

    Args:
        places: For each key a number; free ones are sought behind it.
        taken: Answers for which keys the numbers are taken.

    >>> first_free({"a": 0, "b": 4, "c": 0}, lambda probes: {key for key in probes if key == "a" and probes[key] <= 1000})
    {'a': 1001, 'b': 5, 'c': 1}
    """
    low, step, high = dict(places), dict.fromkeys(places, 1), dict[Any, int]()
    for _round in range(2 * DOUBLINGS):
        probes = {
            key: (low[key] + high[key]) // 2 if key in high else low[key] + step[key]
            for key in low
            if high.get(key) != low[key] + 1
        }
        if not probes:
            break
        hits = taken(probes)
        for key, number in probes.items():
            if key in hits:
                low[key], step[key] = number, step[key] * 2
            else:
                high[key] = number
    return {key: high.get(key, low[key] + 1) for key in places}


def is_collision(error: IntegrityError) -> bool:
    """Tell whether `error` is the database's refusal of a second equal value."""
    cause = error.__cause__
    return (
        getattr(cause, "sqlstate", None) == UNIQUE_VIOLATION
        or getattr(cause, "sqlite_errorname", None) in SQLITE_UNIQUE
    )
