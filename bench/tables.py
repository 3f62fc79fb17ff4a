"""Reading files: rows a second against the plain readers, and the memory of a process that reads a long one."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter

from openpyxl import load_workbook

from bench.figures import Figure, at_least, at_most
from bench.reading import exhaust, rows_of, surveyed
from bench.world import World
from console import tables

HEADINGS = ["slug", "title", "body", "author", "created_at"]
BODY = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore. " * 2


def measure(world: World) -> list[Figure]:
    """Measure the reading of CSV and XLSX, and the memory of reading a million rows of CSV."""
    count, most, few = world.sizes.notes, world.sizes.targets, world.sizes.history_few
    text, book = written(world.folder, "csv", count), written(world.folder, "xlsx", few)
    took = world.medians(
        {
            "plain": lambda: timed(lambda: exhaust(plain_csv(text))),
            "rows": lambda: timed(lambda: exhaust(rows_of(text))),
            "survey": lambda: timed(lambda: surveyed(text)),
            "openpyxl": lambda: timed(lambda: exhaust(plain_xlsx(book))),
            "sheet": lambda: timed(lambda: surveyed(book)),
        },
        fresh=False,
    )
    rate = {name: (few if name in {"openpyxl", "sheet"} else count) / seconds for name, seconds in took.items()}
    small, large = (peak(written(world.folder, "csv", rows)) for rows in (few, most))
    return [
        Figure("rows of a CSV (rows/s)", rate["rows"], rate["plain"], "csv.reader", at_least(0.3)),
        Figure("survey of a CSV (rows/s)", rate["survey"], rate["plain"], "csv.reader", at_least(0.25)),
        Figure(
            "survey and staging of an XLSX (rows/s)",
            rate["sheet"],
            rate["openpyxl"],
            "openpyxl, read-only",
            at_least(2),
        ),
        Figure("memory, 1,000,000 rows of CSV (MB)", large, small, "10,000 rows", at_most(1.1)),
    ]


def written(folder: Path, kind: str, count: int) -> Path:
    """Return a file with so many rows, written once."""
    path = folder / f"rows-{count}.{kind}"
    if not path.exists():
        writer = tables.writer(kind, HEADINGS, "notes")
        rows = [[f"note-{n}", f"Title {n}", BODY, f"author{n % 20}", "2026-05-03 10:00:00"] for n in range(count)]
        with path.open("wb") as file:
            file.writelines(writer.joined([[writer.part(rows, 0)]]))
    return path


def plain_csv(path: Path) -> Iterable[object]:
    """Return the rows as the standard library reads them."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.reader(file)


def plain_xlsx(path: Path) -> Iterable[object]:
    """Return the rows as openpyxl reads them in its quickest way."""
    yield from load_workbook(path, read_only=True).worksheets[0].iter_rows(values_only=True)


def timed(work: Callable[[], None]) -> float:
    """Return how many seconds some work takes."""
    began = perf_counter()
    work()
    return perf_counter() - began


def peak(path: Path) -> float:
    """Return the most MB that a fresh process has while it surveys and reads a CSV."""
    command = [sys.executable, "-m", "bench.reading", str(path)]
    return float(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
