"""The columns of a file as a resource reads them, and the values of some rows, column by column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from import_export import widgets

from console.imports.checks import cleaner
from console.imports.columns import BAD, Column, attempted
from console.imports.outcomes import Row
from console.imports.relations import ForeignColumn, ManyColumn, normal
from console.imports.shapes import Shape

Key = tuple[Any, ...]
UNSURE = object()  # a key that only the database can compare


class Layout:
    """Which columns of a file go into which fields, and which of them find the object."""

    def __init__(self, resource: Any, shape: Shape, columns: Sequence[str]) -> None:
        self.resource, self.shape, self.columns = resource, shape, frozenset(columns)
        self.using = resource.get_db_connection_name()
        self.validates = bool(resource._meta.clean_model_instances)
        self.plain: dict[Any, Column] = {}
        self.many: list[ManyColumn] = []
        for field in resource.get_import_fields():
            if not field.attribute or field.column_name not in self.columns or field.readonly:
                continue
            if isinstance(field.widget, widgets.ManyToManyWidget):
                self.many.append(ManyColumn(field, shape.options.get_field(field.attribute)))
            else:
                self.plain[shape.by_name[field.attribute]] = self._column(field)
        self.keys = self._keys()

    def _column(self, field: Any) -> Column:
        target = self.shape.by_name[field.attribute]
        return ForeignColumn(field, target, self.using) if target.remote_field else Column(field)

    def _keys(self) -> dict[Any, Column]:
        """Return the columns that find the object, by field; none if every row makes a new one."""
        meta = self.resource._meta
        fields = [self.resource.fields[name] for name in self.resource.get_import_id_fields()]
        if meta.force_init_instance or any(field.column_name not in self.columns for field in fields):
            return {}
        return {self.shape.by_name[field.attribute]: self._column(field) for field in fields}


class Sheet:
    """The values of some rows.

    Attributes:
        values: For each field of the model that has a column, the values that the resource would set.
        checked: The same as ``clean_fields()`` would leave them; the resource may not ask for that.
        many: For each many-to-many column the keys of the related objects.
        keys: What finds each row's object; None if it is new.
        loose: The places of rows that the row path has to tell about.
    """

    def __init__(self, layout: Layout, rows: Sequence[Row]) -> None:
        self.layout, self.rows = layout, rows
        self.read()
        self.keys = self._keys()
        self.loose = {
            place
            for values in (*self.values.values(), *self.checked.values(), *self.many, self.keys)
            for place, value in enumerate(values)
            if value is BAD or value is UNSURE
        }

    def read(self) -> None:
        """Read all columns."""
        self.values = {target: column.read(self.rows) for target, column in self.layout.plain.items()}
        self.many = [column.read(self.rows) for column in self.layout.many]
        self.checked = self._checked() if self.layout.validates else self.values

    @property
    def ordered(self) -> list[int]:
        """The loose rows that have to keep their place: the others fail whenever it is their turn."""
        counts = Counter(self.keys)
        return sorted(p for p in self.loose if self.keys[p] is UNSURE or _is_shared(self.keys[p], counts))

    def _checked(self) -> dict[Any, list[Any]]:
        return {field: cleaner(field)(values) for field, values in self.values.items()}

    def _keys(self) -> list[Any]:
        keys = self.layout.keys
        if not keys:
            return [None] * len(self.rows)
        parts = []
        for target, column in keys.items():
            same = self.layout.plain.get(target)
            is_read = target in self.values and same is not None and same.name == column.name
            read = self.values[target] if is_read else column.read(self.rows)
            parts.append([_part(target, value) for value in read])
        return [_whole(key) for key in zip(*parts, strict=True)]


def _part(target: Any, value: Any) -> Any:
    if value is None and target.null:
        return UNSURE
    return value if value is None else attempted(partial(normal, target), value)


def _is_shared(key: Any, counts: Counter[Any]) -> bool:
    return key is not BAD and key is not None and counts[key] > 1


def _whole(key: Key) -> Any:
    if BAD in key:
        return BAD
    if None in key:
        return None
    return UNSURE if UNSURE in key else key
