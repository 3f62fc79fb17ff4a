"""A resource that does all its steps with a row but the writing, and keeps what it would have written."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from import_export import widgets
from import_export.results import RowResult

from console.imports.batches import overrides
from console.imports.passing import raise_passing


class QuickResult(RowResult):
    """Does not ask the object what it is called, which may cost a query."""

    def add_instance_info(self, instance: Any) -> None:
        """Do nothing."""


class Collected:
    """What came of a row before anything was written.

    Attributes:
        kind: What django-import-export calls it.
        instance: The object as it is to be written, or deleted.
        many: The keys of related objects, by many-to-many field of the resource.
        error: What the row met.
    """

    def __init__(self, existing: Any) -> None:
        self.existing, self.instance = existing, existing
        self.many: dict[str, list[Any]] = {}
        self.kind = ""
        self.error: BaseException | None = None

    def get_instance(self, row: Mapping[str, Any]) -> Any:
        """Be the loader of the instance, which has been found already."""
        return self.existing


class Collector:
    """Runs a resource's own `import_row`."""

    def __init__(self, resource: Any) -> None:
        self.resource = resource
        self.current = Collected(None)

    @contextmanager
    def at_work(self, fields: Mapping[str, Any], *, comparing: bool) -> Iterator[None]:
        """Let the resource collect as long as the context lasts; its `fields` stand in for its own."""
        resource, meta = self.resource, self.resource._meta
        steps = {
            "fields": fields,
            "before_import_row": _nothing,  # it has run for all rows, so that it may change what they refer to
            "do_instance_save": _nothing,
            "delete_instance": _nothing,
            "save_m2m": self._keep_many,
            "get_row_result_class": lambda: QuickResult,
        }
        if not overrides(resource, "validate_instance"):
            steps["validate_instance"] = self._validate
        before, skips_diff = (
            {name: resource.__dict__[name] for name in steps if name in resource.__dict__},
            meta.skip_diff,
        )
        resource.__dict__.update(steps)
        meta.skip_diff = skips_diff or not comparing
        try:
            yield
        finally:
            meta.skip_diff = skips_diff
            for name in steps:
                del resource.__dict__[name]
            resource.__dict__.update(before)

    def collect(self, values: Mapping[str, Any], existing: Any, **kwargs: Any) -> Collected:
        """Do a row up to its writing."""
        self.current = collected = Collected(existing)
        made = self.resource.init_instance
        result = self._import(collected, OrderedDict(values), made, kwargs)
        collected.kind = result.import_type
        collected.error = result.validation_error or (result.errors[0].error if result.errors else None)
        raise_passing(collected.error)
        return collected

    def _import(self, collected: Collected, values: Any, made: Any, kwargs: Any) -> RowResult:
        def keep(row: Any = None) -> Any:
            collected.instance = made(row)
            return collected.instance

        self.resource.init_instance = keep
        try:
            return self.resource.import_row(values, collected, **kwargs)
        finally:
            del self.resource.__dict__["init_instance"]

    def _keep_many(self, instance: Any, row: Any, **kwargs: Any) -> None:
        for field in self.resource.get_import_fields():
            if isinstance(field.widget, widgets.ManyToManyWidget) and field.column_name in row and not field.readonly:
                self.current.many[field.attribute] = [obj.pk for obj in field.clean(row)]

    def _validate(self, instance: Any, import_validation_errors: Any = None, validate_unique: bool = True) -> None:  # noqa: FBT001, FBT002
        """Do what ``full_clean()`` does without asking the database: that is asked once for all rows."""
        errors = dict(import_validation_errors or {})
        if self.resource._meta.clean_model_instances:
            known = {
                f.name for f in instance._meta.fields if f.remote_field and getattr(instance, f.attname) is not None
            }
            for step in (partial(instance.clean_fields, exclude={*errors, *known}), instance.clean):
                try:
                    step()
                except ValidationError as error:
                    errors = error.update_error_dict(errors)
        if errors:
            raise ValidationError(errors)


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Stand in for a step."""
