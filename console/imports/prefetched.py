"""Widgets of relations that know the objects of a whole chunk, so that reading a row asks no question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from copy import copy
from functools import partial
from typing import Any

from import_export import widgets
from import_export.fields import Field

from console.imports.among import Among
from console.imports.columns import BAD, is_plain, remembered
from console.imports.relations import FOREIGN, ManyColumn, can_read_many, field_of, is_exact, normal


def prefetched(field: Field, values: Iterable[Any]) -> Field:
    """Return a copy of a resource's field whose widget knows what `values` stand for, or the field itself.

    Args:
        field: A field of a resource.
        values: The raw values that are going to be read.
    """
    widget = field.widget
    if not is_plain(field):
        return field
    if isinstance(widget, widgets.ManyToManyWidget):
        known = _many(field, set(values)) if can_read_many(field) else {}
    else:
        known = _foreign(widget, {value for value in values if value}) if type(widget) in FOREIGN else {}
    if not known:
        return field
    knowing = copy(field)
    knowing.widget = copy(widget)
    knowing.widget.clean = partial(_clean, known, widget)
    knowing.__dict__.pop("clean", None)  # it would ask the widget of the original
    return knowing


def _clean(known: Mapping[Any, Any], widget: Any, value: Any, row: Any = None, **kwargs: Any) -> Any:
    return known[value] if value in known else widget.clean(value, row=row, **kwargs)


def _foreign(widget: Any, wanted: set[Any]) -> dict[Any, Any]:
    key = field_of(widget.model, widget.field)
    if widget.use_natural_foreign_keys or key is None or not is_exact(key):
        found = dict(zip(wanted, remembered(widget.clean, list(wanted)), strict=True))
        return {value: obj for value, obj in found.items() if obj is not BAD}
    objects = _by_name(widget.get_queryset(None, None), key, _normals(key, wanted).values())
    single = {value: objects[name][0] for value, name in _normals(key, wanted).items() if len(objects[name]) == 1}
    return {value: obj.pk if widget.key_is_id else obj for value, obj in single.items()}


def _many(field: Field, wanted: set[Any]) -> dict[Any, list[Any]]:
    column = ManyColumn(field, None)
    split = {value: names for value in wanted if (names := column.split(value)) is not BAD}
    objects = _by_name(
        field.widget.model.objects.all(), column.key, {name for names in split.values() for name in names}
    )
    return {value: [obj for name in dict.fromkeys(names) for obj in objects[name]] for value, names in split.items()}


def _normals(key: Any, wanted: Iterable[Any]) -> dict[Any, Any]:
    values = list(wanted)
    found = zip(values, remembered(partial(normal, key), values), strict=True)
    return {value: name for value, name in found if name is not BAD}


def _by_name(objects: Any, key: Any, names: Iterable[Any]) -> defaultdict[Any, list[Any]]:
    found: defaultdict[Any, list[Any]] = defaultdict(list)
    for obj in objects.filter(Among(key.attname, key, set(names))):
        found[getattr(obj, key.attname)].append(obj)
    return found
