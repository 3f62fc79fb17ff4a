"""What ``Model.full_clean()`` would refuse, found for all rows of a chunk at once.

A check makes no message: a row with a `BAD` value goes to the row path, where the resource says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from django.db import models
from django.db.models.expressions import DatabaseDefault

from console.imports.columns import BAD, attempted, remembered

Cleaner = Callable[[list[Any]], list[Any]]


def is_known(field: Any) -> bool:
    """Tell whether a field validates a value by itself, as Django's own fields do, without looking at the object."""
    return type(field).__module__.startswith(("django.db.models.", "django.contrib.postgres."))


def cleaner(field: Any) -> Cleaner:
    """Return what turns values into what ``clean_fields()`` leaves on the object, and into `BAD` what it refuses."""
    length = _plain_length(field)
    if length is not None:
        return _text_cleaner(field, length)
    one = _one(field)
    return lambda values: remembered(one, values)


def _one(field: Any) -> Callable[[Any], Any]:
    if isinstance(field, models.ForeignKey):
        return _foreign(field)
    empty = field.empty_values if field.blank else ()
    clean = field.clean
    return lambda value: value if value in empty or isinstance(value, DatabaseDefault) else clean(value, None)


def _foreign(field: Any) -> Callable[[Any], Any]:
    """Check a foreign key but for the existence of its object, which its column has looked up."""

    def check(value: Any) -> Any:
        if value is not None and value not in field.empty_values:
            return field.to_python(value)
        return value if field.blank or not field.editable else BAD

    return check


def _plain_length(field: Any) -> int | None:
    """Return the most characters of a text field that only its length limits; 0 if nothing does; None if more does."""
    if not isinstance(field, models.CharField | models.TextField) or field.choices or not field.editable:
        return None
    if type(field).to_python not in {models.CharField.to_python, models.TextField.to_python}:
        return None
    limits = [v.limit_value for v in field.validators if type(v) is MaxLengthValidator]
    others = [v for v in field.validators if type(v) not in {MaxLengthValidator, ProhibitNullCharactersValidator}]
    if others or any(callable(limit) for limit in limits):
        return None
    return int(min(limits, default=0))


def _text_cleaner(field: Any, length: int) -> Cleaner:
    one, shortest, longest = _one(field), 0 if field.blank else 1, length or float("inf")

    def clean(values: list[Any]) -> list[Any]:
        return [
            value
            if type(value) is str and shortest <= len(value) <= longest and "\0" not in value
            else attempted(one, value)
            for value in values
        ]

    return clean


def unique_sets(model: Any) -> list[tuple[Any, ...]]:
    """Return the sets of fields whose values no two objects may share, without those under a condition."""
    found: list[tuple[Any, ...]] = []
    for family in (model, *model._meta.all_parents):
        options = family._meta
        found += [(field,) for field in options.local_concrete_fields if field.unique]
        found += [tuple(map(options.get_field, names)) for names in options.unique_together]
        found += [
            tuple(map(options.get_field, constraint.fields))
            for constraint in options.constraints
            if isinstance(constraint, models.UniqueConstraint) and constraint.fields and constraint.condition is None
        ]
    return list(dict.fromkeys(found))


def has_special_constraints(model: Any) -> bool:
    """Tell whether there are unique constraints that only the database can judge: by expressions, or under a condition."""
    return any(
        isinstance(constraint, models.UniqueConstraint) and (constraint.expressions or constraint.condition is not None)
        for family in (model, *model._meta.all_parents)
        for constraint in family._meta.constraints
    )


def clashing(keys: Iterable[tuple[Any, ...]]) -> set[int]:
    """Return the places of keys that are among those before them; an empty value clashes with nothing."""
    seen: set[tuple[Any, ...]] = set()
    places = set()
    for place, key in enumerate(keys):
        if None in key:
            continue
        if key in seen:
            places.add(place)
        seen.add(key)
    return places
