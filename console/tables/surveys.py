"""What one pass over a whole file finds: how many rows, which columns, what they look like, what is wrong with some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from console.tables.headings import Column
from console.tables.layouts import Layout, Row

FIRST: Final = 20


@dataclass
class Survey:
    """What is in a file.

    Args:
        columns: Its columns, in order.
        layout: How `rows` reads it.
        rows: How many rows there are; None where only the first were looked at.
        problems: How many of them cannot be imported as they are.
        first: The first rows.
        report: The run whose failed rows these are, mended; None if the file is no such report.
    """

    columns: list[Column]
    layout: Layout
    rows: int | None = None
    problems: int = 0
    first: list[Row] = field(default_factory=list)
    report: int | None = None

    def take(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Pass `rows` on, and keep what the pages show of them."""
        for number, row in enumerate(rows, start=1):
            if number <= FIRST:
                self.first.append(row)
                for column, value in zip(self.columns, row.values, strict=False):
                    column.show(value)
            yield row

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data, without the first rows."""
        return {
            "columns": [column.as_json() for column in self.columns],
            "layout": self.layout.as_json(),
            "rows": self.rows,
            "problems": self.problems,
            "report": self.report,
        }
