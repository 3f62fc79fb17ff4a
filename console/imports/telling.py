"""Fields of a resource that say which value they could not read, and why, in words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from django.core.exceptions import FieldDoesNotExist, MultipleObjectsReturned, ObjectDoesNotExist
from django.db import models
from django.utils.translation import gettext as _
from import_export import widgets
from import_export.fields import Field

PLACE = "console_place"
NUMBERS = widgets.NumberWidget
TIMES = (widgets.DateWidget, widgets.DateTimeWidget, widgets.TimeWidget)


class Place(NamedTuple):
    """Where an error happened: the field of the resource, and the raw value."""

    field: Field
    value: Any


def make_telling(resource: Any) -> None:
    """Let the fields of `resource`, which are its own copies, tell where an error happened."""
    for field in resource.fields.values():
        field.clean = partial(_clean, field, field.clean)


def place_of(error: BaseException) -> Place | None:
    """Return where `error` happened, if a field met it."""
    found: Place | None = getattr(error, PLACE, None)
    return found


def _clean(field: Field, clean: Any, row: Mapping[str, Any], **kwargs: Any) -> Any:
    try:
        return clean(row, **kwargs)
    except ValueError as error:
        value = row.get(field.column_name)
        told = ValueError(words_for(field, value, error))  # becomes a message of the row's ValidationError
        setattr(told, PLACE, Place(field, value))
        raise told from error
    except Exception as error:
        setattr(error, PLACE, Place(field, row.get(field.column_name)))
        raise


def words_for(field: Field, value: Any, error: BaseException) -> str:
    """Return why `field` could not read `value`."""
    widget = field.widget
    if isinstance(error, ObjectDoesNotExist | MultipleObjectsReturned) and isinstance(widget, widgets.ForeignKeyWidget):
        return _relation_words(widget, value, missing=isinstance(error, ObjectDoesNotExist))
    if isinstance(widget, NUMBERS):
        return _("“%(value)s” is not a number.") % {"value": value}
    if isinstance(widget, TIMES):
        return _("“%(value)s” is not written as %(format)s.") % {"value": value, "format": _example(widget)}
    if isinstance(widget, widgets.JSONWidget):
        return _("“%(value)s” is not JSON.") % {"value": value}
    return str(error)


def _relation_words(widget: Any, value: Any, *, missing: bool) -> str:
    names = {"noun": widget.model._meta.verbose_name, "value": value, "field": widget.field}
    named = _names_it(widget)
    if missing:
        return (
            _("no %(noun)s is called “%(value)s”.") if named else _("there is no %(noun)s with %(field)s “%(value)s”.")
        ) % names
    return (
        _("more than one %(noun)s is called “%(value)s”.")
        if named
        else _("there is more than one %(noun)s with %(field)s “%(value)s”.")
    ) % names


def _names_it(widget: Any) -> bool:
    """Tell whether the related object is looked up by a text."""
    if widget.use_natural_foreign_keys:
        return True
    try:
        field = widget.model._meta.get_field(widget.field)
    except FieldDoesNotExist:  # pk, or a path over relations
        return False
    return isinstance(field, models.CharField | models.TextField)


def _example(widget: Any) -> str:
    """Return the first lawful way of writing, in letters that people know: %Y-%m-%d is YYYY-MM-DD."""
    text = str(widget.formats[0])
    for code, letters in (("%Y", "YYYY"), ("%m", "MM"), ("%d", "DD"), ("%H", "hh"), ("%M", "mm"), ("%S", "ss")):
        text = text.replace(code, letters)
    return text
