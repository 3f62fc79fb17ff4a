"""What of a resource or its model stands against writing in bulk, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connections
from django.db.models import Model
from django.db.models.signals import ModelSignal, m2m_changed, post_save, pre_save
from django.utils.translation import gettext as _
from import_export import widgets
from import_export.fields import Field
from import_export.instance_loaders import CachedInstanceLoader, ModelInstanceLoader

from console.imports.batches import overrides
from console.imports.checks import is_known
from console.imports.relations import can_read_many, is_exact
from console.imports.shapes import Shape
from console.imports.writers import KINDS

# The resource's steps that need each object saved before the next, or that save it in a way of their own.
ONE_BY_ONE = (
    "import_row",
    "import_data_inner",
    "get_instance",
    "get_or_init_instance",
    "save_instance",
    "do_instance_save",
    "after_save_instance",
    "after_import_row",
    "after_import_instance",
    "save_m2m",
    "delete_instance",
    "before_delete_instance",
    "after_delete_instance",
    "import_obj",
)
# Those that need an object of each row, though not a saved one.
WITH_OBJECTS = (
    "before_import_row",
    "init_instance",
    "after_init_instance",
    "import_field",
    "import_instance",
    "validate_instance",
    "skip_row",
    "for_delete",
    "before_save_instance",
)
CLEANING = ("clean", "clean_fields")
OURS = "console."


def obstacles(resource: Any) -> list[str]:
    """Return why rows cannot be written in bulk through `resource`, in words; nothing if they can."""
    meta = resource._meta
    shape = Shape(meta.model)
    if found := [*_of_database(resource), *_of_model_shape(shape)]:
        return found  # what follows looks closer at it
    found = [_overrides(resource, name) for name in overrides(resource, *ONE_BY_ONE)]
    if meta.instance_loader_class not in {ModelInstanceLoader, CachedInstanceLoader}:
        found.append(_("%(resource)s has an instance loader of its own") % {"resource": _name(resource)})
    if meta.store_instance or meta.store_row_values:
        found.append(_("%(resource)s keeps each object in its result") % {"resource": _name(resource)})
    if not meta.use_bulk:  # which is consent to writing without them
        found += _of_saving(shape)
    found += _of_fields(resource, shape)
    found += _of_keys(resource, shape)
    if meta.clean_model_instances:
        found += _of_validation(shape)
    return found


def needs_objects(resource: Any) -> bool:
    """Tell whether a resource that can be written in bulk has hooks that need an object of each row."""
    meta, shape = resource._meta, Shape(resource._meta.model)
    if overrides(resource, *WITH_OBJECTS) or shape.computes():
        return True
    fields = [field for field in resource.get_import_fields() if field.attribute and not field.readonly]
    if any(type(field).save is not Field.save or _sets_no_column(field, shape) for field in fields):
        return True
    if not meta.clean_model_instances:
        return False
    return any(getattr(shape.model, name) is not getattr(Model, name) for name in CLEANING) or not all(
        is_known(field) for field in shape.fields
    )


def _sets_no_column(field: Any, shape: Shape) -> bool:
    return not isinstance(field.widget, widgets.ManyToManyWidget) and field.attribute not in shape.by_name


def _of_database(resource: Any) -> Iterator[str]:
    if connections[resource.get_db_connection_name()].vendor not in KINDS:
        yield _("this database has no way to it")
    query = resource.get_queryset().query
    if query.distinct or query.is_sliced or query.combinator or query.group_by or query.annotations:
        yield _("the rows of its queryset cannot be locked")


def _of_model_shape(shape: Shape) -> Iterator[str]:
    noun = {"model": shape.options.label}
    for _what in shape.obstacles():
        yield _("the tables of %(model)s are linked in an unusual way") % noun


def _of_saving(shape: Shape) -> Iterator[str]:
    model = shape.model
    noun = {"model": shape.options.label}
    if model.delete is not Model.delete:
        yield _("%(model)s has a delete() of its own") % noun
    if model.save is not Model.save or _without_guard(model.save_base) is not Model.save_base:
        yield _("%(model)s has a save() of its own") % noun
    families = [model, *(shape.chain)]
    signals = {"pre_save": pre_save, "post_save": post_save}
    for name, signal in signals.items():
        if any(_listeners(signal, family) for family in families):
            yield _("%(signal)s of %(model)s has receivers") % {"signal": name, **noun}


def _without_guard(method: Any) -> Any:
    """Return what the console's guard has wrapped."""
    while hasattr(method, "__wrapped__") and method.__globals__["__name__"].startswith(OURS):
        method = method.__wrapped__
    return method


