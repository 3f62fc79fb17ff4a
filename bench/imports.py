"""Imports: rows written through a resource, against django-import-export's own ways and the raw statements."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from tablib import Dataset

from bench import resources
from bench.data import analyze
from bench.figures import Figure, at_least, at_most
from bench.files import make_authors, merge, rows_of, write_file
from bench.world import World
from console.imports import Kind, Row, plan
from notes.models import Note

CHUNK = 2000
ALLOWED, GROWTH = 25.0, 1.1
GOALS = {
    "postgresql": {"default": 25, "bulk": 10, "limit": 0.25, "raw": 0.5, "hooks": 10},
    "sqlite": {"default": 10, "bulk": 5, "limit": 0.2, "raw": None, "hooks": 5},
}
Way = Callable[[Path], None]


def measure(world: World) -> list[Figure]:
    """Measure new rows, changed rows and memory."""
    figures = []
    for change in (False, True):
        figures += speed(world, changing=change)
    return [*figures, *memory(world)]


def speed(world: World, *, changing: bool) -> list[Figure]:
    """Measure the rows a second of all ways of writing, where all rows are new or all are changed."""
    many, few = world.sizes.rows, world.sizes.rival_rows

    def case(way: Way, rows: int) -> Callable[[], float]:
        return partial(rate, world, way, rows, changing=changing)

    cases = {
        "checked, tagged": case(by_path(resources.CheckedTaggedNotes), many),
        "checked": case(by_path(resources.CheckedNotes), many),
        "tagged": case(by_path(resources.TaggedNotes), many),
        "plain": case(by_path(resources.Notes), many),
        "raw, tagged": case(partial(merge, tagged=True), many),
        "raw": case(partial(merge, tagged=False), many),
        "with hooks": case(by_path(resources.HookedNotes), many),
        "row by row": case(by_path(resources.LoggedNotes), few),
        "import_data": case(by_import_data(resources.TaggedNotes), few),
        "import_data in bulk": case(by_import_data(resources.BulkNotes), few),
        "import_data with hooks": case(by_import_data(resources.HookedNotes), few),
        "import_data, saved hooks": case(by_import_data(resources.LoggedNotes), few),
    }
    return list(told(world.medians(cases), "changed" if changing else "new", few))


def told(rates: dict[str, float], what: str, few: int) -> list[Figure]:
    """Return the figures of some rates; rivals are measured with fewer rows, for their rates hardly depend on it."""
    goals: dict[str, Any] = GOALS[connection.vendor]
    raw = at_least(goals["raw"]) if goals["raw"] else None

    def figure(name: str, ours: str, rival: str, words: str, goal: Any) -> Figure:
        return Figure(f"import, {what} rows{name} (rows/s)", rates[ours], rates[rival], words, goal)

    default, of = "import_data's default", f", {few:,} rows"
    return [
        figure("", "checked, tagged", "import_data", default + of, at_least(goals["default"])),
        figure("", "checked, tagged", "raw, tagged", "raw statements", at_least(goals["limit"])),
        figure(" without tags", "checked", "import_data in bulk", "its use_bulk" + of, at_least(goals["bulk"])),
        figure(" without tags", "checked", "raw", "raw statements", at_least(goals["limit"])),
        figure(" unchecked", "tagged", "raw, tagged", "raw statements", raw),
        figure(" unchecked, without tags", "plain", "raw", "raw statements", raw),
        figure(" with hooks", "with hooks", "import_data with hooks", default + of, at_least(goals["hooks"])),
        figure(" row by row", "row by row", "import_data, saved hooks", default + of, at_least(1)),
    ]


def rate(world: World, way: Way, rows: int, *, changing: bool) -> float:
    """Return how many rows a second `way` writes."""
    make_authors()
    if changing:
        merge(write_file(world.folder / "first.csv", rows, "first"), tagged=True)
    analyze()
    path = write_file(world.folder / "rows.csv", rows, "second")
    started = time.perf_counter()
    way(path)
    took = time.perf_counter() - started
    assert Note.all_objects.filter(body__endswith="second").count() == rows
    return rows / took


def by_path(resource: type[Any]) -> Way:
    """Return what writes a file in chunks, as the engine does: each in a transaction of its own."""

    def carry_out(path: Path) -> None:
        way, rows = plan(resource()), enumerate(rows_of(path), 1)
        while chunk := [Row(number, row) for number, row in islice(rows, CHUNK)]:
            with transaction.atomic():
                assert not any(outcome.kind is Kind.FAILED for outcome in way.write(chunk))

    return carry_out


def by_import_data(resource: type[Any]) -> Way:
    """Return what imports a file as django-import-export does."""

    def carry_out(path: Path) -> None:
        dataset = Dataset().load(path.read_text(encoding="utf-8"), format="csv")
        result = resource().import_data(dataset, raise_errors=True)
        assert not result.has_validation_errors()

    return carry_out


def memory(world: World) -> list[Figure]:
    """Measure peaks in MB, in a fresh process each."""
    idle: list[float] = []

    def peak(rows: int) -> float:
        make_authors()
        path = write_file(world.folder / "rows.csv", rows, "second")
        connection.close()
        command = [sys.executable, "-m", "bench.import_child", str(path)]
        answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        idle.append(answer["idle"])
        return float(answer["peak"])

    few, many = world.sizes.rows_few, world.sizes.rows_many
    peaks = world.medians({"few": lambda: peak(few), "many": lambda: peak(many)})
    base = sorted(idle)[len(idle) // 2]
    return [
        Figure("memory over idle, 1,000,000 rows (MB)", peaks["many"] - base, ALLOWED, f"{ALLOWED:g} MB", at_most(1)),
        Figure("memory, 1,000,000 rows (MB)", peaks["many"], peaks["few"], "10,000 rows", at_most(GROWTH)),
    ]
