"""The objects that are there already, found and locked for all rows of a chunk in one query."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import connections
from django.db.models.expressions import DatabaseDefault

from console.imports.among import Among
from console.imports.checks import clashing, has_special_constraints, never_invalid, unique_sets
from console.imports.relations import is_exact, normal
from console.imports.sheets import Key, Layout
from console.imports.waves import Values, Wave


class Existing:
    """Finds objects, and what of them the database holds.

    Args:
        layout: The columns of the file.
        whole: Whether all of an object is wanted, and may be changed.
    """

    def __init__(self, layout: Layout, *, whole: bool = False) -> None:
        self.layout, self.shape, self.using = layout, layout.shape, layout.using
        takers = _takers(layout, whole=whole)
        self.takers = [fields for fields in takers if all(is_exact(f) and f in self.shape.fields for f in fields)]
        # Rows that take each other's unique values do so in the order of the file.
        self.keeps_order = bool(takers) or has_special_constraints(self.shape.model)
        needed = self.shape.fields if whole else self._needed()
        self.loaded = tuple(dict.fromkeys((self.shape.key, *layout.keys, *needed)))

    def _needed(self) -> Iterable[Any]:
        """Yield the fields whose stored values decide what is written."""
        if self.layout.validates:
            given = self.layout.plain
            yield from (field for field in self.shape.fields if field not in given and not never_invalid(field))
        if self.layout.resource._meta.skip_unchanged:
            yield from self.layout.plain
        yield from (field for field, column in self.layout.plain.items() if not column.field.saves_null_values)
        yield from (field for fields in self.takers for field in fields)

    def find(self, keys: Collection[Key]) -> dict[Key, Values | None]:
        """Return by key what is known of each object that exists, locked; None where a key stands for several.

        Args:
            keys: What finds the objects.
        """
        if not keys:
            return {}
        targets = list(self.layout.keys)
        sought = [Among(self._path(one), one, {key[place] for key in keys}) for place, one in enumerate(targets)]
        rows = self._locked(self.layout.resource.get_queryset().using(self.using).filter(*sought))
        found: dict[Key, Values | None] = {}
        for values in rows.values_list(*(self._path(field) for field in self.loaded)):
            known = dict(zip(self.loaded, values, strict=True))
            key = tuple(known[target] for target in targets)
            found[key] = None if key in found else known
        return {key: known for key, known in found.items() if key in keys}

    def _path(self, field: Any) -> str:
        return "pk" if field is self.shape.key else str(field.attname)

    def _locked(self, rows: Any) -> Any:
        """Lock rows in the order of their keys, as everything does that writes many."""
        if connections[self.using].vendor != "postgresql":
            return rows.order_by()  # one writer: the transaction itself is the lock
        of = ("self",) if len(self.shape.chain) == 1 else ()
        return rows.select_related(None).order_by("pk").select_for_update(no_key=True, of=of)

    def taken(self, wave: Wave) -> set[int]:
        """Return the places whose row takes a value that must be unique and is another object's, or an earlier row's."""
        clashes: set[int] = set()
        for fields in self.takers:
            keys = list(zip(*(_normals(field, wave.column(field)) for field in fields), strict=True))
            clashes |= {wave.places[n] for n in clashing(keys)}
            holders = self._holders(fields, _taken(fields, keys, wave))
            if holders:
                owners = (known and known[self.shape.key] for known in wave.known)
                together = zip(wave.places, keys, owners, strict=True)
                clashes |= {place for place, key, owner in together if holders.get(key, owner) != owner}
        return clashes

    def _holders(self, fields: Sequence[Any], keys: Iterable[Key]) -> dict[Key, Any]:
        keys = set(keys)
        if not keys:
            return {}
        model = fields[0].model
        sought = [Among(field.attname, field, {key[place] for key in keys}) for place, field in enumerate(fields)]
        rows = model._base_manager.using(self.using).filter(*sought).order_by()
        found = rows.values_list("pk", *(field.attname for field in fields))
        return {key: pk for pk, *key_ in found if (key := tuple(key_)) in keys}


def _taken(fields: Sequence[Any], keys: Sequence[Key], wave: Wave) -> Iterable[Key]:
    """Yield the values that an object does not have already."""
    for key, known in zip(keys, wave.known, strict=True):
        if None not in key and (known is None or key != tuple(known[field] for field in fields)):
            yield key


def _normals(field: Any, values: Iterable[Any]) -> list[Any]:
    return [None if value is None or isinstance(value, DatabaseDefault) else normal(field, value) for value in values]


def _takers(layout: Layout, *, whole: bool) -> list[tuple[Any, ...]]:
    """Return the sets of fields that a row may bring into conflict with another object.

    Those that find the object cannot, unless the resource's own queryset hides some.
    """
    hides, key = bool(layout.resource.get_queryset().query.where), layout.shape.key
    return [
        fields
        for fields in unique_sets(layout.shape.model)
        if any(field in layout.plain or (whole and field is not key) for field in fields)
        and (hides or set(fields) != set(layout.keys))
    ]
