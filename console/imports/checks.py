"""What ``Model.full_clean()`` would refuse, found for all rows of a chunk at once.

A check makes no message: a row with a `BAD` value goes to the row path, where the resource says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator, RegexValidator
from django.db import models
from django.db.models.expressions import DatabaseDefault

from console.imports.columns import BAD, attempted, remembered

Cleaner = Callable[[list[Any]], list[Any]]
# Values of these types are all lawful, unless a validator or choices say otherwise.
NATIVE = {
    models.DateTimeField: datetime,
    models.DateField: date,
    models.TimeField: time,
    models.BooleanField: bool,
    models.UUIDField: UUID,
}


def is_known(field: Any) -> bool:
    """Tell whether a field validates a value by itself, as Django's own fields do, without looking at the object."""
    return type(field).__module__.startswith(("django.db.models.", "django.contrib.postgres."))


def cleaner(field: Any) -> Cleaner:
    """Return what turns values into what ``clean_fields()`` leaves on the object, and into `BAD` what it refuses."""
    one = _foreign(field) if isinstance(field, models.ForeignKey) else _one(field)
    if field.choices or not field.editable:
        return partial(remembered, one)
    native = NATIVE.get(type(field))
    if native and not field.validators:
        return lambda values: [value if type(value) is native else attempted(one, value) for value in values]
    limits = _text_limits(field)
    return partial(_texts, one, limits) if limits else partial(remembered, one)


def never_invalid(field: Any) -> bool:
    """Tell whether no value that the database holds can be refused."""
    plain = isinstance(field, models.ForeignKey | models.AutoField) or (type(field) in NATIVE and not field.validators)
    return plain and not field.choices and (field.blank or not field.null)


def _one(field: Any) -> Callable[[Any], Any]:
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


class Limits(NamedTuple):
    """What a text must keep to, if that is all that its field asks for."""

    shortest: int
    longest: float
    patterns: tuple[Callable[[str], Any], ...]


def _text_limits(field: Any) -> Limits | None:
    if type(field).to_python not in {models.CharField.to_python, models.TextField.to_python}:
        return None
    longest, patterns = float("inf"), []
    for validator in field.validators:
        if type(validator) is MaxLengthValidator and not callable(validator.limit_value):
            longest = min(longest, validator.limit_value)
        elif type(validator) is RegexValidator and not validator.inverse_match:
            patterns.append(re.compile(validator.regex).search)
        elif type(validator) is not ProhibitNullCharactersValidator:
            return None
    return Limits(0 if field.blank else 1, longest, tuple(patterns))


def _texts(one: Callable[[Any], Any], limits: Limits, values: list[Any]) -> list[Any]:
    shortest, longest, patterns = limits
    return [
        value
        if type(value) is str
        and shortest <= len(value) <= longest
        and "\0" not in value
        and (not patterns or all(fits(value) for fits in patterns))
        else attempted(one, value)
        for value in values
    ]


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
