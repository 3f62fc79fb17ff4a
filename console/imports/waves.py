"""Rows that are written together: no object is among them twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from console.imports.outcomes import Row
from console.imports.sheets import Sheet

Values = dict[Any, Any]  # by field of the model


def turns(keys: Sequence[Any], places: Sequence[int], *, in_order: bool) -> list[list[int]]:
    """Return the places in turns, so that no turn has a key twice: the second row changes what the first one made.

    Args:
        keys: The key of each row, by place.
        places: The places.
        in_order: Whether rows of different keys keep their order too; that may take many turns.

    >>> turns(["a", "b", "a", "c", None], range(5), in_order=False)
    [[0, 1, 3, 4], [2]]
    >>> turns(["a", "b", "a", "c", None], range(5), in_order=True)
    [[0, 1], [2, 3, 4]]
    """
    known = [keys[place] for place in places if keys[place] is not None]
    if len(set(known)) == len(known):
        return [list(places)] if places else []
    found: list[list[int]] = []
    seen: dict[Any, int] = {}
    for place in places:
        turn = max(len(found) - 1, 0) if in_order else 0
        if keys[place] is not None:
            turn = max(turn, seen.get(keys[place], 0))
            seen[keys[place]] = turn + 1
        if len(found) <= turn:
            found.append([])
        found[turn].append(place)
    return found


@dataclass
class Wave:
    """Some rows of a sheet, and what the database holds of their objects.

    Attributes:
        sheet: The values of the rows, and of others.
        places: Which rows of the sheet.
        known: For each of them what is known of the existing object, or None.
    """

    sheet: Sheet
    places: list[int]
    known: list[Values | None]

    def only(self, wanted: Sequence[int]) -> Wave:
        """Return the part of the wave at some of its own places, counted from 0."""
        return Wave(self.sheet, [self.places[n] for n in wanted], [self.known[n] for n in wanted])

    @cached_property
    def rows(self) -> list[Row]:
        """The rows."""
        return [self.sheet.rows[place] for place in self.places]

    def given(self, field: Any) -> list[Any]:
        """Return what the file says of a field that has a column, as the resource sets it."""
        return self._picked(self.sheet.values[field])

    def many(self, place: int) -> list[Any]:
        """Return the keys of the related objects that the file says, of one of its many-to-many columns."""
        return self._picked(self.sheet.many[place])

    def column(self, field: Any) -> list[Any]:
        """Return the values that a field is to have: the file's, else what the object has, else the field's default."""
        column = self.sheet.layout.plain.get(field)
        if column is None:
            if not any(self.known) and not callable(field.default):
                return [field.get_default()] * len(self.known)
            return [self._kept(field, known) for known in self.known]
        values = self._picked(self.sheet.checked[field])
        if column.field.saves_null_values:
            return values
        both = zip(self._picked(self.sheet.values[field]), values, self.known, strict=True)
        return [self._kept(field, known) if raw is None else value for raw, value, known in both]

    def _picked(self, values: list[Any]) -> list[Any]:
        if len(self.places) == len(values):
            return values  # places are in the order of rows, none twice
        return [values[place] for place in self.places]

    def _kept(self, field: Any, known: Values | None) -> Any:
        return field.get_default() if known is None else known[field]
