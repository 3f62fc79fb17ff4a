"""What copying a model takes: the tables of the copy itself, and those of the rows that belong to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.contrib.contenttypes.fields import GenericRelation
from django.db import models
from django.db.models import Field, ForeignKey, ManyToManyField, Model

from console.exceptions import InvalidOperation
from console.operations.copying.columns import Column, Kind, columns_of


@dataclass(frozen=True)
class Table:
    """A table to write: rows of `model` whose `link` is the original, again with the copy in its place.

    `link` is the primary key for the copies themselves, a foreign key for what belongs to them. `model_field` is the
    column of a generic relation that names the model.
    """

    model: type[Model]
    link: Any
    columns: tuple[Column, ...]
    model_field: Field[Any, Any] | None = None

    @property
    def refers_to_key(self) -> bool:
        """Whether `link` holds the copy's primary key, and not another unique field of it."""
        return not isinstance(self.link, ForeignKey) or self.link.target_field.primary_key

    @cached_property
    def kinds(self) -> dict[Field[Any, Any], Kind]:
        """Where the value of each column comes from, those of the parents' tables included."""
        return self._parents_kinds() | {column.field: column.kind for column in self.columns}

    def _parents_kinds(self) -> dict[Field[Any, Any], Kind]:
        parents = [parent for parent, link in self.model._meta.parents.items() if link is not None]
        columns = [column for parent in parents for column in columns_of(parent, None, (), hooked=False)]
        return {column.field: column.kind for column in columns}

    @property
    def inherits(self) -> bool:
        """Whether a row of `model` has rows in its parents' tables too."""
        return any(link is not None for link in self.model._meta.parents.values())

    @property
    def why_python(self) -> str:
        """Why the database alone cannot make the rows; empty where it can."""
        if not self.refers_to_key:
            return f"{self.link} does not refer to the primary key"
        if self.inherits and not self.link.primary_key:
            return f"{self.model._meta.label} is an inherited model"
        return next((column.why_python for column in self.columns if column.why_python), "")

    def numbered(self) -> Iterator[Column]:
        """Yield the columns that take the copy's number."""
        return (column for column in self.columns if column.kind is Kind.NUMBERED)


@dataclass(frozen=True)
class Plan:
    """How the copies of one model are made.

    Attributes:
        model: The concrete model.
        tables: Its parents' tables and its own, the root first; those of further parents last.
        related: The tables of what belongs to it.
        by_save: Why copies can only be made by ``save()``; empty where bulk writing will do.
    """

    model: type[Model]
    tables: tuple[Table, ...]
    related: tuple[Table, ...]
    by_save: str = ""
    kinds: Mapping[Field[Any, Any], Kind] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kinds = {column.field: column.kind for table in self.tables for column in table.columns}
        object.__setattr__(self, "kinds", kinds)

    @property
    def root(self) -> Table:
        """The table whose primary key the copy's key is."""
        return self.tables[0]

    @property
    def counts_keys(self) -> bool:
        """Whether the keys are numbers that the database counts."""
        return isinstance(self.root.link, models.AutoField)

    @property
    def derives_keys(self) -> bool:
        """Whether a copy's key is made of the original's and the copy's number."""
        key = self.root.link
        return not (self.counts_keys or key.has_default() or key.has_db_default())

    def numbered(self) -> list[Column]:
        """Return the columns of the copy itself that take its number, the key included if it does."""
        columns = [column for table in self.tables for column in table.numbered()]
        return [Column(self.root.link, Kind.NUMBERED), *columns] if self.derives_keys else columns

    def is_numbered(self) -> bool:
        """Tell whether any column of the copy, or of what belongs to it, takes the copy's number."""
        return bool(self.numbered()) or any(next(table.numbered(), None) for table in self.related)


def make_plan(
    model: type[Model], related: tuple[str, ...], cleared: tuple[str, ...], *, hooked: bool, by_save: str = ""
) -> Plan:
    """Return the plan to copy `model`.

    Args:
        model: The model; of a proxy its concrete model is copied.
        related: Names of the relations that are copied with it.
        cleared: Names of fields that a copy does not take over.
        hooked: Whether `unique_value` is overridden.
        by_save: A reason to make copies by ``save()``, if there is one.

    Raises:
        InvalidOperation: The model cannot be copied so; the message says why, and the cure.
    """
    concrete = model._meta.concrete_model or model
    lineage = _lineage(concrete)
    others = [parent for parent, link in concrete._meta.parents.items() if link is not None and parent not in lineage]
    _check_cleared(concrete, cleared)
    tables = tuple(
        Table(each, each._meta.pk, columns_of(each, each._meta.pk, cleared, hooked=hooked))
        for each in (*lineage, *others)
    )
    belonging = tuple(table for name in related for table in _related_tables(concrete, name, hooked=hooked))
    return Plan(concrete, tables, belonging, by_save or _why_save(tables, others))


def _lineage(model: type[Model]) -> list[type[Model]]:
    lineage: list[Any] = [model]
    while (link := lineage[0]._meta.pk) and link.remote_field and getattr(link.remote_field, "parent_link", False):
        lineage.insert(0, link.related_model)
    if isinstance(lineage[0]._meta.pk, models.CompositePrimaryKey):
        raise InvalidOperation(f"{model._meta.label} cannot be copied: its primary key consists of several fields.")
    return lineage


def _why_save(tables: tuple[Table, ...], others: list[type[Model]]) -> str:
    if others:
        return f"it also inherits from {others[0]._meta.label}"
    key = tables[0].link
    if key.has_db_default() and not key.has_default():
        return f"the database makes up {key}"
    return ""


def _check_cleared(model: type[Model], cleared: tuple[str, ...]) -> None:
    unknown = set(cleared) - {field.name for field in model._meta.concrete_fields if not field.primary_key}
    if unknown:
        raise InvalidOperation(f"cleared names {min(unknown)!r}, which is no field of {model._meta.label}.")


def _related_tables(model: type[Model], name: str, *, hooked: bool) -> Iterator[Table]:
    for link, model_field in _links(model, name):
        owner = link.model
        yield Table(owner, link, columns_of(owner, link, (), hooked=hooked), model_field)


def _links(model: type[Model], name: str) -> list[tuple[Any, Any]]:
    """Return the columns that refer to `model` in the relation called `name`, each with that of the model, if any."""
    for forward in (*model._meta.many_to_many, *model._meta.private_fields):
        if forward.name == name and isinstance(forward, GenericRelation):
            options = forward.related_model._meta
            return [
                (options.get_field(forward.object_id_field_name), options.get_field(forward.content_type_field_name))
            ]
        if forward.name == name and isinstance(forward, ManyToManyField):
            return [(link, None) for link in _ends(forward)]
    for reverse in model._meta.related_objects:
        if name in {reverse.get_accessor_name(), reverse.name}:
            link = reverse.field
            return [(link, None)] if not isinstance(link, ManyToManyField) else [(_far_end(link), None)]
    raise InvalidOperation(f"related names {name!r}, which is no relation of {model._meta.label}.")


def _ends(field: Any) -> list[Any]:
    through = field.remote_field.through._meta
    near = through.get_field(field.m2m_field_name())
    return [near, _far_end(field)] if field.remote_field.symmetrical else [near]


def _far_end(field: Any) -> Any:
    return field.remote_field.through._meta.get_field(field.m2m_reverse_field_name())
