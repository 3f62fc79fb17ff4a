"""What one pass over a whole file finds: how many rows, which columns, what they look like, what is wrong with some."""

from __future__ import annotations

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

    def take(self, row: Row) -> None:
        """Count a row, and keep what the pages show of it."""
        self.rows = (self.rows or 0) + 1
        self.problems += bool(row.problem)
        if self.rows <= FIRST:
            self.first.append(row)
            for column, value in zip(self.columns, row.values, strict=False):
                column.show(value)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data, without the first rows."""
        return {
            "columns": [column.as_json() for column in self.columns],
            "layout": self.layout.as_json(),
            "rows": self.rows,
            "problems": self.problems,
            "report": self.report,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Survey:
        """Return what `as_json` told of."""
        columns = [Column(**column) for column in data["columns"]]
        return cls(**{**data, "columns": columns, "layout": Layout.from_json(data["layout"])})
