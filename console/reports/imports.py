"""What an import found, or did, in numbers and words: new, changed, unchanged, skipped, deleted, failing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from console.engine.rows import described
from console.exceptions import InvalidParameters
from console.imports import Kind
from console.models import Partition, Run
from console.operations.imports import Import
from console.operations.registry import known_operation
from console.reports.words import noun, number, span
from console.states import State

if TYPE_CHECKING:
    from console.engine.progress import Progress

FAILING = "failing"
ALWAYS = (Kind.NEW, Kind.CHANGED, Kind.UNCHANGED)  # told even where there are none


@dataclass(frozen=True)
class Count:
    """How many rows are of one kind."""

    kind: str
    label: str
    count: int


def is_import(run: Run) -> bool:
    """Tell whether the run works on the rows of a file."""
    operation = known_operation(run.operation)
    return operation is not None and operation.reads_rows


def held_for_its_row(run: Run) -> str:
    """Return what a run on rows has to do with an object: its rows are counted, not what became of each object."""
    if run.dry_run:
        return _("a row would change it")
    return _("locked until the run ends") if run.is_active else _("was locked for its row")


def path_sentence(run: Run) -> str:
    """Return whether rows are written in bulk or row by row, and why; empty where the parameters no longer tell."""
    operation = known_operation(run.operation)
    assert operation is not None
    assert issubclass(operation, Import)
    try:
        return operation(run.params).path().sentence
    except InvalidParameters:
        return ""


def tally(run: Run) -> Counter[str]:
    """Return how many rows were of which kind, in one query."""
    found: Counter[str] = Counter()
    for counted in Partition.objects.filter(run=run, kind=Partition.Kind.WORK).values_list("tally", flat=True):
        found.update(counted)
    return found


def good(counted: Counter[str]) -> int:
    """Return how many rows were, or would be, imported: what is unchanged is as the file wants it."""
    return sum(counted[kind] for kind in Kind if kind != Kind.SKIPPED)


def failing(run: Run, progress: Progress, counted: Counter[str]) -> int:
    """Return how many rows failed, or were left out because others hold their objects."""
    return progress.processed - sum(counted.values())


def counts(run: Run, progress: Progress) -> list[Count]:
    """Return how many rows are of which kind: new, changed and unchanged always, the others where there are any."""
    counted = tally(run)
    shown = [kind for kind in Kind if kind != Kind.FAILED and (kind in ALWAYS or counted[kind])]
    failed = failing(run, progress, counted)
    told = [Count(kind.value, capfirst(str(kind.label)), counted[kind]) for kind in shown]
    return [*told, Count(FAILING, pgettext("rows", "Failing"), failed)]


def subject(run: Run) -> str:
    """Return which file the run imports, and how many rows it has: “notes.csv, 1,000 rows”."""
    source = described(run)
    if not source:
        return ""
    rows = ngettext("%(count)s row", "%(count)s rows", run.total or 0) % {"count": number(run.total or 0)}
    return f"{source['name']}, {rows}"


def sentence(run: Run, progress: Progress) -> str:
    """Return the sentence of an import's state; empty where that is no other than any run's."""
    if run.preparing and run.state in {State.QUEUED, State.RUNNING} and not described(run):
        return _("Reading the file. Nothing is changed yet.")
    if run.state != State.SUCCEEDED:
        return ""
    return _previewed(run, progress) if run.dry_run else _imported(run, progress)


def _previewed(run: Run, progress: Progress) -> str:
    counted = tally(run)
    failed = failing(run, progress, counted)
    if not good(counted):
        return _("Nothing is changed yet. No row can be imported. Mend the file and upload it again.")
    told = ngettext(
        "Nothing is changed yet. %(good)s of %(count)s row can be imported",
        "Nothing is changed yet. %(good)s of %(count)s rows can be imported",
        progress.processed,
    ) % {"good": number(good(counted)), "count": number(progress.processed)}
    return f"{told}{_failed(failed)}."


def _imported(run: Run, progress: Progress) -> str:
    counted = tally(run)
    failed = failing(run, progress, counted)
    told = _("%(count)s imported") % {"count": number(good(counted))}
    if counted[Kind.SKIPPED]:
        told += _(", %(count)s skipped by the resource") % {"count": number(counted[Kind.SKIPPED])}
    if failed:
        return _("%(told)s, %(failed)s failed. Your file is untouched.") % {"told": told, "failed": number(failed)}
    took = _(" in %(time)s") % {"time": span(run.took.total_seconds())} if run.took else ""
    free = _("The %(noun)s are free again.") % {"noun": noun(run, 2)}
    return f"{told}{took}. {free}"


def _failed(count: int) -> str:
    told = ngettext(", %(count)s would fail", ", %(count)s would fail", count)
    return told % {"count": number(count)} if count else ""
