"""Which operations there are, by name and by model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from django.db.models import Model
from django.utils.text import capfirst

from console.exceptions import InvalidOperation, UnknownOperation
from console.operations.base import BaseOperation

OperationClass = TypeVar("OperationClass", bound=type[BaseOperation])

_by_name: dict[str, type[BaseOperation]] = {}


def register(model: type[Model] | None = None) -> Callable[[OperationClass], OperationClass]:
    """Register an operation class for `model` (None: for no objects), as a decorator.

    Raises:
        InvalidOperation: It has no name, or its name is taken.
    """

    def decorate(operation: OperationClass) -> OperationClass:
        _check_name(operation)
        operation.model = model
        if model is None:
            operation.selection = None
        if operation.permission == "":
            operation.permission = _default_permission(operation, model)
        if not operation.label:
            operation.label = capfirst(operation.name.rpartition(".")[2].replace("_", " "))
        _by_name[operation.name] = operation
        return operation

    return decorate


def unregister(name: str) -> None:
    """Forget the operation called `name`; for tests."""
    _by_name.pop(name, None)


def get_operation(name: str) -> type[BaseOperation]:
    """Return the operation called `name`.

    Raises:
        UnknownOperation: There is none, or no longer.
    """
    try:
        return _by_name[name]
    except KeyError:
        raise UnknownOperation(name) from None


def known_operation(name: str) -> type[BaseOperation] | None:
    """Return the operation called `name`, or None if the code no longer has it."""
    return _by_name.get(name)


def is_registered(name: str) -> bool:
    """Tell whether the code still has an operation called `name`."""
    return name in _by_name


def operations() -> Iterator[type[BaseOperation]]:
    """Yield every operation in the order of declaration."""
    yield from list(_by_name.values())


def operations_of(model: type[Model]) -> list[type[BaseOperation]]:
    """Return the operations on objects of `model`, in the order of declaration; a proxy has those of its model too."""
    concrete = model._meta.concrete_model
    return [op for op in _by_name.values() if op.model is not None and op.model._meta.concrete_model is concrete]


def registered_models() -> list[type[Model]]:
    """Return the models that have operations, each once."""
    return list(dict.fromkeys(op.model for op in _by_name.values() if op.model is not None))


def _check_name(operation: type[BaseOperation]) -> None:
    if not operation.name:
        raise InvalidOperation(
            f"{operation.__qualname__} has no name. Give it one that never changes, such as name = 'notes.copy': "
            "it is stored with every run."
        )
    other = _by_name.get(operation.name)
    if other is not None and (other.__module__, other.__qualname__) != (operation.__module__, operation.__qualname__):
        raise InvalidOperation(
            f"{operation.__qualname__} and {other.__qualname__} are both called {operation.name!r}. Rename one."
        )


def _default_permission(operation: type[BaseOperation], model: type[Model] | None) -> str | None:
    return f"{model._meta.app_label}.{operation.needs}_{model._meta.model_name}" if model is not None else None
