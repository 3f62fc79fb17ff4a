"""Why a row failed, field by field, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ObjectDoesNotExist, ValidationError
from django.db import IntegrityError
from django.utils.translation import gettext as _

from console.exceptions import ConsoleError, ItemOutcome, ObjectHeld
from console.imports.outcomes import Holder, Reason
from console.imports.telling import place_of, words_for
from console.integrity import integrity_reason

LONGEST = 200


def reasons_of(error: BaseException, resource: Any, values: Mapping[str, Any]) -> tuple[Reason, ...]:
    """Return why a row failed.

    Args:
        error: What was raised.
        resource: The resource.
        values: The row's raw values by column.
    """
    if isinstance(error, ValidationError):
        return tuple(_of_validation(error, resource, values))
    place = place_of(error)
    if place is not None:
        words = words_for(place.field, place.value, error)
        return (Reason(str(place.field.column_name), shown(place.value), words or type(error).__name__),)
    return (Reason("", "", _words(error, resource._meta.model)),)


def is_expected(error: BaseException) -> bool:
    """Tell whether an error says what is wrong with a row, and not with the program."""
    expected = isinstance(error, ValidationError | IntegrityError | ConsoleError | ItemOutcome)
    return expected or place_of(error) is not None


def label_of(obj: Any) -> str:
    """Return what an object is called, which must not be another row's failure."""
    try:
        return str(obj)[:LONGEST]
    except Exception:  # noqa: BLE001 - a broken __str__ must not take the report with it
        return f"{type(obj).__name__} {obj.pk}"


def held_words(obj: Any, holder: Holder) -> str:
    """Return why a row about an object that another run holds cannot be imported."""
    return _("the %(noun)s “%(object)s” is locked by %(label)s (run %(run)d). Retry when it has ended.") % {
        "noun": obj._meta.verbose_name,
        "object": obj,
        "label": holder.label,
        "run": holder.run_id,
    }


def shown(value: Any) -> str:
    """Return a value as a report keeps it."""
    return "" if value is None else str(value)[:LONGEST]


def column_of(resource: Any, name: str) -> str:
    """Return the column of the file that a field of the model is read from, or the field's own name."""
    for field in resource.fields.values():
        if field.attribute in {name, f"{name}_id"}:
            return str(field.column_name)
    return name


def _of_validation(error: ValidationError, resource: Any, values: Mapping[str, Any]) -> list[Reason]:
    if not hasattr(error, "error_dict"):
        return [Reason("", "", " ".join(error.messages))]
    reasons = []
    for name, messages in error.message_dict.items():
        column = "" if name == NON_FIELD_ERRORS else column_of(resource, name)
        reasons.append(Reason(column, shown(values.get(column)), " ".join(messages)))
    return reasons


def _words(error: BaseException, model: Any) -> str:
    if isinstance(error, ObjectHeld) and hasattr(error.obj, "_meta"):
        return held_words(error.obj, Holder(error.run_id, error.label))
    if isinstance(error, IntegrityError):
        return integrity_reason(error, model)
    if isinstance(error, ConsoleError | ItemOutcome):
        return str(error)
    if isinstance(error, ObjectDoesNotExist):
        return str(error)
    return _("The operation stopped at this %(noun)s with an unexpected error (“%(type)s: %(error)s”).") % {
        "noun": _("row"),
        "type": type(error).__name__,
        "error": error,
    }
