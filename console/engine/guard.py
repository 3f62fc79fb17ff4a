"""The guard: saving or deleting an object that a pending run holds raises, whoever asks (promise 3).

It sees ``Model.save()``, ``.delete()``, cascades, SET_NULL on a held object, many-to-many edits and the children that an
operation declares as `related`. It cannot see raw SQL, ``QuerySet.update``, the bulk methods, and rows of a many-to-many
table that Django made which a query deletes: Django sends no signal of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from functools import partial, wraps
from itertools import islice
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.fields import GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.db.models import Model, QuerySet
from django.db.models.signals import m2m_changed, pre_delete

from console.engine.holds import check_all_free, check_free, identity, is_known_free
from console.operations.base import BaseOperation
from console.operations.registry import operations

BATCH = 1000

_guarded: set[type[Model]] = set()
_children: set[tuple[Any, str]] = set()


def install() -> None:
    """Guard every model that has operations, and what belongs to it. May be called again."""
    for operation in operations():
        if operation.model is None:
            continue
        _guard_model(identity(operation.model))
        _guard_incoming(operation.model)
        for name in operation.related:
            _guard_related(operation, name)


def _guard_model(model: type[Model]) -> None:
    if model in _guarded:
        return
    _guarded.add(model)
    _wrap_save(model, _check_saved)
    for family in _family(model):
        pre_delete.connect(_check_deleted, sender=family, dispatch_uid=f"console.guard.{family._meta.label}")


def _family(model: type[Model]) -> Iterator[type[Model]]:
    """Yield the model and its proxies: Django names the proxy, not the model, as the sender of its signals."""
    yield model
    yield from (other for other in apps.get_models() if other._meta.proxy and other._meta.concrete_model is model)


def _wrap_save(model: type[Model], check: Callable[..., None]) -> None:
    """Wrap ``save_base``, which every save passes, in a transaction of its own only in autocommit (PROTOCOL C7)."""
    original = model.save_base

    @wraps(original)
    def save_base(self: Any, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic() if transaction.get_autocommit() else nullcontext():
            check(self, kwargs.get("update_fields"))
            original(self, *args, **kwargs)

    model.save_base = save_base  # type: ignore[method-assign]


def _wrap_delete(model: type[Model], check: Callable[..., None]) -> None:
    """Wrap ``delete()`` of a table that Django made for a many-to-many field: it sends no signals of such rows."""
    original = model.delete

    @wraps(original)
    def delete(self: Any, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic() if transaction.get_autocommit() else nullcontext():
            check(self)
            return original(self, *args, **kwargs)

    model.delete = delete  # type: ignore[method-assign]


def _check_saved(obj: Model, update_fields: Any) -> None:
    if obj.pk is not None:
        check_free(obj, changed=sorted(update_fields) if update_fields is not None else None)


def _check_deleted(instance: Model, **_: Any) -> None:
    check_free(instance, saving=False)


def _guard_incoming(model: type[Model]) -> None:
    """Guard rows of `model` against the deletion of what they point to by SET_NULL, SET_DEFAULT or SET."""
    for field in model._meta.concrete_fields:
        on_delete = getattr(field.remote_field, "on_delete", None)
        if on_delete not in {None, models.CASCADE, models.PROTECT, models.RESTRICT, models.DO_NOTHING}:
            _check_referers(model, field.name, field.related_model)


def _check_referers(model: type[Model], field: str, target: Any) -> None:
    def check(instance: Model, **_: Any) -> None:
        for batch in batched(_referers(model, field, instance).iterator(chunk_size=BATCH), BATCH):
            check_all_free(batch, changed=[field])

    for family in _family(target):
        uid = f"console.guard.{model._meta.label}.{field}.{family._meta.label}"
        pre_delete.connect(check, sender=family, weak=False, dispatch_uid=uid)


def _referers(model: type[Model], field: str, instance: Model) -> QuerySet[Any]:
    return model._base_manager.filter(**{field: instance}).order_by("pk")


def batched(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield the rows in lists of at most `size`."""
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


