"""How many runs of an operation may work at once (PROTOCOL M4)."""

from __future__ import annotations

from django.db.models import Count, OuterRef, Q, Subquery

from console.engine.partitions import mark_admissible
from console.engine.statements import Given, Rows
from console.models import Limit, Partition, Run
from console.operations import known_operation, operations
from console.states import CLAIMABLE, WORKING, State

_SET = Limit.objects.filter(operation=OuterRef("operation"), max_active__isnull=False)
_LOCKED = Rows(
    lambda: (
        Run.objects.select_for_update(no_key=True, of=("self",))
        .filter(pk=Given("run"))
        .annotate(set_limit=Subquery(_SET.values("max_active")[:1]))
    )
)


def lock(run_id: int) -> tuple[Run, int | None] | None:
    """Lock the Run's row for a claim; return it with the limit that holds for its operation, or None if it was deleted."""
    run = _LOCKED.first(run=run_id)
    if run is None:
        return None
    return run, run.set_limit if run.set_limit is not None else _declared(run.operation)


def limit_of(name: str) -> int | None:
    """Return how many runs of the operation may work at once: set while the site runs, or declared; None: any number."""
    limit = Limit.objects.filter(operation=name, max_active__isnull=False).values_list("max_active", flat=True).first()
    return limit if limit is not None else _declared(name)


def admit(run: Run, limit: int | None) -> bool:
    """Tell whether the run, locked by the caller, may start to work now. Counts under the operation's limit row."""
    if run.state == State.RUNNING or limit is None:
        return True
    Limit.objects.get_or_create(operation=run.operation)
    Limit.objects.select_for_update(no_key=True).get(operation=run.operation)
    return Run.objects.filter(operation=run.operation, state__in=WORKING).count() < limit


def limits() -> dict[str, int]:
    """Return the limit of every operation that has one."""
    declared = {op.name: op.max_active for op in operations() if op.max_active is not None}
    set_ = Limit.objects.filter(max_active__isnull=False).values_list("operation", "max_active")
    return {**declared, **{name: limit for name, limit in set_ if limit is not None}}


def full_operations() -> set[str]:
    """Return the operations that admit no further run now, and owe the oldest refused runs of the others their wake-up."""
    full = set()
    for name, limit in limits().items():
        counts = Run.objects.filter(operation=name, state__in=CLAIMABLE | WORKING).aggregate(
            working=Count("pk", filter=Q(state__in=WORKING)), queued=Count("pk", filter=Q(state=State.QUEUED))
        )
        if counts["working"] >= limit:
            full.add(name)
        elif counts["queued"]:
            _wake_oldest(name, limit - counts["working"])
    return full


def _wake_oldest(name: str, free: int) -> None:
    oldest = Run.objects.filter(operation=name, state=State.QUEUED).order_by("pk").values_list("pk", flat=True)[:free]
    refused = Partition.objects.filter(run__in=list(oldest), outcome=None, lease_until=None, sent_at=None)
    mark_admissible(refused.values_list("pk", flat=True))


def _declared(name: str) -> int | None:
    operation = known_operation(name)
    return operation.max_active if operation else None
