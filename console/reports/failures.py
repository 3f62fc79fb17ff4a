"""What could not be done: grouped by reason for the page, and as a table that can be mended and imported again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db.models import Min, QuerySet, Sum

from console.models import Failure, Run
from console.operations import known_operation
from console.reports.visibility import Sight

# “error” holds the reason: an import of the mended file leaves that column out of account.
COLUMNS = ("row", "object_id", "object", "kind", "error", "tries")
LISTED = 1000  # of more failures the run's page shows the reasons alone
GROUPS_SHOWN = 50
GROUPS_WITH_ROWS = 10
ROWS_SHOWN = 20  # of each group on the run's page
ROWS_A_PAGE = 100
BATCH = 2000
ROW = {"values", "faults", "cursor"}  # what a failure keeps of a row of a file


@dataclass
class Group:
    """Failures of one run with one reason: how many items they count, the first rows, and which run retries them.

    `retried_by` is None where that may not be told.
    """

    kind: str
    fingerprint: str
    items: int
    count: int
    reason: str = ""
    is_skip: bool = False
    is_retried: bool = False
    retried_by: Run | None = None
    rows: list[Failure] = field(default_factory=list)

    @property
    def kind_label(self) -> str:
        """What sort of failure it is, in words."""
        return str(Failure.Kind(self.kind).label)

    @property
    def has_tracebacks(self) -> bool:
        """Whether the program itself may be at fault."""
        return any(failure.traceback for failure in self.rows)

    @property
    def more(self) -> bool:
        """Whether there are rows that are not shown here."""
        return self.count > len(self.rows)


def are_rows(run: Run) -> bool:
    """Tell whether a failure's position is a row number that people know; for runs on objects it is a mere id."""
    operation = known_operation(run.operation)
    return run.content_type_id is None if operation is None else operation.selection is None


def groups(run: Run, sight: Sight) -> list[Group]:
    """Return the failures of `run` by reason, what failed before what was left out, the largest group first.

    A reason is told where the person may see one of the first objects that it is said of; it may quote their values.
    The queries do not grow with the failures: two, and one for the first rows of each of the first ten groups;
    of very many failures only the reasons are shown.
    """
    counted = (
        run.failure_groups.order_by()
        .values("kind", "group")
        .annotate(counted=Sum("items"), rows=Sum("count"), earliest=Min("first"))
        .order_by("-counted", "kind", "group")[:GROUPS_SHOWN]
    )
    found = {row["earliest"]: Group(row["kind"], row["group"], row["counted"], row["rows"]) for row in counted}
    firsts = list(Failure.objects.filter(pk__in=found).only("pk", "kind", "reason", "object_id"))
    told = {failure.pk for failure in sight.sift(run, firsts)}
    for failure in firsts:
        found[failure.pk].reason = failure.reason if failure.pk in told else ""
        found[failure.pk].is_skip = failure.is_skip
    # What failed needs somebody; what was left out only wants to be seen.
    ordered = sorted(found.values(), key=lambda group: group.is_skip)
    is_huge = sum(group.count for group in ordered) > LISTED
    for group in [] if is_huge else ordered[:GROUPS_WITH_ROWS]:
        rows = run.failures.filter(kind=group.kind, group=group.fingerprint).order_by("pk")
        group.rows = sight.sift(run, rows[:ROWS_SHOWN])
        group.reason = group.reason or (group.rows[0].reason if group.rows else "")
    return ordered


def page(run: Run, fingerprint: str, after: int, sight: Sight) -> tuple[list[Failure], int | None]:
    """Return a page of the failures of one group, and after which id the next begins (None: there is no next).

    Those of objects that the person may not see are left out, so a page may be short.
    """
    rows = list(run.failures.filter(group=fingerprint, pk__gt=after).order_by("pk")[: ROWS_A_PAGE + 1])
    more = len(rows) > ROWS_A_PAGE
    return sight.sift(run, rows[:ROWS_A_PAGE]), rows[ROWS_A_PAGE - 1].pk if more else None


def values(failure: Failure) -> list[tuple[str, str]]:
    """Return the values of the item as (name, value), for the page."""
    if isinstance(failure.data, dict):
        return [(str(name), str(_cell(value))) for name, value in _given(failure).items()]
    return [("", str(_cell(failure.data)))] if failure.data else []


def table(run: Run, sight: Sight, group: str | None = None) -> Iterator[list[Any]]:
    """Yield a heading and a row for each failure of `run`, read in batches: as many columns as their values need.

    Args:
        run: The run.
        sight: What the person may see: failures of other objects are left out.
        group: Only the failures with this fingerprint.
    """
    failures = Failure.objects.filter(run=run) if group is None else Failure.objects.filter(run=run, group=group)
    rows = are_rows(run)
    names = _value_names(run, failures, sight)
    yield [*COLUMNS, *names]
    for failure in sifted(run, failures.defer("traceback"), sight):
        given = _given(failure)
        yield [
            failure.position if rows else "",
            failure.object_id,
            failure.object_label,
            failure.kind,
            failure.reason,
            failure.tries,
            *(_cell(given.get(name)) for name in names),
        ]


def sifted(run: Run, failures: QuerySet[Failure], sight: Sight) -> Iterator[Failure]:
    """Yield those of the run's failures that the person may see, in order, read in batches."""
    rows = failures.order_by("pk").iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        yield from sight.sift(run, batch)


def _value_names(run: Run, failures: QuerySet[Failure], sight: Sight) -> list[str]:
    names: dict[str, None] = {}
    for failure in sifted(run, failures.only("data", "object_id"), sight):
        names.update(dict.fromkeys(_given(failure)))
    return list(names)


def _given(failure: Failure) -> dict[str, Any]:
    """Return the values that a failure kept of its item; of a row of a file those that were in it."""
    kept = failure.data if isinstance(failure.data, dict) else {}
    values: dict[str, Any] = kept["values"] if kept.keys() == ROW else kept
    return values


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return value if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)
