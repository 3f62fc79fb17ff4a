"""Which held objects a deletion would take with it, or would change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import NestedObjects
from django.db import router
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from console.admin.base import has_operations
from console.admin.links import object_url
from console.admin.sight import sight
from console.admin.words import run_words, strongest
from console.engine.holds import holders
from console.models import Target


def held_among(request: HttpRequest, objects: Any, site: AdminSite, *, without: Model | None = None) -> list[str]:
    """Return a line for each held object that deleting `objects` would delete, or whose column it would set.

    Args:
        request: Whose rights decide which names are told.
        objects: What is to be deleted.
        site: The admin site whose pages the lines link to.
        without: One of `objects` whose own holds are not told.
    """
    first = next(iter(objects), None)
    if first is None:
        return []
    collector: Any = NestedObjects(using=router.db_for_write(type(first)), origin=objects)
    collector.collect(objects)
    return [
        _line(site, obj, targets, is_seen=sight(request, site).shows(obj))
        for model, batch in _batches(collector).items()
        if has_operations(model)
        for obj, targets in _held(model, batch)
        if obj != without
    ]


def _batches(collector: Any) -> dict[type[Model], dict[Any, Model]]:
    """Return by model what is deleted, and what is set to null or to its default."""
    found: dict[type[Model], dict[Any, Model]] = {}
    for model, objects in collector.model_objs.items():
        found.setdefault(model, {}).update({obj.pk: obj for obj in objects})
    for (field, _value), updates in collector.field_updates.items():
        for objects in updates:
            found.setdefault(field.model, {}).update({obj.pk: obj for obj in objects})
    return found


def _held(model: type[Model], batch: dict[Any, Model]) -> Iterator[tuple[Model, Sequence[Target]]]:
    found = holders(model, batch)
    for pk, obj in batch.items():
        if str(pk) in found:
            yield obj, found[str(pk)]


def _line(site: AdminSite, obj: Model, targets: Sequence[Target], *, is_seen: bool) -> str:
    name, address = capfirst(obj._meta.verbose_name), object_url(site, obj) if is_seen else ""
    told = obj if is_seen else obj.pk
    linked = format_html('<a href="{}">{}</a>', address, told) if address else format_html("{}", told)
    why = _("locked by %(run)s") % {"run": run_words(strongest(targets).run)}
    return format_html("{}: {} ({})", name, linked, why)
