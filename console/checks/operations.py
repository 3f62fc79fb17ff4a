"""Checks of the registered operations, and of the admin pages that start them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from celery import current_app
from django.contrib.admin.sites import all_sites
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own name
from django.db import router
from django.db.models import Model

from console.checks.imports import check_import
from console.exceptions import InvalidOperation
from console.models import Run
from console.operations import (
    BaseOperation,
    Copy,
    Export,
    ExternalOperation,
    Hold,
    Import,
    OnError,
    Operation,
    RetryPolicy,
    Update,
    operations,
)

RESERVED = {"action", "index", "select_across", "post"}
LONGEST_NAME = 100


@register("console")
def check_operations(**_: Any) -> list[CheckMessage]:
    """Check every registered operation, and every declared trash."""
    found = [message for operation in operations() for message in check_operation(operation)]
    return [*found, *check_trash()]


def check_operation(operation: type[BaseOperation]) -> Iterator[CheckMessage]:
    """Yield what is wrong with one operation."""
    yield from _check_name(operation)
    yield from _check_form(operation)
    yield from _check_permission(operation)
    yield from _check_work(operation)
    yield from _check_choices(operation)
    yield from _check_numbers(operation)
    yield from check_queue(operation, current_app.conf.task_queues or ())
    if operation.model is not None:
        yield from _check_model(operation, operation.model)


def _check_name(operation: type[BaseOperation]) -> Iterator[CheckMessage]:
    app, _, rest = operation.name.partition(".")
    if not (app.isidentifier() and rest) or len(operation.name) > LONGEST_NAME:
        yield Error(
            f"{operation.__qualname__} is called {operation.name!r}, which is not of the form 'app.verb'.",
            hint="Name it after its app, such as 'notes.copy', in at most 100 characters: it is stored with every run, "
            "and is unique on the whole site.",
            obj=operation,
            id="console.E011",
        )


def _check_form(operation: type[BaseOperation]) -> Iterator[CheckMessage]:
    names = set(operation.form.base_fields) if operation.form is not None else set()
    for name in sorted(name for name in names if name in RESERVED or name.startswith("_")):
        yield Error(
            f"The form of {operation.name} has a field {name!r}, a name that the confirmation page keeps for itself.",
            hint="Rename the field. Reserved are action, index, select_across, post and all that begin with _.",
            obj=operation,
            id="console.E010",
        )
    for attribute, named in _named_parameters(operation):
        for name in sorted(named - names):
            yield Error(
                f"{operation.name}.{attribute} names the parameter {name!r}, but the form has no such field.",
                hint=f"Add a field {name!r} to the form, or correct {attribute}.",
                obj=operation,
                id="console.E018",
            )


def _named_parameters(operation: type[BaseOperation]) -> Iterator[tuple[str, set[str]]]:
    yield "secret_params", set(operation.secret_params)
    if issubclass(operation, Update):
        yield "fields", set(operation.fields)
        yield "add", set(operation.add.values())
        yield "remove", set(operation.remove.values())


def _check_permission(operation: type[BaseOperation]) -> Iterator[CheckMessage]:
    if operation.permission is None:
        yield Warning(
            f"{operation.name} has no permission: everybody who can log in to the admin may start it.",
            hint="Remove permission = None (the default is change_<model>), or name a permission such as "
            "'notes.add_note'; where it is meant, add 'console.W020' to SILENCED_SYSTEM_CHECKS.",
            obj=operation,
            id="console.W020",
        )
    elif "." not in operation.permission:
        yield Error(
            f"{operation.name} asks for the permission {operation.permission!r}, which nobody but a superuser can have.",
            hint="Write it with its app, such as 'notes.add_note'.",
            obj=operation,
            id="console.E019",
        )


def _check_work(operation: type[BaseOperation]) -> Iterator[CheckMessage]:
    if issubclass(operation, Import):
        yield from check_import(operation)
    elif issubclass(operation, Export):
        if operation.resource_class is None:
            yield _unwritten(operation, "resource_class")
    elif issubclass(operation, ExternalOperation):
        if operation.call is ExternalOperation.call:
            yield _unwritten(operation, "call(obj, key)")
    elif issubclass(operation, Update):
        if _writes_nothing(operation):
            yield _unwritten(operation, "values, fields, add or remove")
    elif issubclass(operation, Operation) and _does_nothing(operation):
        yield _unwritten(operation, "process(objects)")


def _does_nothing(operation: type[Operation]) -> bool:
    return operation.process is Operation.process and operation.process_spans is Operation.process_spans


def _writes_nothing(operation: type[Update]) -> bool:
    declared = operation.values or operation.fields or operation.add or operation.remove
    return not declared and operation.process is Update.process and operation.wanted is Update.wanted


def _unwritten(operation: type[BaseOperation], method: str) -> CheckMessage:
    return Error(
        f"{operation.name} does not say what it does: every item would fail.",
        hint=f"Write {operation.__qualname__}.{method}.",
        obj=operation,
        id="console.E013",
    )


def _check_choices(operation: type[BaseOperation]) -> Iterator[CheckMessage]:
    for attribute, allowed in (("hold", Hold), ("on_error", OnError)):
        if getattr(operation, attribute) not in allowed.values:
            yield Error(
                f"{operation.name} has {attribute} = {getattr(operation, attribute)!r}.",
                hint="Use one of " + ", ".join(f"{allowed.__name__}.{name}" for name in allowed.names) + ".",
                obj=operation,
                id="console.E016",
            )
    if operation.free_fields and operation.hold == Hold.NONE:
        yield Warning(
            f"{operation.name} declares free fields, but holds nothing: every field is free.",
            hint="Set hold = Hold.SHARED, or remove free_fields.",
            obj=operation,
            id="console.W021",
        )
    if operation.max_failures is not None and operation.on_error == OnError.STOP:
        yield Warning(
            f"{operation.name} stops at its first failure, so max_failures means nothing.",
            hint="Set on_error = OnError.REPORT, or remove max_failures.",
            obj=operation,
            id="console.W022",
        )


def _check_numbers(operation: type[BaseOperation]) -> Iterator[CheckMessage]:
    if not isinstance(operation.retry, RetryPolicy):
        yield _bad_value(operation, "retry", "a RetryPolicy, such as RetryPolicy(tries=5, base=2, cap=600)")
    for attribute, least, meaning in (
        ("max_failures", 0, "None or a whole number of failures, at least 0"),
        ("max_active", 1, "None or a whole number of runs, at least 1"),
        ("partitions", 1, "a whole number, at least 1"),
    ):
        value = getattr(operation, attribute)
        if value is not None and not (isinstance(value, int) and value >= least):
            yield _bad_value(operation, attribute, meaning)
    for attribute, meaning in (("timeout", "seconds above 0"), ("pace", "items a second, above 0")):
        value = getattr(operation, attribute)
        if value is not None and not (isinstance(value, int | float) and value > 0):
            yield _bad_value(operation, attribute, f"None or {meaning}")
    if operation.priority not in range(10):
        yield _bad_value(operation, "priority", "0 (first) to 9")


def _bad_value(operation: type[BaseOperation], attribute: str, meaning: str) -> CheckMessage:
    return Error(
        f"{operation.name} has {attribute} = {getattr(operation, attribute)!r}, which cannot work.",
        hint=f"{attribute} is {meaning}.",
        obj=operation,
        id="console.E015",
    )


def check_queue(operation: type[BaseOperation], queues: Iterable[Any]) -> Iterator[CheckMessage]:
    """Yield what is wrong with the queue of an operation, where the project declares its queues."""
    declared = [queue.name for queue in queues]
    if not operation.queue:
        yield _bad_value(operation, "queue", "the name of a Celery queue, such as 'bulk'")
    elif declared and operation.queue not in declared:
        yield Warning(
            f"{operation.name} uses the queue {operation.queue!r}, which CELERY_TASK_QUEUES does not declare.",
            hint=f"Declare it, or use one of {', '.join(declared)}; and start a worker with -Q {operation.queue}.",
            obj=operation,
            id="console.W023",
        )


def _check_model(operation: type[BaseOperation], model: type[Model]) -> Iterator[CheckMessage]:
    theirs, ours = router.db_for_write(model), router.db_for_write(Run)
    if theirs != ours:
        yield Error(
            f"{operation.name} works on {model._meta.label}, which is in the database {theirs!r}; the console's tables "
            f"are in {ours!r}. Effects and checkpoint must commit together.",
            hint="Route the console's app to the same database, or register operations for models of that database only.",
            obj=operation,
            id="console.E012",
        )
    for attribute, named, known in _named_fields(operation, model):
        for name in sorted(named - known):
            yield _unknown_field(model, f"{operation.name}.{attribute}", name, known, operation)
    if issubclass(operation, Copy):
        yield from _check_plan(operation)


def _named_fields(operation: type[BaseOperation], model: type[Model]) -> Iterator[tuple[str, set[str], set[str]]]:
    yield "free_fields", set(operation.free_fields), _columns(model)
    if not issubclass(operation, Copy):  # a copy's plan looks at its relations itself
        yield "related", set(operation.related), _relations(model)
    if issubclass(operation, Update):
        many = {field.name for field in model._meta.many_to_many}
        columns = _columns(model) | {field.attname for field in model._meta.concrete_fields}
        yield "values", set(operation.values) if isinstance(operation.values, Mapping) else set(), columns
        yield "fields", set(operation.fields), columns
        yield "add", set(operation.add), many
        yield "remove", set(operation.remove), many


def _check_plan(operation: type[Copy]) -> Iterator[CheckMessage]:
    try:
        operation.plan()
    except InvalidOperation as error:
        yield Error(
            f"{operation.name} cannot copy: {error}",
            hint="The message names the cure; docs/operations.md tells what can be copied and how.",
            obj=operation,
            id="console.E017",
        )


def check_trash() -> Iterator[CheckMessage]:
    """Yield each trash mark, declared in an admin class, that its model lacks."""
    for site in all_sites:
        for model, model_admin in site._registry.items():  # noqa: SLF001 - Django has no public way
            name = getattr(model_admin, "trash", None)
            if isinstance(name, str) and name and name not in _columns(model):
                yield _unknown_field(
                    model, f"{type(model_admin).__qualname__}.trash", name, _columns(model), model_admin
                )


def _unknown_field(model: type[Model], where: str, name: str, known: set[str], obj: object) -> CheckMessage:
    return Error(
        f"{where} names {name!r}, which {model._meta.label} does not have.",
        hint=f"Use one of {', '.join(sorted(known))}.",
        obj=obj,
        id="console.E014",
    )


def _columns(model: type[Model]) -> set[str]:
    return {field.name for field in model._meta.concrete_fields}


def _relations(model: type[Model]) -> set[str]:
    """Return the names under which an object finds its many-to-many rows and its children."""
    forward = {field.name for field in model._meta.many_to_many}
    private = {field.name for field in model._meta.private_fields}
    reverse = {str(relation.get_accessor_name()) for relation in model._meta.related_objects if not relation.hidden}
    return forward | private | reverse
