"""The failed rows of an import, in the file's own columns: ready to be mended and uploaded again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any

from console import tables
from console.engine.files import open_file
from console.engine.rows import Source, described, line_at
from console.exceptions import FileGone
from console.models import Failure, Run
from console.reports.failures import sifted
from console.reports.visibility import Sight


def is_mendable(run: Run) -> bool:
    """Tell whether the failures of a run are rows of a file whose columns are known."""
    return bool(described(run).get("headings"))


def error_place(run: Run) -> int:
    """Return the place of the column that says what was wrong."""
    return sum(heading is not None for heading in described(run)["headings"])


def rows(run: Run, sight: Sight, group: str | None = None) -> Iterator[list[Any]]:
    """Yield the heading and the failed rows of an import, each with what was wrong and its number in the file.

    Args:
        run: The import, or its preview.
        sight: What the person may see: rows of other objects are left out.
        group: Only the failures with this fingerprint.
    """
    headings = described(run)["headings"]
    kept = [place for place, heading in enumerate(headings) if heading is not None]
    yield tables.mending_headings([headings[place] for place in kept], run.pk)
    failures = run.failures.defer("traceback") if group is None else run.failures.filter(group=group).defer("traceback")
    with ExitStack() as opened:
        original = _Original(run, opened)
        for failure in sifted(run, failures, sight):
            values = original.values(failure)
            own = [values[place] if place < len(values) else "" for place in kept]
            yield tables.mended_row([*own, *values[len(headings) :]], len(kept), failure.reason, failure.position)


class _Original:
    """The values as they are in the file; what the failures keep of them, should the file be gone."""

    def __init__(self, run: Run, opened: ExitStack) -> None:
        self._file: IO[bytes] | None = None
        self._columns: list[str] = described(run)["columns"]
        try:
            self._source = Source.of(run)
            self._file = opened.enter_context(open_file(self._source.file))
        except FileGone:
            self._file = None

    def values(self, failure: Failure) -> list[Any]:
        """Return the values of the row that failed."""
        data = failure.data if isinstance(failure.data, dict) else {}
        if self._file is None or "cursor" not in data:
            kept = data.get("values", {})
            return [kept.get(name, "") for name in self._columns]  # PostgreSQL keeps no order of its own
        return line_at(self._file, self._source, tuple(data["cursor"])).row.values
