"""Tables written in parts: joined they are the file that one part would be, whatever reads it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from python_calamine import load_workbook as calamine

from console.tables import WRITERS, writer

HEADINGS = ["slug", "title", "=sum"]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def file_of(kind: str, parts: Sequence[Sequence[Sequence[Any]]], headings: Sequence[str] = HEADINGS) -> bytes:
    """Return the file of these parts, each written by a writer of its own, as by workers that know nothing of each other."""
    written, before = [], 0
    for rows in parts:
        written.append(writer(kind, headings, "notes").part(rows, before))
        before += len(rows)
    return b"".join(writer(kind, headings, "notes").joined(iter([part]) for part in written))


@pytest.mark.parametrize("kind", WRITERS)
@given(
    rows=st.lists(st.tuples(TEXT, TEXT, st.one_of(st.none(), st.integers(), TEXT)), max_size=8),
    cuts=st.sets(st.integers(0, 8)),
)
def test_the_cuts_between_parts_leave_no_trace(kind: str, rows: list[Any], cuts: set[int]) -> None:
    """Whatever the chunks were, the file is the same."""
    ends = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    parts = [rows[start:end] for start, end in pairwise(ends)]
    whole, cut = file_of(kind, [rows]), file_of(kind, parts)
    assert (content(whole) if kind == "xlsx" else whole) == (content(cut) if kind == "xlsx" else cut)


def content(book: bytes) -> list[Any]:
    """Return the cells of a workbook as calamine reads them; the archive itself has the time in it."""
    return list(calamine(io.BytesIO(book)).get_sheet_by_index(0).to_python())


@pytest.mark.parametrize(("kind", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_lines_are_read_back_and_formulas_are_calm(kind: str, delimiter: str) -> None:
    """Quotes, delimiters and line ends inside cells stay; what a spreadsheet would compute carries an apostrophe."""
    rows = [["a", 'say "hi", \t\r\n', "=1+1"], ["b", "", -5], ["c", "@x", "-5"]]
    data = file_of(kind, [rows[:1], rows[1:]]).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(data, newline=""), delimiter=delimiter)) == [
        ["slug", "title", "'=sum"],
        ["a", 'say "hi", \t\r\n', "'=1+1"],
        ["b", "", "-5"],
        ["c", "'@x", "-5"],
    ]


def test_objects_are_read_back() -> None:
    """JSON computes nothing, so it is as it is."""
    data = file_of("json", [[["a", "é", "=1"]], [["b", None, 2]]])
    assert json.loads(data) == [
        {"slug": "a", "title": "é", "=sum": "=1"},
        {"slug": "b", "title": None, "=sum": 2},
    ]
    assert json.loads(file_of("json", [])) == []


def test_a_workbook_keeps_types_and_text() -> None:
    """Numbers, days and moments are what they are; characters that XML cannot hold are replaced; long numbers are text."""
    rows = [
        [date(2026, 5, 3), datetime(2026, 5, 3, 14, 2, 1), time(14, 2)],  # noqa: DTZ001 - a sheet knows no time zones
        [1, 2.5, Decimal("1.10")],
        [True, None, 2**60],
        ["a\x07b", " <&> ", "x\r\ny"],
        ["=1+1", date(1066, 10, 14), float("nan")],
    ]
    sheet = load_workbook(io.BytesIO(file_of("xlsx", [rows[:2], rows[2:]])))["notes"]
    read = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert read == [
        ["slug", "title", "'=sum"],
        [datetime(2026, 5, 3), datetime(2026, 5, 3, 14, 2, 1), time(14, 2)],  # noqa: DTZ001 - as above
        [1, 2.5, 1.1],
        [True, None, str(2**60)],
        ["a�b", " <&> ", "x\r\ny"],
        ["'=1+1", "1066-10-14", "nan"],
    ]


def test_a_sheet_may_be_called_anything() -> None:
    """Characters that sheets forbid are left out."""
    for title in ("a/b[c]", "x" * 50, "", "'"):
        book = b"".join(writer("xlsx", ["a"], title).joined([]))
        assert len(load_workbook(io.BytesIO(book)).sheetnames[0]) <= 31


def test_joining_keeps_no_more_than_a_piece() -> None:
    """What is read of the parts is handed on before the next piece is read."""
    read = []

    def pieces() -> Iterator[bytes]:
        for number in range(50):
            read.append(number)
            yield b"x" * 1000

    for kind in ("csv", "json"):
        read.clear()
        joined = writer(kind, HEADINGS).joined([pieces()])
        next(joined)
        next(joined)
        assert len(read) == 1