def _listeners(signal: ModelSignal, sender: type[Model]) -> list[Any]:
    """Return who listens to a signal of a model, but for the console itself: its guard has been asked already."""
    receivers, asynchronous = signal._live_receivers(sender)  # noqa: SLF001 - there is no public way to ask
    return [one for one in (*receivers, *asynchronous) if not _module(one).startswith(OURS)]


def _module(receiver: Any) -> str:
    return str(getattr(getattr(receiver, "func", receiver), "__module__", ""))


def _of_fields(resource: Any, shape: Shape) -> Iterator[str]:
    for field in resource.get_import_fields():
        if not field.attribute or field.readonly:
            continue
        if isinstance(field.widget, widgets.ManyToManyWidget):
            yield from _of_relation(field, shape)
            continue
        target = shape.by_name.get(field.attribute)
        if target is None:
            if "__" in field.attribute:
                yield _("“%(field)s” belongs to another object") % {"field": field.column_name}
        elif target is shape.key and target not in _key_targets(resource, shape):
            yield _("“%(field)s” may give an object another key") % {"field": field.column_name}
        elif target.remote_field and _is_family(shape, target.related_model):
            yield _("“%(field)s” may point at a row of the same file") % {"field": field.column_name}


def _of_relation(field: Any, shape: Shape) -> Iterator[str]:
    names = {"field": field.column_name}
    relation: Any = next((r for r in shape.options.many_to_many if r.name == field.attribute), None)
    if relation is None or not can_read_many(field):
        yield _("“%(field)s” is a many-to-many relation of an unusual kind") % names
    elif not relation.remote_field.through._meta.auto_created:
        yield _("“%(field)s” has a table of its own") % names
    elif _is_family(shape, relation.related_model):
        yield _("“%(field)s” may point at a row of the same file") % names
    elif _listeners(m2m_changed, relation.remote_field.through):
        yield _("%(signal)s of %(model)s has receivers") % {"signal": "m2m_changed", "model": field.column_name}


def _is_family(shape: Shape, related: Any) -> bool:
    root = Shape(related).root
    return root is shape.root


def _key_targets(resource: Any, shape: Shape) -> set[Any]:
    fields = (resource.fields.get(name) for name in resource.get_import_id_fields())
    return {shape.by_name.get(field.attribute) for field in fields if field is not None}


def _of_keys(resource: Any, shape: Shape) -> Iterator[str]:
    targets = _key_targets(resource, shape)
    if None in targets or not all(is_exact(target) for target in targets):
        yield _("its objects are found by what only the database can compare")
    elif not shape.counts_keys and shape.key not in targets and not shape.key.has_default():
        yield _("new objects have no key until they are saved")


def _of_validation(shape: Shape) -> Iterator[str]:
    for name in ("full_clean", "validate_unique", "validate_constraints"):
        if getattr(shape.model, name) is not getattr(Model, name):
            yield _("%(model)s has a %(method)s() of its own") % {"model": shape.options.label, "method": name}
    for field in shape.fields:
        if field.remote_field and field.get_limit_choices_to():
            yield _("%(field)s is limited to some objects") % {"field": field}


def _overrides(resource: Any, name: str) -> str:
    return _("%(resource)s overrides %(method)s") % {"resource": _name(resource), "method": name}


def _name(resource: Any) -> str:
    return type(resource).__name__
