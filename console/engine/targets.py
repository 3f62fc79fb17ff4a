"""Writing a run's targets: one INSERT … SELECT each, which locks the objects in key order (PROTOCOL C6)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import CharField, F, Model, QuerySet, Sum, Value
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext as _

from console.engine.chunks import Outcome
from console.engine.clashes import held_by_others
from console.engine.faults import fingerprint
from console.engine.holds import identity, identity_type, object_key
from console.engine.statements import Bound, Given, Rows
from console.models import Failure, Partition, Run, Target

FEW = 100  # as many as a page of a list shows
COLUMNS = ("run_id", "content_type_id", "object_id", "hold", "withdrawn", "first_part", "parts")


def insert(run: Run, model: type[Model], keys: QuerySet[Any, Any], *, parts: bool = False) -> int:
    """Insert a target for each row of `keys`, in its order, and return how many there are.

    Args:
        run: The run that takes them.
        model: The objects' model.
        keys: A query of ``(object_id text)``, or with `parts` of ``(object_id, first_part, parts)``. A query that
            locks its rows locks the objects.
        parts: Whether the query says which parts of each object are wanted.
    """
    try:
        chosen = Bound(*keys.query.sql_with_params())
    except EmptyResultSet:  # a query of nothing has no SQL
        return 0
    return _insert(run, model, chosen, parts=parts)


def insert_few(run: Run, model: type[Model], keys: Iterable[Any]) -> int:
    """Lock the objects of these keys, insert a target for each that exists, and return how many there are.

    As `insert` does, by a statement that is composed once for each number of keys; there are at most `FEW`.
    """
    named = {f"key {n}": key for n, key in enumerate(dict.fromkeys(keys))}
    return _insert(run, model, _named(identity(model), len(named)).reading(**named)) if named else 0


@lru_cache(maxsize=FEW)
def _named(root: type[Model], count: int) -> Rows[Any]:
    keys = [Given(f"key {n}", root._meta.pk) for n in range(count)]
    return Rows(lambda: lockable_keys(root._base_manager.filter(pk__in=keys).order_by("pk")))


def _insert(run: Run, model: type[Model], chosen: Bound, *, parts: bool = False) -> int:
    columns, wanted = ("object_id, first_part, parts", "first_part, parts") if parts else ("object_id", "0, NULL")
    statement = (
        f"INSERT INTO {connection.ops.quote_name(Target._meta.db_table)} ({', '.join(COLUMNS)}) "  # noqa: S608 - names
        f"WITH chosen ({columns}) AS ({chosen.sql}) SELECT %s, %s, object_id, %s, %s, {wanted} FROM chosen"
    )
    return Bound(statement, [*chosen.params, run.pk, identity_type(model).pk, run.hold or None, False]).run()


def insert_seen(run: Run, keys: Iterable[Any]) -> None:
    """Insert a target that holds nothing for each object that a preview would change; one is there once."""
    assert run.content_type is not None
    model = run.content_type.model_class()
    assert model is not None
    kind = identity_type(model).pk
    seen = dict.fromkeys(object_key(model, key) for key in keys)
    Target.objects.bulk_create(
        [Target(run_id=run.pk, content_type_id=kind, object_id=key) for key in seen], ignore_conflicts=True
    )


def drop_held(run: Run, model: type[Model], above: int = 0) -> None:
    """Drop the run's targets above id `above` that others hold: the rows that mean them will say so when they are reached."""
    held = list(held_by_others(run, model, above).values_list("pk", flat=True))
    Target.objects.filter(pk__in=held).delete()


def lockable_keys(rows: QuerySet[Any]) -> Any:
    """Return the query that locks `rows` and gives their keys as text."""
    return (
        rows.select_for_update(no_key=True, of=("self",))
        .annotate(console_key=Cast("pk", CharField()))
        .values_list("console_key")
    )


def leave_out_held(run: Run, model: type[Model], parts: int, partition: Partition | None, above: int = 0) -> Outcome:
    """Drop the run's targets above id `above` that others hold; each becomes a Failure that names the run."""
    found: list[Any] = list(held_by_others(run, model, above).order_by("id"))
    outcome = Outcome()
    if not found:
        return outcome
    labels = _labels(model, [target.object_id for target in found])
    holders = Run.objects.in_bulk({target.holder for target in found})
    for target in found:
        outcome.fail(_held_failure(run, target, holders[target.holder], parts, labels, partition))
    Target.objects.filter(pk__in=[target.pk for target in found]).delete()
    return outcome


def _labels(model: type[Model], keys: list[str]) -> dict[str, str]:
    field = identity(model)._meta.pk
    by_pk = {field.to_python(key): key for key in keys}
    return {by_pk[obj.pk]: str(obj)[:200] for obj in model._base_manager.filter(pk__in=by_pk)}


def _held_failure(
    run: Run, target: Target, by: Run, parts: int, labels: dict[str, str], partition: Partition | None
) -> Failure:
    reason = _("Left out: locked by %(label)s (run %(run)d).") % {"label": by.label, "run": by.pk}
    return Failure(
        run=run,
        partition=partition,
        kind=Failure.Kind.HELD,
        position=target.pk,
        part=target.first_part,
        items=parts if target.parts is None else target.parts,
        object_id=target.object_id,
        object_label=labels.get(target.object_id, ""),
        reason=reason,
        group=fingerprint(Failure.Kind.HELD, reason),
    )


def count_items(run: Run, parts: int) -> int:
    """Return how many items the run's targets stand for."""
    targets = Target.objects.filter(run=run)
    if parts == 1 and not targets.filter(parts__isnull=False).exists():
        return targets.count()
    return targets.aggregate(n=Sum(Coalesce(F("parts"), Value(parts))))["n"] or 0


def lock_objects(run: Run, model: type[Model], above: int = 0) -> None:
    """Lock the objects of the run's targets above id `above` in key order, before looking for clashes in a new statement."""
    if connection.vendor != "postgresql":
        return
    root = identity(model)
    new = Target.objects.filter(run=run, pk__gt=above)
    mine = new.annotate(pk_of_object=Cast("object_id", root._meta.pk)).values("pk_of_object")
    rows = root._base_manager.filter(pk__in=mine).order_by("pk").select_for_update(no_key=True, of=("self",))
    sql, params = rows.values_list("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) locked", params)  # noqa: S608 - no outside text
