"""How the objects of a model lie in tables, and where the values come from that a file does not give."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models import AutoField, Field, Model
from django.utils import timezone

# Fields whose `pre_save` is known: it sets the time, or stores an upload, which a file of rows does not have.
KNOWN_PRE_SAVE = frozenset(
    kind.pre_save for kind in (Field, models.DateField, models.DateTimeField, models.TimeField, models.FileField)
)


@dataclass(frozen=True)
class Table:
    """A table of the model or of one that it inherits from: its columns, and the one that holds the object's key."""

    model: type[Model]
    key: Any
    fields: tuple[Any, ...]

    @property
    def name(self) -> str:
        """Its name in the database."""
        return self.model._meta.db_table


class Shape:
    """The tables of a model from its root on, each with the object's key."""

    def __init__(self, model: type[Model]) -> None:
        self.model = model._meta.concrete_model or model
        self.options = self.model._meta

    @cached_property
    def chain(self) -> tuple[type[Model], ...]:
        """The models whose tables an object has a row in, from the root on."""
        chain = [self.model]
        while parents := _parents(chain[0]):
            chain.insert(0, parents[0])
        return tuple(chain)

    @property
    def root(self) -> type[Model]:
        """The model whose row stands for the object."""
        return self.chain[0]

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """The tables in the order of writing."""
        return tuple(
            Table(model, model._meta.pk, tuple(f for f in model._meta.local_concrete_fields if f is not model._meta.pk))
            for model in self.chain
        )

    @cached_property
    def fields(self) -> tuple[Any, ...]:
        """Every field that a row gives a value, but for the links between the tables."""
        return tuple(f for f in self.options.concrete_fields if not f.generated and not _is_link(f))

    @cached_property
    def key(self) -> Any:
        """The field of the key in the root's table."""
        return self.root._meta.pk

    @property
    def counts_keys(self) -> bool:
        """Whether the database counts keys."""
        return isinstance(self.key, AutoField)

    @cached_property
    def by_name(self) -> dict[str, Any]:
        """The fields by name and by attribute."""
        named = {name: field for field in self.fields for name in (field.name, field.attname)}
        return {**named, "pk": self.key, self.options.pk.name: self.key, self.options.pk.attname: self.key}

    def obstacles(self) -> list[str]:
        """Return the names of what no set-based statement can write."""
        if isinstance(self.options.pk, models.CompositePrimaryKey):
            return ["a key of several fields"]
        if any(len(_parents(model)) > 1 for model in self.chain):
            return ["several parents"]
        return []

    def computes(self) -> list[Any]:
        """Return the fields that only an instance can compute when it is saved."""
        return [field for field in self.fields if type(field).pre_save not in KNOWN_PRE_SAVE]


def moment(field: Any, *, adding: bool) -> Any:
    """Return the time that a field sets itself to when its object is saved, or None."""
    if not (getattr(field, "auto_now", False) or (adding and getattr(field, "auto_now_add", False))):
        return None
    now = timezone.now()
    if isinstance(field, models.DateTimeField):
        return now
    local = timezone.localtime(now, timezone.get_default_timezone()) if timezone.is_aware(now) else now
    return local.date() if isinstance(field, models.DateField) else local.time()


def _parents(model: type[Model]) -> list[type[Model]]:
    return [parent for parent in model._meta.parents if not parent._meta.proxy and parent is not model]


def _is_link(field: Any) -> bool:
    return bool(field.remote_field and getattr(field.remote_field, "parent_link", False))
