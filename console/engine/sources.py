"""What a linked run takes up: rows of an earlier run, its targets and failures, whole or batch by batch (PROTOCOL H9, H12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, Count, Exists, F, Max, Model, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from console.engine.holds import identity_type
from console.engine.selection import Descriptor
from console.engine.targets import insert
from console.exceptions import ConsoleError
from console.models import FAILS, Failure, Partition, Run, Target
from console.operations import get_operation
from console.states import ENDED

KIND = "earlier"  # of the descriptor that a run keeps while it prepares


@dataclass(frozen=True)
class Source:
    """Rows of an earlier run, in the order of their ids; each of those `wanted` names an object and parts of it."""

    rows: QuerySet[Any]
    wanted: Q
    first_part: Any
    parts: Any

    def chosen(self) -> QuerySet[Any]:
        """Return the rows that are wanted, whoever else took them up."""
        return self.rows.filter(self.wanted)


@dataclass(frozen=True)
class Batch:
    """A step of collecting: how many objects it took, the mark after it, and whether nothing follows."""

    taken: int
    mark: str
    is_last: bool


@dataclass(frozen=True)
class Earlier:
    """What a linked run takes up: of which earlier run, in which scope, and of which group of failures."""

    old: Run
    only: str
    group: str = ""

    @classmethod
    def of_descriptor(cls, descriptor: Descriptor) -> Earlier:
        """Rebuild it from what a preparing run kept of it.

        Raises:
            ConsoleError: The earlier run was deleted.
        """
        old = Run.objects.filter(pk=descriptor["run"]).first()
        if old is None:
            raise ConsoleError(
                _("Run %(run)d, whose objects this run works on, was deleted. Select the objects again.")
                % {"run": descriptor["run"]}
            )
        return cls(old, descriptor["only"], descriptor["group"])

    @property
    def descriptor(self) -> Descriptor:
        """What a preparing run keeps of it."""
        return {"kind": KIND, "run": self.old.pk, "only": self.only, "group": self.group}

    def sources(self) -> list[Source]:
        """Return the rows to be taken up; the same ones at each call, as what has ended stays as it is."""
        if self.only == Run.Only.FAILED:
            return [_failures(self.old, FAILS, self.group)]
        if self.only == Run.Only.ALL:
            return [_targets(self.old), _failures(self.old, {Failure.Kind.HELD})]
        return [*_not_reached(self.old), _failures(self.old, FAILS | {Failure.Kind.HELD})]

    def exceeds(self, limit: int) -> bool:
        """Tell whether there are more than `limit`, not looking at what others took up: that would take as long."""
        left = limit
        for source in self.sources():
            left -= source.chosen().order_by()[: left + 1].count()
            if left < 0:
                return True
        return False


def is_earlier(descriptor: Descriptor | None) -> bool:
    """Tell whether a run keeps of its selection that it takes up what is left of an earlier one."""
    return bool(descriptor) and (descriptor or {}).get("kind") == KIND


def take_up(run: Run, model: type[Model], earlier: Earlier) -> int:
    """Insert all that the run takes up, and return how many targets there are."""
    others = takers(earlier.old, run)
    return sum(_insert(run, model, source, source.rows, others) for source in earlier.sources())


def take_up_next(run: Run, model: type[Model], earlier: Earlier, mark: str, size: int) -> Batch:
    """Look at the next `size` rows after the mark, of one source after the other, and insert those to be taken up.

    Some of them, or all, may not be: a batch is as long as what it looks at, not as what it finds.
    """
    place, after = map(int, mark.split(":")) if mark else (0, 0)
    sources, others, taken = earlier.sources(), takers(earlier.old, run), 0
    while place < len(sources):
        source = sources[place]
        following = source.rows.filter(pk__gt=after).order_by("pk")
        seen = following.values("pk")[:size].aggregate(count=Count("pk"), last=Max("pk"))
        if seen["count"]:
            taken += _insert(run, model, source, source.rows.filter(pk__gt=after, pk__lte=seen["last"]), others)
        size -= seen["count"]
        if not size:
            return Batch(taken, f"{place}:{seen['last']}", is_last=False)
        place, after = place + 1, 0
    return Batch(taken, f"{place}:0", is_last=True)


def takers(old: Run, run: Run) -> list[Run]:
    """Return the runs beside `run` that take up what is left of `old`.

    Its retries; but one that ended before it had its targets gave up what it was to do, to its own retries.
    """
    found: list[Run] = []
    given_up = [old.pk]
    while given_up:
        retries = list(Run.objects.filter(retry_of__in=given_up).exclude(pk=run.pk))
        given_up = [retry.pk for retry in retries if retry.preparing and retry.state in ENDED]
        found += [retry for retry in retries if retry.pk not in given_up]
    return found


def named_by(run: Run) -> list[QuerySet[Any]]:
    """Return the rows whose `object_id` names what a run worked on, left out as held, or was to take up of another.

    Raises:
        ConsoleError: It had not yet taken it up, and the earlier run was deleted.
    """
    if run.preparing and is_earlier(run.selection):
        return [source.chosen() for source in Earlier.of_descriptor(run.selection or {}).sources()]
    return [run.targets.all(), run.failures.filter(kind=Failure.Kind.HELD).exclude(object_id="")]


def _targets(old: Run) -> Source:
    """Return what another run worked on: everything, or what its preview showed."""
    return Source(Target.objects.filter(run=old), Q(withdrawn=False), F("first_part"), F("parts"))


def _failures(old: Run, kinds: Iterable[str], group: str = "") -> Source:
    """Return the objects of another run's failures: which parts each was, and how many."""
    wanted = Q(kind__in=sorted(kinds)) & ~Q(object_id="")
    if group:
        wanted &= Q(group=group)
    return Source(Failure.objects.filter(run=old), wanted, F("part"), Cast("items", BigIntegerField()))


