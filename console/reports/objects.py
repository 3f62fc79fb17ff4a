"""The objects of a run, and what became of each: told by the partitions' cursors and the failures (PROTOCOL L4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Min, Model, OuterRef, QuerySet, Subquery, Sum
from django.utils.translation import gettext as _

from console.models import Failure, Partition, Run, Target
from console.reports.imports import held_for_its_row, is_import
from console.reports.visibility import Sight
from console.reports.words import number

PAGE = 100


@dataclass
class Row:
    """One object of a run; `obj` is None where it is gone."""

    target: Target
    obj: Model | None
    name: str
    outcome: str
    reached: bool


@dataclass
class Page:
    """A hundred objects, less the `hidden` ones; and after which target the next page begins (None: there is no next)."""

    rows: list[Row]
    hidden: int
    following: int | None


def page(run: Run, among: QuerySet[Target], after: int, sight: Sight) -> Page:
    """Return the page after target `after` of the run's targets `among`, with the objects that the person may see."""
    targets = list(among.filter(pk__gt=after).select_related("content_type").order_by("pk")[: PAGE + 1])
    following = targets[PAGE - 1].pk if len(targets) > PAGE else None
    targets = targets[:PAGE]
    told = sight.told(run, [target.object_id for target in targets])
    shown = [target for target in targets if target.object_id in told]
    failed = first_failures(shown)
    partitions = list(run.partitions.filter(kind=Partition.Kind.WORK))
    parts = begun([run])
    rows = [_row(run, target, told[target.object_id], failed, partitions, parts.get(target.pk, 0)) for target in shown]
    return Page(rows, len(targets) - len(shown), following)


def begun(runs: Iterable[Run]) -> dict[int, int]:
    """Return by target how many parts of an object, such as copies, are done where others are not, in one query."""
    following = Target.objects.filter(run=OuterRef("run"), pk__gt=OuterRef("position")).order_by("pk")
    next_, first = (Subquery(following.values(name)[:1]) for name in ("pk", "first_part"))
    ids = {run.pk for run in runs if not is_import(run)}  # whose cursors are places in a file
    within = Partition.objects.filter(run__in=ids, kind=Partition.Kind.WORK, part__gt=0)
    found = within.annotate(target=next_, first_of_target=first).values_list("target", "first_of_target", "part")
    return {target: part - first for target, first, part in found if target and part > first}


def begun_words(run: Run, parts: int) -> str:
    """Return what became of an object of which `parts` are done, and others are not."""
    if run.dry_run:
        return _("begun, nothing is changed")
    told = _("begun, %(count)s done so far") if run.is_active else _("begun, %(count)s done, the rest not")
    return told % {"count": number(parts)}


def first_failures(targets: list[Target]) -> dict[int, tuple[Failure, int]]:
    """Return the first failure of each target, and how many items of it have failed: it may be thousands of copies."""
    of_targets = Failure.objects.filter(target__in=targets).order_by()
    firsts = {
        row["first"]: row["counted"]
        for row in of_targets.values("target").annotate(first=Min("pk"), counted=Sum("items"))
    }
    found = Failure.objects.filter(pk__in=firsts).defer("traceback", "data")
    return {failure.target_id: (failure, firsts[failure.pk]) for failure in found if failure.target_id is not None}


def _row(
    run: Run, target: Target, obj: Any, failed: dict[int, tuple[Failure, int]], partitions: list[Partition], parts: int
) -> Row:
    failure, items = failed.get(target.pk, (None, 0))
    name = str(obj)[:200] if obj is not None else (failure.object_label if failure else "") or target.object_id
    partition = _partition_of(target, partitions)
    reached = partition is not None and target.pk <= partition.position
    outcome = _outcome(run, target, failure, items, reached=reached)
    if parts and failure is None:
        outcome = begun_words(run, parts)
    return Row(target, obj, name, outcome, reached or parts > 0)


def _partition_of(target: Target, partitions: list[Partition]) -> Partition | None:
    covering = [p for p in partitions if p.last is None or target.pk <= p.last]
    return min(covering, key=lambda p: (p.last is None, p.last), default=None)


def _outcome(run: Run, target: Target, failure: Failure | None, items: int, *, reached: bool) -> str:
    if is_import(run):
        return held_for_its_row(run)
    if failure is not None:
        told = f"{failure.get_kind_display()}: {failure.reason}"
        return _("%(count)s items, the first %(told)s") % {"count": number(items), "told": told} if items > 1 else told
    if target.withdrawn:
        return _("left out")
    if reached:
        return _("would be done") if run.dry_run else _("done")
    if not run.is_active:
        return _("not reached")
    return _("not reached yet")
