"""Checks of the import operations and of their resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db.models import Model

from console.operations import Import


def check_import(operation: type[Import]) -> Iterator[CheckMessage]:
    """Yield what is wrong with an import: no resource, a resource of another model, a form that lacks what it needs."""
    resource = operation.resource_class
    if resource is None:
        yield Error(
            f"{operation.name} has no resource: it does not know what a row means.",
            hint="Set resource_class to a ModelResource of django-import-export.",
            obj=operation,
            id="console.E030",
        )
    elif operation.model is None:
        yield Error(
            f"{operation.name} is registered for no model.",
            hint="Register it for the model of its resource, such as @register(Note).",
            obj=operation,
            id="console.E031",
        )
    elif not _is_same(model := _model_of(resource), operation.model):
        yield Error(
            f"{operation.name} is registered for {operation.model._meta.label}, but its resource "
            f"{resource.__qualname__} is for {model._meta.label if model else 'no model'}.",
            hint="Register it for the resource's model: its permissions, pages and locks are that model's.",
            obj=operation,
            id="console.E032",
        )
    missing = {"file", "columns"} - set(operation.form.base_fields if operation.form else ())
    if missing:
        yield Error(
            f"The form of {operation.name} lacks {', '.join(sorted(missing))}: the pages of the import could not ask.",
            hint="Let the form inherit from console.operations.imports.ImportForm.",
            obj=operation,
            id="console.E033",
        )


def _model_of(resource: Any) -> type[Model] | None:
    return getattr(getattr(resource, "_meta", None), "model", None)


def _is_same(model: type[Model] | None, registered: type[Model]) -> bool:
    """Tell whether both are the same table: a proxy is its model."""
    return model is not None and model._meta.concrete_model is registered._meta.concrete_model
