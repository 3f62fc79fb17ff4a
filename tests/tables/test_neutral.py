"""Formulas: harmless in what is downloaded, themselves again in what is uploaded."""

from __future__ import annotations

import doctest

from hypothesis import given
from hypothesis import strategies as st

from console.tables import neutral, restored
from console.tables import neutral as _function
from tests.tables.files import delimited, values

TEXTS = st.text(st.sampled_from("'=+-@\t\r \n1,.aé＝"), max_size=8) | st.text(max_size=20)


@given(TEXTS)
def test_what_was_made_harmless_is_restored_exactly(text: str) -> None:
    """Whatever a cell holds, apostrophes of its own included."""
    assert restored(neutral(text)) == text


@given(TEXTS)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    """A spreadsheet computes none: a number, with its sign, stays one."""
    cell = neutral(text).lstrip()
    assert cell[:1] not in {"=", "@", "＝"}
    if cell[:1] in {"+", "-"}:
        float(cell.replace(",", "."))


@given(st.lists(TEXTS.filter(lambda text: "\0" not in text and text.isprintable()), min_size=1, max_size=5))
def test_a_download_reads_back_as_what_was_written(cells: list[str]) -> None:
    """From cell to file to cell."""
    rows = [["key", "text"], *(["x", cell] for cell in cells)]
    assert values(delimited([[neutral(cell) for cell in row] for row in rows])) == rows[1:]


def test_the_examples_hold() -> None:
    """What the docstrings show is so."""
    assert doctest.testmod(__import__(_function.__module__, fromlist=["neutral"])).failed == 0
