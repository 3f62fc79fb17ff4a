"""Objects as rows of a Resource: what `Resource.export` gives, with what is the same for all rows done once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import not_
from typing import Any

import tablib
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, prefetch_related_objects
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from import_export.resources import ModelResource, Resource

from console.exceptions import ItemFailed, ItemOutcome, Skip

Exporter = Callable[[Any], Any]
Outcomes = dict[Any, ItemOutcome]


@dataclass
class Rows:
    """Makes rows by one Resource.

    Args:
        resource: An instance of it.
        columns: The names of the fields to export.
        native: Whether cells keep their type (numbers, dates), as workbooks want them.
        prefetch: Further relations to read at once.
    """

    resource: Any
    columns: Sequence[str]
    native: bool = False
    prefetch: Sequence[str] = ()

    def headings(self) -> list[str]:
        """Return the headings of the columns."""
        headings: list[str] = self.resource.get_export_headers(selected_fields=self.columns)
        return headings

    def of(self, objects: Sequence[Model], cell_max: int | None = None) -> tuple[list[Sequence[Any]], Outcomes]:
        """Return the rows of the objects, and what became of those without one, by their primary key.

        Args:
            objects: Some objects, just read.
            cell_max: How many characters a cell may have; None: any number.

        Raises:
            Exception: Whatever the Resource's own methods raise.
        """
        found, left_out = self._as_the_resource_reads(objects)
        self._read_related(found)
        hooked = _overrides(self.resource, "before_export") or _overrides(self.resource, "after_export")
        rows = self._between_hooks(found) if hooked else self._rows(found)
        if cell_max is None or not any(_longest(row) > cell_max for row in rows):
            return rows, left_out
        fitting = [_longest(row) <= cell_max for row in rows]
        too_long = list(compress(zip(found, rows, strict=True), map(not_, fitting)))
        return list(compress(rows, fitting)), left_out | {
            obj.pk: _too_long(obj, row, cell_max) for obj, row in too_long
        }

    def _rows(self, objects: Sequence[Model]) -> list[Sequence[Any]]:
        kwargs = self._kwargs
        if _overrides(self.resource, "export_resource"):
            return [self.resource.export_resource(obj, selected_fields=self.columns, **kwargs) for obj in objects]
        fields = self.resource.get_export_fields(self.columns)
        if _overrides(self.resource, "export_field"):
            return [[self.resource.export_field(field, obj, **kwargs) for field in fields] for obj in objects]
        exporters = [self._exporter(field) for field in fields]
        return [[export(obj) for export in exporters] for obj in objects]

    def _exporter(self, field: Any) -> Exporter:
        """Return what `Resource.export_field` does with this field; it looks that up for every cell."""
        method = field.get_dehydrate_method(self.resource.get_field_name(field))
        if not callable(method):
            method = getattr(self.resource, method, None)
        kwargs = self._kwargs
        return method if method is not None else lambda obj: field.export(obj, **kwargs)

    @property
    def _kwargs(self) -> dict[str, Any]:
        return {"export_fields": list(self.columns), "force_native_type": self.native}

    def _between_hooks(self, objects: Sequence[Model]) -> list[Sequence[Any]]:
        """Call the hooks of a whole export for this chunk, with a table of its rows that they may change."""
        model = self.resource._meta.model
        queryset = model._base_manager.filter(pk__in=[obj.pk for obj in objects])
        self.resource.before_export(queryset, **self._kwargs)
        headings = self.headings()
        table = tablib.Dataset(*self._rows(objects), headers=headings)
        self.resource.after_export(queryset, table, **self._kwargs)
        if (table.headers or headings) != headings:
            told = _("%(resource)s.after_export changes the columns, which an export in parts cannot follow.")
            raise ValueError(told % {"resource": type(self.resource).__name__})
        return list(table)

    def _as_the_resource_reads(self, objects: Sequence[Model]) -> tuple[Sequence[Model], Outcomes]:
        """Return the objects as the Resource's own query gives them, where it has one: with its annotations and limits."""
        limited = _overrides(self.resource, "filter_export")
        if not limited and not _overrides(self.resource, "get_queryset"):
            return objects, {}
        queryset = self.resource.get_queryset()
        if limited:
            queryset = self.resource.filter_export(queryset, **self._kwargs)
        found = {obj.pk: obj for obj in queryset.filter(pk__in=[obj.pk for obj in objects])}
        left_out: Outcomes = {
            obj.pk: Skip(obj, _("%(resource)s leaves it out.") % {"resource": type(self.resource).__name__})
            for obj in objects
            if obj.pk not in found
        }
        return [found[obj.pk] for obj in objects if obj.pk in found], left_out

    def _read_related(self, objects: Sequence[Model]) -> None:
        """Read what the rows tell of other objects: a query for each relation, not one for each row."""
        if objects:
            fields = self.resource.get_export_fields(self.columns)
            paths = dict.fromkeys(
                [*filter(None, (relation_of(objects[0], f.attribute) for f in fields)), *self.prefetch]
            )
            prefetch_related_objects(list(objects), *paths)


def relation_of(obj: Model, attribute: str | None) -> str:
    """Return the longest beginning of a field's attribute that leads to other objects: “author” of “author__name”."""
    model: Any = type(obj)
    path: list[str] = []
    for name in (attribute or "").split("__"):
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:
            break
        if not field.is_relation or field.related_model is None or not hasattr(model, name):
            break
        path.append(name)
        model = field.related_model
    return "__".join(path)


def _overrides(resource: Any, method: str) -> bool:
    """Tell whether a Resource has a method of its own in the place of django-import-export's."""
    own = getattr(type(resource), method)
    return own not in [getattr(base, method, None) for base in (Resource, ModelResource)]


def _longest(row: Sequence[Any]) -> int:
    return max((len(cell) for cell in row if isinstance(cell, str)), default=0)


def _too_long(obj: Model, row: Sequence[Any], cell_max: int) -> ItemFailed:
    told = _("It has a cell of %(count)s characters; a workbook holds %(limit)s. Export as CSV.")
    count, limit = (number_format(value, force_grouping=True) for value in (_longest(row), cell_max))
    return ItemFailed(obj, told % {"count": count, "limit": limit})


def columns_of(resource: Any) -> list[tuple[str, str]]:
    """Return the fields that a Resource exports, as (name, heading), in their order."""
    names: Iterable[str] = resource.get_export_order()
    return [(name, str(resource.fields[name].column_name or name)) for name in names if name in resource.fields]