def _guard_related(operation: type[BaseOperation], name: str) -> None:
    """Guard what belongs to the object: its many-to-many rows, or its children's saves and deletions."""
    assert operation.model is not None
    relation = operation.model._meta.get_field(name) if name in _field_names(operation.model) else None
    if relation is None:
        relation = next((r for r in operation.model._meta.related_objects if r.get_accessor_name() == name), None)
    if relation is None:
        return  # a system check names it, with its cure
    if isinstance(relation, GenericRelation):
        _guard_generic_child(operation.model, relation)
    elif isinstance(relation, models.ManyToManyField):
        _guard_many_to_many(operation.model, relation)
    elif relation.one_to_many or relation.one_to_one:
        _guard_child(relation.related_model, relation.field.name, name)  # type: ignore[union-attr]


def _field_names(model: type[Model]) -> set[str]:
    return {field.name for field in model._meta.get_fields() if not field.auto_created}


def _guard_child(child: Any, parent_field: str, name: str) -> None:
    """Guard a child through its parent, both the one it has in the database and the one it is about to have.

    Args:
        child: The child's model.
        parent_field: The foreign key to the parent.
        name: What the parent calls the relation.
    """
    field = child._meta.get_field(parent_field)
    attname, parent, key = field.attname, field.related_model, field.target_field.name

    def owners(obj: Model, *, deleting: bool = False) -> Any:
        if deleting and field.target_field.primary_key and is_known_free(parent, getattr(obj, attname)):
            return parent._base_manager.none()
        stored = type(obj)._base_manager.filter(pk=obj.pk).values_list(attname, flat=True) if obj.pk else ()
        found: QuerySet[Any] = parent._base_manager.filter(**{f"{key}__in": {getattr(obj, attname), *stored} - {None}})
        return found

    _guard_through(child, name, owners)


def _guard_generic_child(model: type[Model], relation: GenericRelation) -> None:
    """Guard a child that points to its parent by content type and key."""
    key, kind = relation.object_id_field_name, relation.content_type_field_name

    def owners(obj: Model, *, deleting: bool = False) -> QuerySet[Any]:
        if getattr(obj, kind) != ContentType.objects.get_for_model(model):
            return model._base_manager.none()
        return model._base_manager.filter(pk=getattr(obj, key))

    _guard_through(relation.related_model, relation.name, owners)


def _guard_through(child: Any, name: str, owners: Callable[..., QuerySet[Any]]) -> None:
    """Check the `owners` of a child before it is saved or deleted."""
    marker = (child, name)
    if marker in _children:
        return
    _children.add(marker)

    def check(obj: Model, _update_fields: Any = None) -> None:
        check_all_free(list(owners(obj)), changed=[name])

    def check_deleted(instance: Model, **_: Any) -> None:
        check_all_free(list(owners(instance, deleting=True)), saving=False)

    _wrap_save(child, check)
    if child._meta.auto_created:
        _wrap_delete(child, check_deleted)
    for family in _family(child):
        uid = f"console.guard.{child._meta.label}.{name}.{family._meta.label}"
        pre_delete.connect(check_deleted, sender=family, weak=False, dispatch_uid=uid)


def _guard_many_to_many(model: type[Model], field: Any) -> None:
    through = field.remote_field.through
    uid = f"console.guard.{model._meta.label}.{field.name}"
    m2m_changed.connect(partial(_check_many_to_many, model, field.name), sender=through, weak=False, dispatch_uid=uid)
    _check_referers(model, field.name, field.related_model)
    _guard_child(through, field.m2m_field_name(), field.name)


def _check_many_to_many(
    held: type[Model], name: str, /, *, action: str, instance: Model, reverse: bool, pk_set: set[Any] | None, **_: Any
) -> None:
    """Check before rows are added, removed or cleared, from either end of the relation."""
    if not action.startswith("pre_"):
        return
    if not reverse:
        owners = [instance]
    elif pk_set is None:
        owners = list(_referers(held, name, instance))
    else:
        owners = list(held._base_manager.filter(pk__in=pk_set).order_by("pk"))
    for owner in owners:
        check_free(owner, changed=[name])
