"""What a run is about in a few words: “12 notes, 10 copies each”."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import to_current_timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.exceptions import InvalidParameters
from console.models import Run
from console.operations.base import BaseOperation
from console.operations.registry import known_operation
from console.reports.imports import is_import
from console.reports.imports import subject as imported
from console.reports.words import counted, number

WRITTEN_DIFFERENTLY = (forms.IntegerField, forms.DateField, forms.DateTimeField, forms.TimeField)
SECRET = "●●●●"  # noqa: S105 - what is shown instead of a secret


def headline(run: Run, *, whole: bool = True) -> str:
    """Return the run's title: “Copy notes: 12 notes, 10 copies each”; less where the reader may not see all of it."""
    about = subject(run, in_list=not whole)
    return f"{run.label}: {about}" if about else run.label


def subject(run: Run, *, in_list: bool = False) -> str:
    """Return what the run works on and with which parameters; may be empty.

    Args:
        run: The run.
        in_list: Whether many are drawn: parameters that only queries can tell are then left out.
    """
    if is_import(run):
        return imported(run)
    operation = _operation(run, in_list=in_list)
    objects = _objects_of_total(run, operation)
    if objects is None and not in_list and not run.preparing:  # nobody knows yet
        objects = _objects(run)
    parts = [counted(run, objects)] if objects is not None else []
    if objects is None and run.total is not None:
        parts = [ngettext("%(count)s item", "%(count)s items", run.total) % {"count": number(run.total)}]
    if operation is not None and (words := operation.summary()):
        parts.append(words)
    return ", ".join(parts)


def summary(run: Run) -> str:
    """Return the operation's few words on the run's parameters, such as “10 copies each”; without a query, may be empty."""
    operation = _operation(run, in_list=True)
    return operation.summary() if operation is not None else ""


def parameters(run: Run, *, whole: bool = True) -> list[tuple[str, str]]:
    """Return the run's parameters as (label, value), secrets masked; by their bare names if the form is gone.

    Args:
        run: The run.
        whole: Whether the reader may see all of it; if not, chosen objects are told by their keys.
    """
    declared = known_operation(run.operation)
    fields: dict[str, forms.Field] = declared.form.base_fields if declared and declared.form else {}
    secret = declared.secret_params if declared else ()
    return [
        (
            _label(name, fields),
            SECRET if name in secret or _hidden(fields.get(name)) else _value(value, fields.get(name), whole=whole),
        )
        for name, value in run.params.items()
        if not is_import(run) or (name != "file" and value not in ("", None, []))
    ]


def _operation(run: Run, *, in_list: bool) -> BaseOperation | None:
    declared = known_operation(run.operation)
    if declared is None or (
        in_list
        and declared.form
        and any(isinstance(f, forms.ModelChoiceField) for f in declared.form.base_fields.values())
    ):
        return None
    try:
        return declared(run.params)
    except InvalidParameters:
        return None  # the form has changed since, or what it names is gone; the record stays readable


def _objects(run: Run) -> int | None:
    return run.targets.count() if run.content_type is not None else None


def _objects_of_total(run: Run, operation: BaseOperation | None) -> int | None:
    """Return the objects as the total tells them, for they may be a million.

    None where it does not tell: the run takes up parts of objects, or how many items each makes takes a query.
    """
    declared = known_operation(run.operation)
    if run.total is None or run.content_type is None or declared is None:
        return None
    if declared.parts is BaseOperation.parts:
        return run.total
    if operation is None:
        return None
    parts = operation.parts()
    return None if run.retry_of_id and parts > 1 else run.total // max(parts, 1)


def _label(name: str, fields: dict[str, forms.Field]) -> str:
    field = fields.get(name)
    return str(field.label) if field and field.label else name.replace("_", " ").capitalize()


def _hidden(field: forms.Field | None) -> bool:
    return field is not None and isinstance(field.widget, forms.PasswordInput)


def _value(value: Any, field: forms.Field | None, *, whole: bool) -> str:
    if isinstance(field, forms.ModelChoiceField) and whole:
        return ", ".join(_names(field, value if isinstance(value, list) else [value]))
    if isinstance(field, forms.ChoiceField) and not isinstance(value, list):
        for key, label in _flat(field.choices):
            if str(key) == str(value):
                return str(label)
    if isinstance(field, WRITTEN_DIFFERENTLY):
        return _localized(value, field)
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "" if value is None else str(value)


def _localized(value: Any, field: forms.Field) -> str:
    """Return a number or a moment as the reader's language writes it; as it is where the form once took other values."""
    try:
        cleaned = field.to_python(value)
    except ValidationError:
        return str(value)
    if isinstance(cleaned, int):
        return number(cleaned)
    return "" if cleaned is None else str(localize(_here(cleaned)))


def _here(value: Any) -> Any:
    return to_current_timezone(value) if isinstance(value, datetime) else value


def _names(field: forms.ModelChoiceField[Any], keys: list[Any]) -> list[str]:
    """Return the names of chosen objects; the key alone where the object is gone."""
    name = field.to_field_name or "pk"
    try:
        chosen = field.queryset.filter(**{f"{name}__in": keys}) if field.queryset is not None else ()
        found = {str(getattr(obj, name)): str(obj) for obj in chosen}
    except (ValueError, TypeError, ValidationError):  # the form once took other keys
        found = {}
    return [found.get(str(key), str(key)) for key in keys if key not in (None, "")]


def _flat(choices: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    for key, label in choices:
        found.extend(label if isinstance(label, list | tuple) else [(key, label)])
    return found
