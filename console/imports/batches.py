"""The rows of one chunk, and what django-import-export does once an import: here it does it once a chunk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.management.color import no_style
from django.db import connections
from django.utils.translation import gettext as _
from import_export.resources import ModelResource, Resource
from import_export.results import Result, RowResult
from tablib import Dataset

from console.exceptions import ConsoleError
from console.imports.outcomes import Kind, Outcome, Row

TYPES = {
    Kind.NEW: RowResult.IMPORT_TYPE_NEW,
    Kind.CHANGED: RowResult.IMPORT_TYPE_UPDATE,
    Kind.DELETED: RowResult.IMPORT_TYPE_DELETE,
    Kind.UNCHANGED: RowResult.IMPORT_TYPE_SKIP,
    Kind.SKIPPED: RowResult.IMPORT_TYPE_SKIP,
    Kind.FAILED: RowResult.IMPORT_TYPE_ERROR,
}


class RowsChanged(ConsoleError):
    """A resource's ``before_import`` added rows or removed some."""

    def __init__(self, resource: str) -> None:
        super().__init__(
            _(
                "Nothing was imported: before_import of %(resource)s changed the number of rows, and a report could not "
                "name them. Leave rows out by skip_row instead."
            )
            % {"resource": resource}
        )


def overrides(resource: Any, *names: str) -> list[str]:
    """Return which of the methods the class of `resource` has of its own."""
    stock = ModelResource if isinstance(resource, ModelResource) else Resource
    return [name for name in names if getattr(type(resource), name) is not getattr(stock, name)]


class Batch:
    """The rows of one chunk: what the resource's ``before_import`` made of them."""

    def __init__(self, resource: Any, rows: Sequence[Row], kwargs: Mapping[str, Any], *, dry_run: bool) -> None:
        self.resource, self.kwargs = resource, dict(kwargs)
        self.row_kwargs = {**kwargs, "dry_run": dry_run, "using_transactions": True}
        self.columns: list[str] = list(rows[0].values)
        self.rows = rows
        self.dataset: Dataset | None = None

    def before(self) -> None:
        """Let the resource see and change the rows.

        Raises:
            RowsChanged: It added or removed some.
            import_export.exceptions.FieldError: A column that identifies the objects is missing.
        """
        if overrides(self.resource, "before_import"):
            dataset = self.as_dataset()
            self.resource.before_import(dataset, **self.kwargs)
            if len(dataset) != len(self.rows):
                raise RowsChanged(type(self.resource).__name__)
            self.columns = list(dataset.headers)
            self.rows = [
                Row(row.number, OrderedDict(zip(self.columns, values, strict=True)))
                for row, values in zip(self.rows, dataset, strict=True)
            ]
        self.resource._check_import_id_fields(self.columns)  # noqa: SLF001 - its own order of steps

    def as_dataset(self) -> Dataset:
        """Return the rows as tablib's table, which hooks and instance loaders of the resource's own expect."""
        if self.dataset is None:
            self.dataset = Dataset(
                *[tuple(row.values[name] for name in self.columns) for row in self.rows], headers=self.columns
            )
        return self.dataset

    def after(self, outcomes: Iterable[Outcome]) -> None:
        """Let the resource see what came of the rows."""
        if overrides(self.resource, "after_import"):
            self.resource.after_import(self.as_dataset(), self._result(outcomes), **self.row_kwargs)
        elif self._has_keys() and any(outcome.kind is Kind.NEW for outcome in outcomes):
            reset_sequence(self.resource)

    def _has_keys(self) -> bool:
        """Tell whether new objects may get their keys from the file: the database does not count those."""
        key = self.resource._meta.model._meta.pk
        names = {key.name, key.attname, "pk"}
        return any(f.attribute in names and f.column_name in self.columns for f in self.resource.get_import_fields())

    def _result(self, outcomes: Iterable[Outcome]) -> Result:
        result = self.resource.get_result_class()()
        result.diff_headers = self.resource.get_diff_headers()
        result.total_rows = len(self.rows)
        for outcome in outcomes:
            row_result = self.resource.get_row_result_class()()
            row_result.import_type = TYPES[outcome.kind]
            row_result.object_id, row_result.object_repr = outcome.pk, outcome.label
            result.increment_row_result_total(row_result)
            if outcome.kind is not Kind.FAILED:
                result.append_row_result(row_result)
        return result


def reset_sequence(resource: Any) -> None:
    """Let the database count on behind keys that came from a file, as django-import-export does."""
    connection = connections[resource.get_db_connection_name()]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [resource._meta.model]):
            cursor.execute(statement)
