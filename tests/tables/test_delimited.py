"""Lines with a delimiter: every cell comes back, each row knows its line, and reading goes on from any row."""

from __future__ import annotations

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from console.exceptions.tables import OpenQuote, TooLongCell, TooManyColumns, TooManyRows, Undecodable
from console.tables import Cursor
from console.tables.delimited import BLOCK
from tests.tables.files import after, delimited, surveyed, values

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8) | st.sampled_from(
    ['a"b', "two\nlines", "two\r\nlines", "old\rMac", "a,b;c\td|e", "שלום", "👩‍👩‍👧", "\u2028", "=1", "'=1", "'"]
)


@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=12),
    delimiter=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.booleans(),
)
def test_every_table_comes_back_and_goes_on_from_every_row(
    rows: list[list[str]], delimiter: str, line_end: str, *, mark: bool
) -> None:
    """What was written is read, but for rows without a value; from the cursor of each row the next ones follow."""
    rows = [["alpha", "beta", "gamma"], *rows]
    text = delimited(rows, delimiter, line_end)
    content = text.encode("utf-8-sig" if mark else "utf-8")
    if not any(any(row) for row in rows[1:]):
        return
    survey, found = surveyed(content, encoding="utf-8", delimiter=delimiter, heading_row=1)
    wanted = [[cell[1:] if cell == "'=1" else cell for cell in row] for row in rows[1:] if any(row)]
    assert [row.values for row in found] == wanted
    assert survey.rows == len(found)
    assert not any(row.problem for row in found)
    for place, row in enumerate(found):
        assert after(content, survey.layout, row.cursor) == found[place + 1 :]


@given(ends=st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=4, max_size=12))
def test_line_ends_may_be_mixed(ends: list[str]) -> None:
    """Each line counts once, whatever ends it."""
    text = "alpha,beta" + "".join(f"{end}{number},x" for number, end in enumerate(ends))
    _survey, found = surveyed(text, heading_row=1)
    assert [row.number for row in found] == [number + 2 for number in range(len(ends))]


def test_the_number_of_a_row_is_its_line_in_the_file() -> None:
    """Empty lines and line ends inside quotes are counted, though they are no rows."""
    _survey, found = surveyed('\n\ntitle,body\n\na,"one\ntwo\n\nfour"\n,\n  \nb,c\n')
    assert [(row.number, row.values) for row in found] == [(5, ["a", "one\ntwo\n\nfour"]), (11, ["b", "c"])]


@pytest.mark.parametrize("size", [BLOCK - 20, BLOCK - 3, BLOCK - 2, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_a_line_may_lie_across_blocks(size: int) -> None:
    """Where one block ends and the next begins leaves no trace, not even between CR and LF."""
    content = delimited([["a", "b"], ["x" * size, "é"], ["y", "z"]]).encode()
    survey, found = surveyed(content, heading_row=1)
    assert [row.values for row in found] == [["x" * size, "é"], ["y", "z"]]
    assert after(content, survey.layout, found[0].cursor) == found[1:]


def test_a_short_row_has_blanks_and_a_long_one_a_reason() -> None:
    """A row with too many values is named; blanks beyond the last column are nothing."""
    survey, found = surveyed("title,body,slug\na\nb,c,d,,\ne,f,g,h\n")
    assert [row.values for row in found] == [["a", "", ""], ["b", "c", "d"], ["e", "f", "g", "h"]]
    assert [row.problem for row in found] == [
        "",
        "",
        "The row has 4 values; the header has 3 columns. Put quotes around values that hold a comma.",
    ]
    assert survey.problems == 1


def test_a_character_0_is_a_fault_of_its_row() -> None:
    """No database keeps it, so its row says so before anything is tried."""
    _survey, found = surveyed("title,body\na,b\0c\nd,e\n")
    assert ["number 0" in row.problem for row in found] == [True, False]


def test_columns_by_the_hundred_emoji_and_right_to_left() -> None:
    """Wide tables and any script are read."""
    rows = [[f"column {number}" for number in range(300)], ["👩‍👩‍👧‍👦", "שלום עולם", "مرحبا", *["x"] * 297]]
    assert values(delimited(rows, ";")) == [rows[1]]


def test_a_cell_of_a_megabyte() -> None:
    """Long values are read whole."""
    cell = "é\n" * 500_000
    assert values(delimited([["a", "b"], [cell, "x"]])) == [[cell, "x"]]


@override_settings(CONSOLE={"IMPORT_MAX_CELL": 150_000})
@pytest.mark.parametrize(
    "text", ["a,b\nc,d\nx," + "y" * 150_001, "a,b\nc,d\nx," + "y" * 700_000, 'a,b\nc,d\nx,"' + "y\n" * 400_000]
)
def test_refuses_a_value_beyond_the_limit(text: str) -> None:
    """A value that does not end is not taken into memory."""
    with pytest.raises(TooLongCell, match="Row"):
        surveyed(text)


def test_refuses_a_quote_that_is_never_closed() -> None:
    """What follows it is not swallowed in silence."""
    with pytest.raises(OpenQuote, match="Row 3"):
        surveyed('a,b\nc,d\n"e,f\ng,h\ni,j\n')


def test_names_the_row_of_bytes_that_are_not_text() -> None:
    """A stray byte in a text that is UTF-8 otherwise is where people look for it."""
    with pytest.raises(Undecodable, match="Row 4 holds bytes that are not UTF-8"):
        surveyed("a,b\né,ü\nñ,õ\n".encode() + b"x\xe9,y\n")


@override_settings(CONSOLE={"IMPORT_MAX_ROWS": 2, "IMPORT_MAX_COLUMNS": 3})
def test_refuses_more_rows_or_columns_than_are_allowed() -> None:
    """The limits are said."""
    with pytest.raises(TooManyRows, match=r"It has 3 rows; CSV is limited to 2\. Split it\."):
        surveyed("a,b\n1,x\n2,y\n3,z\n")
    with pytest.raises(TooManyColumns, match="4 columns; the limit is 3"):
        surveyed("a,b,c,d\nw,x,y,z\n")


def test_begins_at_the_first_row_without_a_cursor() -> None:
    """The cursor before the first row is where the heading ends."""
    content = b"a,b\nc,d\n"
    survey, found = surveyed(content)
    assert survey.layout.start == Cursor(1, 4)
    assert after(content, survey.layout, survey.layout.start) == found
