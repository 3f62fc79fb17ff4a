"""The report of failed rows: the original columns, what was wrong, whose rows they are; and known again when it comes back."""

from __future__ import annotations

import pytest
from django.test import override_settings

from console.tables import mended_row, mending_headings
from tests.tables.files import delimited, surveyed
from tests.tables.workbooks import xlsx

ORIGINALS = ["title", "body", "title"]


def report(originals: list[str] = ORIGINALS) -> list[list[object]]:
    """Return a report of two failed rows of run 1204."""
    return [
        list(mending_headings(originals, 1204)),
        mended_row(["a", "b", "c"], 3, "The slug is taken.", 7),
        mended_row(["d"], 3, "No author is called “J. Smiht”.", 214),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_is_known_again_from_text(delimiter: str) -> None:
    """Whatever a spreadsheet program saves it as; the error and the number are marked, the rest is as it was."""
    survey, rows = surveyed(delimited(report(), delimiter))
    assert survey.report == 1204
    assert [column.heading for column in survey.columns if not column.role] == ORIGINALS
    assert [column.role for column in survey.columns] == ["", "", "", "error", "origin"]
    assert [row.values for row in rows] == [
        ["a", "b", "c", "The slug is taken.", "7"],
        ["d", "", "", "No author is called “J. Smiht”.", "214"],
    ]


def test_is_known_again_from_a_workbook() -> None:
    """Also where the columns were put in another order."""
    survey, _rows = surveyed(xlsx([list(reversed(row)) for row in report()]))
    assert survey.report == 1204
    assert [column.role for column in survey.columns] == ["origin", "error", "", "", ""]


def test_an_error_column_of_their_own_stays_a_column() -> None:
    """Only ours is ignored."""
    survey, _rows = surveyed(delimited(report(["title", "Error", "body"])))
    assert [(column.heading, column.role) for column in survey.columns] == [
        ("title", ""),
        ("Error", ""),
        ("body", ""),
        ("error of run 1204", "error"),
        (survey.columns[4].heading, "origin"),
    ]


def test_is_not_believed_without_its_signature() -> None:
    """Another run's number under our signature, and a site with another key."""
    forged = delimited(report()).replace("run 1204", "run 1205")
    survey, _rows = surveyed(forged)
    assert survey.report is None
    assert not any(column.role for column in survey.columns)
    content = delimited(report())
    with override_settings(SECRET_KEY="another"):
        assert surveyed(content)[0].report is None


def test_values_beyond_the_last_column_are_kept_in_sight() -> None:
    """Behind the two columns, so that nothing is lost, and the row fails again until they are put right."""
    row = mended_row(["a", "b", "c", "d"], 3, "The row has 4 values.", 9)
    assert row == ["a", "b", "c", "The row has 4 values.", 9, "d"]
    _survey, rows = surveyed(delimited([mending_headings(ORIGINALS, 1), row]))
    assert "6 values" in rows[0].problem
