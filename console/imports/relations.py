"""Foreign keys and many-to-many relations, looked up for all rows of a chunk in one query each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import models
from django.db.models.fields import NOT_PROVIDED
from import_export import widgets
from import_export.fields import Field

from console.imports.among import Among
from console.imports.columns import BAD, Column, attempted, is_plain, remembered
from console.imports.outcomes import Row

# Equal in the database means equal in Python for these; texts with a collation of their own aside.
EXACT = (
    models.AutoField,
    models.IntegerField,
    models.UUIDField,
    models.DateField,
)
FOREIGN = frozenset({widgets.ForeignKeyWidget, widgets.CachedForeignKeyWidget})


def is_exact(field: Any) -> bool:
    """Tell whether values of `field` that the database holds equal are equal in Python, and the other way round."""
    if isinstance(field, models.ForeignKey):
        return is_exact(field.target_field)
    if isinstance(field, models.CharField | models.TextField):
        return not getattr(field, "db_collation", None)
    return isinstance(field, EXACT) and not isinstance(field, models.DateTimeField)


def normal(field: Any, value: Any) -> Any:
    """Return a value as the database would return it."""
    value = (field.target_field if isinstance(field, models.ForeignKey) else field).to_python(value)
    if type(value) is str and "\0" in value:
        raise ValueError("PostgreSQL takes no NUL in a text.")
    return value


class ForeignColumn(Column):
    """Reads a column of a foreign key into the values that its own column holds."""

    def __init__(self, field: Field, target: Any, using: str) -> None:
        super().__init__(field)
        self.target, self.using = target, using
        # `author_id` is set to a key, `author` to an object, of which the foreign key takes its target field.
        self.taken = "pk" if field.attribute == target.attname else target.target_field.attname

    def read(self, rows: Sequence[Row]) -> list[Any]:
        """Return a value for each row; `BAD` for those whose object cannot be found."""
        field, widget = self.field, self.field.widget
        if not is_plain(field) or not isinstance(widget, widgets.ForeignKeyWidget):
            return [self._taken(value) for value in super().read(rows)]
        if type(widget) not in FOREIGN:
            return [self._taken(self._by_row(row)) for row in rows]
        values = [row.values[self.name] for row in rows]
        found = self._looked_up(widget, {value for value in values if value})
        empty = None if field.default is NOT_PROVIDED else self._taken(self._or_default(None))
        return [found.get(value, BAD) if value else empty for value in values]

    def _looked_up(self, widget: Any, wanted: set[Any]) -> dict[Any, Any]:
        if not wanted:
            return {}
        key = field_of(widget.model, widget.field)
        if widget.use_natural_foreign_keys or key is None or not is_exact(key):
            values = list(wanted)
            return dict(zip(values, map(self._taken, remembered(widget.clean, values)), strict=True))
        normals = dict(zip(wanted, remembered(lambda value: normal(key, value), list(wanted)), strict=True))
        sought = {value for value in normals.values() if value is not BAD}
        known: defaultdict[Any, list[Any]] = defaultdict(list)
        objects = widget.get_queryset(None, None).filter(Among(key.attname, key, sought))
        for name, taken in objects.order_by().values_list(key.attname, self.taken):
            known[name].append(taken)
        return {value: known[name][0] for value, name in normals.items() if len(known.get(name, ())) == 1}

    def _taken(self, value: Any) -> Any:
        return getattr(value, self.taken) if isinstance(value, models.Model) else value


class ManyColumn:
    """Reads a column of a many-to-many relation into lists of keys."""

    def __init__(self, field: Field, target: Any) -> None:
        self.field, self.name, self.target = field, str(field.column_name), target
        self.adds = field.m2m_add

    def read(self, rows: Sequence[Row]) -> list[Any]:
        """Return the keys of each row's related objects, or `BAD`. What does not exist is left out, as the widget does."""
        split = remembered(self.split, [row.values[self.name] for row in rows])
        wanted = {name for names in split if names is not BAD for name in names}
        known = self._looked_up(wanted) if wanted else {}
        return [BAD if names is BAD else _flat(known, names) for names in split]

    def split(self, value: Any) -> Any:
        """Return the names in a cell, as the database would return them, or `BAD`."""
        return attempted(self._names, value)

    def _names(self, value: Any) -> tuple[Any, ...]:
        key = self.key
        if not value:
            return ()
        if isinstance(value, float | int):
            return (normal(key, int(value)),)
        names = (name.strip() for name in value.split(self.field.widget.separator))
        return tuple(normal(key, name) for name in names if name)

    def _looked_up(self, wanted: Iterable[Any]) -> dict[Any, list[Any]]:
        known: defaultdict[Any, list[Any]] = defaultdict(list)
        objects = self.field.widget.model.objects.filter(Among(self.key.attname, self.key, list(wanted)))
        for name, key in objects.order_by().values_list(self.key.attname, "pk"):
            known[name].append(key)
        return known

    @property
    def key(self) -> Any:
        """The field of the related model that names its objects in the file."""
        return field_of(self.field.widget.model, self.field.widget.field)


def can_read_many(field: Field) -> bool:
    """Tell whether `ManyColumn` reads the column as its widget does."""
    key = field_of(field.widget.model, field.widget.field)
    return type(field.widget) is widgets.ManyToManyWidget and is_plain(field) and key is not None and is_exact(key)


def _flat(known: dict[Any, list[Any]], names: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(key for name in names for key in known.get(name, ())))


def field_of(model: Any, name: str) -> Any:
    """Return the field that is looked up, or None if it is a path over relations."""
    if name == "pk":
        return model._meta.pk
    return next((f for f in model._meta.concrete_fields if name in {f.name, f.attname}), None)
