"""Copying in Python: rows made one by one, so that hooks can see them, and written in bulk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import islice
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import connections
from django.db.models import DEFERRED, AutoField, Field, FileField, Model

from console.operations.copying.columns import Kind, given
from console.operations.copying.pieces import Piece, UniqueValue
from console.operations.copying.plans import Plan, Table

MUTABLE = (dict, list, set)
BATCH = 2000


class Pattern:
    """One row of the database, from which copies are made.

    Args:
        row: The row, freshly read.
        kinds: Where the value of each column comes from.
        unique_value: The operation's hook.
    """

    def __init__(self, row: Model, kinds: Mapping[Field[Any, Any], Kind], unique_value: UniqueValue) -> None:
        self.model, self.unique_value = type(row), unique_value
        places = [(place, field, kinds[field]) for place, field in enumerate(row._meta.concrete_fields)]
        self.values = [_first_value(row, field, kind) for _place, field, kind in places]
        self.keys = [place for place, _field, kind in places if kind is Kind.KEY]
        self.numbered = [
            (place, field) for place, field, kind in places if kind is Kind.NUMBERED and self.values[place] is not None
        ]
        self.defaults = [(place, field) for place, field, kind in places if kind in {Kind.UUID, Kind.DEFAULT}]
        self.mutable = [place for place, value in enumerate(self.values) if isinstance(value, MUTABLE)]

    def copy(self, number: int, key: Any) -> Model:
        """Return an unsaved copy of the row with this number, and `key` in its link."""
        values = self.values.copy()
        for place in self.keys:
            values[place] = key
        for place, field in self.numbered:
            values[place] = self.unique_value(field, values[place], number)
        for place, field in self.defaults:
            values[place] = field.get_default()
        for place in self.mutable:
            values[place] = deepcopy(values[place])
        return self.model(*values)


def _first_value(row: Model, field: Field[Any, Any], kind: Kind) -> Any:
    match kind:
        case Kind.KEPT | Kind.NUMBERED:
            value = field.value_from_object(row)
            return value.name if isinstance(field, FileField) else value
        case Kind.GIVEN:
            return given(field)
        case Kind.LEFT_OUT if field.generated:
            return DEFERRED
        case Kind.LEFT_OUT if not field.is_relation:
            return field.get_default()
        case _:
            return None


class RelatedRows:
    """Makes the rows of a related table for copies.

    Args:
        table: The related table.
        plan: How the model is copied.
        using: The database's alias.
        unique_value: The operation's hook.
    """

    def __init__(self, table: Table, plan: Plan, using: str, unique_value: UniqueValue) -> None:
        self.table, self.plan, self.using, self.unique_value = table, plan, using, unique_value

    def copies(self, originals: Mapping[Any, Model], pieces: Sequence[Piece]) -> Iterator[Model]:
        """Yield, unsaved, the rows for the copies in `pieces`."""
        patterns = self._patterns(originals)
        links = {} if self.table.refers_to_key else self._links(pieces)
        for piece in pieces:
            for pattern in patterns[piece.source]:
                for number, key in piece.copies():
                    yield pattern.copy(number, links.get(key, key))

    def _patterns(self, originals: Mapping[Any, Model]) -> Mapping[Any, list[Pattern]]:
        link: Any = self.table.link
        owners = {link.to_python(self._link_of(obj)): key for key, obj in originals.items()}
        rows = self.table.model._base_manager.using(self.using).filter(**{f"{link.attname}__in": list(owners)})
        if self.table.model_field is not None:
            content_type = ContentType.objects.get_for_model(self.plan.model)
            rows = rows.filter(**{self.table.model_field.name: content_type})
        found: defaultdict[Any, list[Pattern]] = defaultdict(list)
        for row in rows.order_by("pk"):
            found[owners[getattr(row, link.attname)]].append(Pattern(row, self.table.kinds, self.unique_value))
        return found

    def _link_of(self, obj: Model) -> Any:
        link: Any = self.table.link
        return obj.pk if self.table.refers_to_key else getattr(obj, link.target_field.attname)

    def _links(self, pieces: Sequence[Piece]) -> dict[Any, Any]:
        link: Any = self.table.link
        keys = [key for piece in pieces for _number, key in piece.copies()]
        copies = self.plan.model._base_manager.using(self.using).filter(pk__in=keys)
        return dict(copies.values_list("pk", link.target_field.attname))


def write(tables: Sequence[type[Model]], rows: Iterable[Model], using: str) -> None:
    """Insert `rows` into `tables` (an inherited model has several, the root first) in bulk, without signals."""
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        for model in tables:
            _insert(model, batch, using)


def save(rows: Iterable[Model], using: str) -> None:
    """Save `rows` one by one, with signals."""
    for row in rows:
        row.save(force_insert=True, using=using)


def _insert(model: Any, rows: Sequence[Model], using: str) -> None:
    # What Model.save() calls for one row. bulk_create() does the same, but refuses inherited models.
    counted = all(row.pk is None for row in rows)
    fields = [
        field
        for field in model._meta.local_concrete_fields
        if not field.generated and not (counted and isinstance(field, AutoField))
    ]
    size = max(1, connections[using].ops.bulk_batch_size(fields, rows))
    for start in range(0, len(rows), size):
        model._base_manager._insert(rows[start : start + size], fields=fields, using=using)  # noqa: SLF001
