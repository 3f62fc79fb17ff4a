"""Clashes: the holds of other runs that a run cannot stand beside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from django.db.models import Exists, Min, Model, OuterRef, QuerySet, Subquery

from console.engine.holds import held, identity_type
from console.engine.statements import Given, Rows
from console.exceptions import HoldConflict
from console.models import Failure, Run, Target
from console.operations import BaseOperation
from console.operations.base import Hold

if TYPE_CHECKING:
    from console.engine.selection import Selection

SHOWN = 20


@dataclass(frozen=True)
class Clashes:
    """The holds of other runs on a selection: how many objects of `total`, and the first of them."""

    count: int
    targets: list[Target]
    total: int


def clashes(selection: Selection, hold: str) -> Clashes:
    """Return the holds that would stop a run with `hold` on `selection`: a preview, acceptance looks again."""
    total = selection.count()
    if not hold:
        return Clashes(0, [], total)
    count, targets = _count(against(hold, held(selection.model)).filter(object_id__in=selection.keys()))
    return Clashes(count, targets, total)


def _count(others: QuerySet[Target]) -> tuple[int, list[Target]]:
    """Return how many objects these targets hold, and the first of them."""
    targets = list(others.order_by("id")[:SHOWN])
    if len(targets) < SHOWN:
        return len({target.object_id for target in targets}), targets
    return others.values("object_id").distinct().count(), targets


def _clashing(run: Run, model: type[Model]) -> QuerySet[Target]:
    """Return the targets of other runs that clash with those of `run`.

    Look only in a statement after the one that locked the objects (PROTOCOL C6).
    """
    mine = Target.objects.filter(run=run)
    return against(run.hold, held(model)).exclude(run=run).filter(object_id__in=mine.values("object_id"))


def held_by_others(run: Run, model: type[Model], above: int = 0) -> QuerySet[Target]:
    """Return the targets of `run` above id `above` that clash with other runs; each has the first of those as `holder`.

    Each is looked up by itself: a database without fresh statistics thinks that others hold little, and would begin there.
    """
    others = against(run.hold, held(model)).exclude(run=run).filter(object_id=OuterRef("object_id"))
    holder = others.order_by().values("object_id").annotate(first=Min("run_id")).values("first")
    mine = Target.objects.filter(run=run, pk__gt=above)
    return mine.annotate(holder=Subquery(holder)).filter(holder__isnull=False)


def conflict_of(run: Run, model: type[Model], total: int | None = None) -> HoldConflict:
    """Return the error that names the clashes of `run`: how many of `total` objects, and the first of them."""
    found = _clashing(run, model)
    first = [(target.run_id, target.run.label, target.object_id) for target in found.order_by("id")[:SHOWN]]
    return HoldConflict(first, found.values("object_id").distinct().count(), total)


def against(hold: str, others: QuerySet[Target]) -> QuerySet[Target]:
    """Return those of other runs' targets that a run with `hold` cannot stand beside."""
    return others.filter(hold=Hold.EXCLUSIVE) if hold == Hold.SHARED else others


def would_clash(old: Run, operation: type[BaseOperation]) -> Clashes:
    """Return the holds that a run on what `old` worked on, or left out, would meet now: a preview, acceptance looks again."""
    if operation.model is None or not operation.hold:
        return Clashes(0, [], 0)
    mine = Target.objects.filter(run=old, withdrawn=False).order_by().values("object_id")
    left_out = Failure.objects.filter(run=old, kind=Failure.Kind.HELD).order_by().values("object_id")
    others = held(operation.model).filter(object_id__in=mine.union(left_out))  # OR would keep the index from being used
    count, targets = _count(against(operation.hold, others))
    return Clashes(count, targets, mine.count() + left_out.count() if count else 0)


def clashes_at_all(run: Run, model: type[Model]) -> bool:
    """Tell whether there is any such hold; where nobody else has a mark on the objects, the first look tells."""
    if not _marked(run.hold).read(run=run.pk, content_type=identity_type(model).pk):
        return False
    return held_by_others(run, model).exists()


@cache
def _marked(hold: str) -> Rows[Target]:
    """Return the targets of a run with `hold` whose objects others have marked: runs that have ended too.

    It starts from the run's own targets and asks for no state, so that a database without statistics finds a good plan.
    """
    others = Target.objects.filter(
        content_type=Given("content_type"), hold__isnull=False, object_id=OuterRef("object_id")
    )
    clash = Exists(against(hold, others).exclude(run=Given("run")))
    return Rows(lambda: Target.objects.filter(clash, run=Given("run")).order_by().values_list("pk")[:1])
