"""What is written is read back as it was: formulas, apostrophes, line ends, any script, in every format."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.tables import writer
from tests.tables.files import surveyed

HEADINGS = ["key", "text", "more"]
TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]) | st.sampled_from("='+-@\t\n,;\""), max_size=9
) | st.sampled_from(
    ["=1+1", "'=1", "''=1", "-5", "+5", "'-5", " =1", "_x0041_", "&lt;", "<b>", " kept ", "a\nb", "＝1"]
)
ROWS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8)


def written(kind: str, parts: Sequence[Sequence[Sequence[Any]]], headings: Sequence[str] = HEADINGS) -> bytes:
    """Return a file written in these parts."""
    made = writer(kind, headings, title="notes")
    before, done = 0, []
    for part in parts:
        done.append([made.part(part, before)])
        before += len(part)
    return b"".join(made.joined(done))


@pytest.mark.parametrize("kind", ["csv", "tsv", "xlsx", "json"])
@given(rows=ROWS, cut=st.integers(0, 8))
def test_a_table_written_in_parts_is_read_back(kind: str, rows: list[tuple[str, str]], cut: int) -> None:
    """The headings once, the rows in order, each cell as it was; a blank is a blank."""
    table = [["k", *row] for row in rows]
    survey, found = surveyed(written(kind, [table[:cut], table[cut:]]), f"notes.{kind}")
    assert [column.heading for column in survey.columns] == HEADINGS
    assert [[cell or "" for cell in row.values] for row in found] == table
    assert not survey.problems


@pytest.mark.parametrize("kind", ["xlsx", "json"])
def test_types_come_back_where_the_format_has_them(kind: str) -> None:
    """Numbers, booleans and blanks; dates in a workbook."""
    moment = dt.datetime(2026, 5, 3, 14, 2, 5)  # noqa: DTZ001 - a spreadsheet knows no time zone
    row = ["k", 5, 2.5, True, None, -5, *([moment] if kind == "xlsx" else [])]
    headings = [f"h{place}" for place in range(len(row))]
    _survey, found = surveyed(written(kind, [[row]], headings), f"notes.{kind}")
    assert [each.values for each in found] == [row]
