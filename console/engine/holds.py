"""Holds: who holds an object, the check before a write, and their release."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import OperationalError, connection
from django.db.models import Model, QuerySet

from console.conf import settings
from console.engine.transactions import LOCK_TIMEOUT, short_transaction, sqlstate
from console.exceptions import ObjectBusy, ObjectHeld, WrongIsolation
from console.models import Run, Target
from console.operations import known_operation
from console.states import ACTIVE, ENDED

RELEASE_STEP = 2000

# The run whose chunk this thread carries out: its own holds do not stop it.
current_run: ContextVar[int | None] = ContextVar("console_current_run", default=None)
# Objects that a caller has locked and checked all at once (PROTOCOL M13).
_checked: ContextVar[frozenset[tuple[type[Model], str]]] = ContextVar("console_checked", default=frozenset())


def identity(model: type[Model]) -> type[Model]:
    """Return the model whose row stands for the object: the root of multi-table inheritance, never a proxy."""
    concrete = model._meta.concrete_model
    assert concrete is not None
    parents = [parent for parent in concrete._meta.parents if not parent._meta.proxy]
    return identity(parents[0]) if parents else concrete


def identity_type(model: type[Model]) -> ContentType:
    """Return the content type under which holds on objects of `model` are kept."""
    return ContentType.objects.get_for_model(identity(model))


def object_key(model: type[Model], pk: Any) -> str:
    """Return a primary key as the database casts it to text, which is how a Target keeps it."""
    field = identity(model)._meta.pk
    return str(field.get_db_prep_value(field.to_python(pk), connection))


def held(model: type[Model]) -> QuerySet[Target]:
    """Return the targets that hold objects of `model` now, but for those of the run this thread works for."""
    targets = Target.objects.filter(
        content_type=identity_type(model), hold__isnull=False, run__state__in=ACTIVE
    ).select_related("run", "run__asked_by")
    own = current_run.get()
    return targets if own is None else targets.exclude(run_id=own)


def holders(model: type[Model], pks: Iterable[Any]) -> dict[str, list[Target]]:
    """Return who holds each of the objects, the oldest hold first, in one query.

    Args:
        model: The objects' model.
        pks: Their primary keys.

    Returns:
        Targets by ``str(pk)``; an object that is free is absent.
    """
    keys = {object_key(model, pk): str(pk) for pk in pks}
    found: dict[str, list[Target]] = {}
    for target in held(model).filter(object_id__in=keys).order_by("id"):
        found.setdefault(keys[target.object_id], []).append(target)
    return found


def check_free(obj: Model, *, saving: bool = True, changed: Sequence[str] | None = None) -> None:
    """Lock the object's row, then look for holds in a new statement (PROTOCOL C7). Call it in the write's transaction.

    Args:
        obj: The object about to be written.
        saving: False if it is about to be deleted.
        changed: The fields about to be written, or None for all whose value differs from the locked row.

    Raises:
        ObjectHeld: A pending run holds it.
        ObjectBusy: Somebody else keeps the row locked.
        WrongIsolation: Holds cannot be seen reliably in this transaction.
    """
    check_all_free([obj], saving=saving, changed=changed)


def check_all_free(objects: Sequence[Model], *, saving: bool = True, changed: Sequence[str] | None = None) -> None:
    """Check many objects as `check_free` does one: locked in key order, then one look for holds.

    Raises:
        ObjectHeld: A pending run holds one of them.
        ObjectBusy: Somebody else keeps a row locked.
        WrongIsolation: Holds cannot be seen reliably in this transaction.
    """
    checked = _checked.get()
    for model, batch in _by_identity(objects).items():
        unchecked = [obj for obj in batch if (model, str(obj.pk)) not in checked]
        if not unchecked:
            continue
        _lock_rows(model, sorted(obj.pk for obj in unchecked), unchecked[0])
        found = holders(model, [obj.pk for obj in unchecked])
        for obj in unchecked:
            for target in found.get(str(obj.pk), []):
                if not saving or not _is_free(target, obj, changed):
                    raise ObjectHeld(obj, target.run_id, target.run.label, saving=saving)


@contextmanager
def checked_batch(objects: Sequence[Model], *, saving: bool = False) -> Iterator[None]:
    """Lock and check objects all at once; inside the block the guard asks no more about them. Needs a transaction.

    Raises:
        ObjectHeld: A pending run holds one of them.
    """
    check_all_free(objects, saving=saving)
    with known_free(objects):
        yield


@contextmanager
def known_free(objects: Iterable[Model]) -> Iterator[None]:
    """Keep the guard quiet about objects that are locked and known to be free: checked, or held by the run at work."""
    reset = _checked.set(_checked.get() | {(identity(type(obj)), str(obj.pk)) for obj in objects})
    try:
        yield
    finally:
        _checked.reset(reset)


def note_free(model: type[Model], pks: Iterable[Any]) -> None:
    """Keep the guard quiet about these objects too, which are locked and known to be free, to the end of `known_free`."""
    _checked.set(_checked.get() | {(identity(model), str(pk)) for pk in pks})


def is_known_free(model: type[Model], pk: Any) -> bool:
    """Tell whether the guard need not ask about this object."""
    return (identity(model), str(pk)) in _checked.get()


@short_transaction
def write_trash(obj: Model, field: str, value: Any) -> None:
    """Write the one declared field that stays free under a shared hold: the trash mark.

    Raises:
        ObjectHeld: A pending run holds the object, and has not declared the field free.
    """
    check_free(obj, changed=[field])
    type(obj)._base_manager.filter(pk=obj.pk).update(**{field: value})
    setattr(obj, field, value)


def release_ended() -> int:
    """Clear the hold column of ended runs, a bounded step at a time; returns how many targets were cleared.

    The state has released them already (PROTOCOL H12): this keeps the partial index small.
    """
    cleared = 0
    for run_id in Run.objects.filter(holding=True, state__in=ENDED).values_list("pk", flat=True)[:20]:
        step = list(
            Target.objects.filter(run_id=run_id, hold__isnull=False).values_list("pk", flat=True)[:RELEASE_STEP]
        )
        count = Target.objects.filter(pk__in=step).update(hold=None)
        if count < RELEASE_STEP:
            Run.objects.filter(pk=run_id).update(holding=False)
        cleared += count
    return cleared


def _by_identity(objects: Sequence[Model]) -> dict[type[Model], list[Model]]:
    batches: dict[type[Model], list[Model]] = {}
    for obj in objects:
        batches.setdefault(identity(type(obj)), []).append(obj)
    return batches


def _is_free(target: Target, obj: Model, changed: Sequence[str] | None) -> bool:
    """Tell whether all that is written was declared free under this hold."""
    operation = known_operation(target.run.operation)
    free = set(operation.free_fields) if operation else set()
    if not free:
        return False
    return set(changed if changed is not None else _differing(obj)) <= free


def _differing(obj: Model) -> list[str]:
    """Return the fields whose value differs from the row: a plain save writes every field (PROTOCOL §6)."""
    row = type(obj)._base_manager.filter(pk=obj.pk).values().first() or {}
    return [
        field.name
        for field in obj._meta.concrete_fields
        if not getattr(field, "auto_now", False) and row.get(field.attname) != getattr(obj, field.attname)
    ]


def _lock_rows(model: type[Model], pks: Sequence[Any], obj: Model) -> None:
    """Lock the rows in key order, waiting a bounded time, at READ COMMITTED only."""
    rows = model._base_manager.select_for_update(no_key=True, of=("self",)).filter(pk__in=pks).order_by("pk")
    if connection.vendor != "postgresql":
        return  # one writer: the transaction itself is the lock
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout'), current_setting('transaction_isolation')")
        before, isolation = cursor.fetchone()
        if isolation != "read committed":
            raise WrongIsolation(isolation)
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{int(settings.guard_lock_timeout * 1000)}ms"])
        try:
            list(rows.values_list("pk"))
        except OperationalError as error:
            if sqlstate(error) == LOCK_TIMEOUT:
                raise ObjectBusy(obj) from error
            raise
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])
