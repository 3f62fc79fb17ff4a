"""The benchmarks: what they make of their measurements, and that each of them runs. How fast anything is, is no test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.figures import HEAD, Figure, at_least, at_most, rounded, table
from bench.session import BENCHES, parse

ROOT = Path(__file__).resolve().parent.parent
NAMES = {
    "a tick with 5,000 schedules (ms)",
    "acceptance of a selection (targets/s)",
    "acceptance of one object (ms)",
    "bookkeeping of a chunk (ms)",
    "copies (notes/s)",
    "copies with a hook (notes/s)",
    "copies with tags and attachments (notes/s)",
    "counts of the header (ms)",
    "exports as CSV (rows/s)",
    "exports as XLSX (rows/s)",
    "import, changed rows (rows/s)",
    "import, changed rows row by row (rows/s)",
    "import, changed rows unchecked (rows/s)",
    "import, changed rows unchecked, without tags (rows/s)",
    "import, changed rows with hooks (rows/s)",
    "import, changed rows without tags (rows/s)",
    "import, new rows (rows/s)",
    "import, new rows row by row (rows/s)",
    "import, new rows unchecked (rows/s)",
    "import, new rows unchecked, without tags (rows/s)",
    "import, new rows with hooks (rows/s)",
    "import, new rows without tags (rows/s)",
    "its progress (ms)",
    "its search (ms)",
    "its slowest filter (ms)",
    "its slowest filter by pending work (ms)",
    "list of 1,000,000 runs (ms)",
    "list of 1,000,000 runs (pages/s)",
    "list of 1,000,000 runs (queries)",
    "list of notes with pending work (ms)",
    "list of notes with pending work (queries more)",
    "memory over idle, 1,000,000 copies (MB)",
    "memory over idle, CSV of 200,000 rows (MB)",
    "memory over idle, XLSX of 200,000 rows (MB)",
    "memory, CSV of 200,000 rows (MB)",
    "memory over idle, 10,000 copies with a hook (MB)",
    "memory over idle, 1,000,000 rows (MB)",
    "memory, 1,000,000 copies (MB)",
    "memory, 1,000,000 rows (MB)",
    "page of a note with 1,000 runs (ms)",
    "page of a run of 1,000,000, 100,000 failed (ms)",
    "POST of cancel to the last write (ms)",
    "POST to the first chunk (ms)",
    "memory, 1,000,000 rows of CSV (MB)",
    "rows of a CSV (rows/s)",
    "runs that do nothing (runs/s)",
    "survey and staging of an XLSX (rows/s)",
    "survey of a CSV (rows/s)",
}


class TestFigures:
    """Ratios, goals, rows."""

    @pytest.mark.parametrize(("ours", "met"), [(31, True), (30, True), (29, False)])
    def test_a_goal_of_speed_is_met_from_its_bound_upwards(self, ours: float, *, met: bool) -> None:
        """Three times as fast as the rival, or faster."""
        assert Figure("copies", ours, 10, "bulk_create", at_least(3)).row("SQLite")["met"] is met

    @pytest.mark.parametrize(("ours", "met"), [(19, True), (20, True), (21, False)])
    def test_a_goal_of_cost_is_met_from_its_bound_downwards(self, ours: float, *, met: bool) -> None:
        """Twice as long as the rival, or shorter."""
        assert Figure("cancel", ours, 10, "one chunk", at_most(2)).row("SQLite")["met"] is met

    def test_a_row_has_the_names_of_the_contract(self) -> None:
        """In their order."""
        row = Figure("copies", 12345.6, 4000, "bulk_create", at_least(3)).row("PostgreSQL")
        assert tuple(row) == HEAD
        assert row == {
            "bench": "copies",
            "database": "PostgreSQL",
            "ours": 12300.0,
            "against": 4000.0,
            "rival": "bulk_create",
            "ratio": 3.09,
            "goal": ">= 3",
            "met": True,
        }

    def test_a_figure_without_a_goal_is_neither_met_nor_missed(self) -> None:
        """It is there to be known."""
        row = Figure("runs", 1, 2, "tasks").row("SQLite")
        assert (row["ratio"], row["goal"], row["met"]) == (0.5, None, None)

    def test_what_is_judged_is_what_is_shown(self) -> None:
        """A ratio that is rounded up to the goal meets it."""
        row = Figure("copies", 2.9996, 1, "bulk_create", at_least(3)).row("SQLite")
        assert (row["ratio"], row["met"]) == (3.0, True)

    def test_more_than_three_digits_would_be_noise(self) -> None:
        """Large or small."""
        assert [rounded(number) for number in (123456.0, 0.0123456, 2.0)] == [123000.0, 0.0123, 2.0]

    def test_the_table_is_aligned_and_says_what_was_missed(self) -> None:
        """One line a row, under a head."""
        figures = [Figure("copies", 12345.6, 4000, "bulk_create", at_least(3)), Figure("runs", 1, 2, "tasks")]
        figures.append(Figure("cancel", 3, 1, "one chunk", at_most(2)))
        assert table([figure.row("SQLite") for figure in figures]).splitlines() == [
            "| bench  | database | ours   | against | rival       | ratio | goal | met |",
            "| ------ | -------- | ------ | ------- | ----------- | ----- | ---- | --- |",
            "| copies | SQLite   | 12,300 | 4,000   | bulk_create | 3.09  | >= 3 | yes |",
            "| runs   | SQLite   | 1      | 2       | tasks       | 0.5   |      |     |",
            "| cancel | SQLite   | 3      | 1       | one chunk   | 3     | <= 2 | NO  |",
        ]


def test_some_benchmarks_can_be_named() -> None:
    """All of them, if none is."""
    assert parse(["copies", "cancel"]).only == ["copies", "cancel"]
    assert parse([]).only == []


def test_an_unknown_benchmark_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """With the names of those that there are."""
    with pytest.raises(SystemExit):
        parse(["copy"])
    told = capsys.readouterr().err
    assert all(name in told for name in BENCHES)


@pytest.mark.processes
@pytest.mark.slow
def test_every_benchmark_runs() -> None:
    """On a tiny size, on this test run's kind of database; each gives its figures."""
    url = os.environ.get("DATABASE_URL", "")
    command = [sys.executable, "-m", "bench.session", "--tiny", *(["--server", url] if url else [])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert {row["bench"] for row in rows} == NAMES
    assert {row["database"] for row in rows} == {"PostgreSQL" if url else "SQLite"}
    assert all(row["ours"] >= 0 and row["against"] > 0 for row in rows)