def _not_reached(old: Run) -> list[Source]:
    """Return what another run has not reached: the ranges after its partitions' cursors."""
    found: list[Source] = []
    for partition in Partition.objects.filter(run=old, kind=Partition.Kind.WORK).order_by("id"):
        source = _targets(old)
        rest = source.rows.filter(pk__gt=partition.position)
        if partition.last is not None:
            rest = rest.filter(pk__lte=partition.last)
        if partition.part and (first := rest.filter(source.wanted).order_by("id").first()):
            found.append(_remainder(old, first, partition.part))
            rest = rest.filter(pk__gt=first.pk)
        found.append(Source(rest, source.wanted, source.first_part, source.parts))
    return found


def _remainder(old: Run, target: Target, part: int) -> Source:
    """Return the parts that are left of the target at which a partition stopped: from `part` on."""
    whole = get_operation(old.operation)(old.params).parts()
    stop = whole if target.parts is None else target.first_part + target.parts
    rows = Target.objects.filter(pk=target.pk)
    wanted = Q() if part < stop else Q(pk__in=[])
    return Source(rows, wanted, Value(part, BigIntegerField()), Value(stop - part, BigIntegerField()))


def _insert(run: Run, model: type[Model], source: Source, rows: QuerySet[Any], others: list[Run]) -> int:
    """Insert a target for each of these rows that is wanted, that no other run took up, and that is not there yet."""
    wanted = rows.filter(source.wanted).annotate(wanted_from=source.first_part, wanted_parts=source.parts)
    same = {"content_type": identity_type(model), "object_id": OuterRef("object_id")}
    takers_and_run = [run.pk, *(other.pk for other in others)]
    taken = Target.objects.filter(run__in=takers_and_run, first_part=OuterRef("wanted_from"), **same)
    left = wanted.filter(~Exists(taken))
    held = Failure.objects.filter(run__in=others, kind=Failure.Kind.HELD)
    if held.exists():  # what they left out because it was held is theirs to retry, or it would be done twice
        left = left.filter(~Exists(held.filter(object_id=OuterRef("object_id"), part=OuterRef("wanted_from"))))
    return insert(run, model, left.order_by("id").values_list("object_id", "wanted_from", "wanted_parts"), parts=True)
