"""What was selected: a query that is run in the database, never a list of a million keys in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import CharField, Model, QuerySet
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from console.engine.holds import identity
from console.exceptions import ConsoleError

Descriptor = dict[str, Any]
Resolver = Callable[[type[Model], Descriptor], QuerySet[Any]]

_resolvers: dict[str, Resolver] = {}


def register_resolver(kind: str, resolver: Resolver) -> None:
    """Let `resolver` rebuild the query of descriptors whose ``kind`` is `kind`, long after the request."""
    _resolvers[kind] = resolver


class Selection:
    """The objects that a run shall work on.

    `descriptor` is what the run keeps of it: JSON, from which the query can be built again; None where the query
    came from code and cannot be.
    """

    def __init__(self, model: type[Model], queryset: QuerySet[Any], descriptor: Descriptor | None) -> None:
        self.model, self.descriptor, self._queryset = model, descriptor, queryset

    @classmethod
    def of_keys(cls, model: type[Model], keys: Iterable[Any]) -> Selection:
        """Select objects of `model` by primary key."""
        return cls.of_descriptor(model, {"kind": "keys", "keys": [_json_key(key) for key in keys]})

    @classmethod
    def of_objects(cls, model: type[Model], objects: Iterable[Model]) -> Selection:
        """Select the given objects of `model`."""
        return cls.of_keys(model, [obj.pk for obj in objects])

    @classmethod
    def of_queryset(cls, queryset: QuerySet[Any]) -> Selection:
        """Select what a query of code finds at acceptance."""
        return cls(queryset.model, queryset, None)

    @classmethod
    def of_descriptor(cls, model: type[Model], descriptor: Descriptor) -> Selection:
        """Rebuild a selection from what a run, or a form, kept of it.

        Raises:
            ConsoleError: Nobody can rebuild this kind any more.
        """
        resolver = _resolvers.get(descriptor.get("kind", ""))
        if resolver is None:
            raise ConsoleError(
                _("The selection (%(kind)s) cannot be rebuilt. Select the objects again.")
                % {"kind": descriptor.get("kind")}
            )
        return cls(model, resolver(model, descriptor), descriptor)

    @property
    def named(self) -> list[Any] | None:
        """The keys of objects that were named one by one, or None if they were not."""
        keys: list[Any] | None = (self.descriptor or {}).get("keys")
        return keys

    @property
    def asked(self) -> int | None:
        """How many objects were named one by one, or None if they were not."""
        return len(set(self.named)) if self.named is not None else None

    def queryset(self) -> QuerySet[Any]:
        """Return the query, unordered where it is not sliced."""
        return self._queryset if self._queryset.query.is_sliced else self._queryset.order_by()

    def count(self) -> int:
        """Return how many objects match now."""
        return self.rows().count()

    def rows(self) -> QuerySet[Any]:
        """Return the rows that stand for the objects, in key order: a plain query that can be locked (PROTOCOL H13)."""
        rows: QuerySet[Any] = identity(self.model)._base_manager.get_queryset()
        if self.named is not None:
            return rows.filter(pk__in=self.named).order_by("pk")
        return rows.filter(pk__in=self.queryset().values("pk")).order_by("pk")

    def keys(self) -> Any:
        """Return the keys as text, as targets keep them."""
        return self.rows().order_by().annotate(console_key=Cast("pk", CharField())).values("console_key")


def _json_key(key: Any) -> Any:
    return key if isinstance(key, int | str) else str(key)


def _resolve_keys(model: type[Model], descriptor: Descriptor) -> QuerySet[Any]:
    return model._base_manager.filter(pk__in=descriptor["keys"])


register_resolver("keys", _resolve_keys)
