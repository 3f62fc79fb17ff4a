"""The columns of a copied row: which are kept, and which get a value of their own."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db import models
from django.db.models import Expression, F, Field, Model, UniqueConstraint, Value

from console.exceptions import InvalidOperation

# Fields whose `pre_save` is known: it sets the time, or stores an upload, which a copy does not have.
KNOWN_PRE_SAVE = frozenset(
    kind.pre_save for kind in (Field, models.DateField, models.DateTimeField, models.TimeField, models.FileField)
)


class Kind(Enum):
    """Where the value of a copy's column comes from."""

    KEPT = "the original"
    KEY = "the copy's key"
    NUMBERED = "the original, with the copy's number"
    UUID = "a fresh UUID"
    DEFAULT = "the field's default, called for each copy"
    GIVEN = "the field's default, once for all copies"
    NOW = "the time of copying"
    LEFT_OUT = "the database"


# A column of one of these differs in each copy, so a constraint that it is part of is satisfied.
OWN = frozenset({Kind.KEY, Kind.NUMBERED, Kind.UUID, Kind.DEFAULT, Kind.LEFT_OUT})


@dataclass(frozen=True)
class Column:
    """A column of a copied row; `partners` are the fields that a numbered one is unique together with."""

    field: Any
    kind: Kind
    partners: tuple[Any, ...] = ()

    @property
    def why_python(self) -> str:
        """Why the database alone cannot make the value; empty where it can."""
        if self.kind is Kind.DEFAULT:
            return f"the default of {self.field} is a function"
        if self.kind is Kind.KEPT and type(self.field).pre_save not in KNOWN_PRE_SAVE:
            return f"{self.field} computes its value when it is saved"
        return ""


def columns_of(
    model: type[Model], link: Field[Any, Any] | None, cleared: Collection[str], *, hooked: bool
) -> tuple[Column, ...]:
    """Return the columns of `model`'s own table for copied rows that hold the copy's key in `link`.

    Args:
        model: A concrete model; columns of its parents' tables are not its own.
        link: The primary key of a copy, or the foreign key by which a row belongs to a copy; None for the parents' part
            of a row whose link is in its own table.
        cleared: Names of fields that a copy does not take over.
        hooked: Whether `unique_value` is overridden, so that other fields than texts can be numbered.

    Raises:
        InvalidOperation: A unique or a cleared field can have no lawful value; the message names the cure.
    """
    kinds = {field: _kind(field, link, cleared) for field in model._meta.local_concrete_fields}
    partners: dict[Field[Any, Any], tuple[Field[Any, Any], ...]] = {}
    for unique in _unique_sets(model):
        if not any(_differs(field, kinds[field]) for field in unique):
            chosen, kinds[chosen] = _derived(model, unique, kinds, hooked=hooked)
            partners[chosen] = tuple(field for field in unique if field is not chosen)
    return tuple(Column(field, kind, partners.get(field, ())) for field, kind in kinds.items())


def given(field: Field[Any, Any]) -> Any:
    """Return the value of a cleared field: its default, or nothing."""
    return field.get_default()


def _kind(field: Field[Any, Any], link: Field[Any, Any] | None, cleared: Collection[str]) -> Kind:
    if field is link:
        return Kind.KEY
    if field.generated or isinstance(field, models.AutoField) or _is_parent_link(field):
        return Kind.LEFT_OUT
    if field.name in cleared:
        return _cleared_kind(field)
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return Kind.NOW
    return Kind.LEFT_OUT if _defaults_to_expression(field) else Kind.KEPT


def _is_parent_link(field: Field[Any, Any]) -> bool:
    return bool(field.remote_field and getattr(field.remote_field, "parent_link", False))


def _cleared_kind(field: Field[Any, Any]) -> Kind:
    if field.has_db_default():
        return Kind.LEFT_OUT
    if field.unique and (fresh := _fresh(field)):
        return fresh
    if not field.null and given(field) is None:
        raise InvalidOperation(f"{field} cannot be left empty on a copy: it is not null and has no default.")
    return Kind.GIVEN


def _defaults_to_expression(field: Field[Any, Any]) -> bool:
    # A literal is a first value, which a copy keeps as changed since; an expression, such as Now(), speaks of the row.
    return (
        field.has_db_default() and isinstance(field.db_default, Expression) and not isinstance(field.db_default, Value)
    )


def _fresh(field: Field[Any, Any]) -> Kind | None:
    if field.default is uuid.uuid4 and isinstance(field, models.UUIDField):
        return Kind.UUID
    return Kind.DEFAULT if field.has_default() and callable(field.default) else None


def _unique_sets(model: type[Model]) -> Iterator[Sequence[Field[Any, Any]]]:
    local = {field.name: field for field in model._meta.local_concrete_fields}
    for field in local.values():
        if field.unique:
            yield (field,)
    named = [*model._meta.unique_together, *map(_names, model._meta.constraints)]
    for names in named:
        if names and all(name in local for name in names):
            yield tuple(local[name] for name in names)


def _names(constraint: Any) -> tuple[str, ...]:
    if not isinstance(constraint, UniqueConstraint):
        return ()
    wholes: Any = constraint.expressions
    parts = (part for whole in wholes for part in ([whole] if isinstance(whole, F) else whole.flatten()))
    return (*constraint.fields, *(part.name for part in parts if isinstance(part, F)))  # type: ignore[attr-defined]


def _differs(field: Field[Any, Any], kind: Kind) -> bool:
    return kind in OWN or (kind is Kind.GIVEN and given(field) is None)


def _derived(
    model: type[Model], unique: Sequence[Field[Any, Any]], kinds: dict[Field[Any, Any], Kind], *, hooked: bool
) -> tuple[Field[Any, Any], Kind]:
    kept = [field for field in unique if kinds[field] is Kind.KEPT]
    fresh = [(field, kind) for field in kept if (kind := _fresh(field)) and (len(unique) == 1 or kind is Kind.UUID)]
    text = [(field, Kind.NUMBERED) for field in kept if _is_text(field)]
    other = [(field, Kind.NUMBERED) for field in kept if hooked and not field.is_relation]
    if chosen := fresh or text[::-1] or other[::-1]:
        return chosen[0]
    names = ", ".join(field.name for field in unique)
    raise InvalidOperation(
        f"{model._meta.label} cannot be copied as it is: {names} must be unique, and no value can be made up for it. "
        f"If it may be empty, leave it empty by cleared = ({unique[-1].name!r},); if it is no relation, override "
        "unique_value(field, value, number)."
    )


def _is_text(field: Field[Any, Any]) -> bool:
    return isinstance(field, models.CharField | models.TextField) and not field.choices
