"""Files of a run: failures as CSV and XLSX; no input and no output where there is none."""

from __future__ import annotations

import csv
import io

import pytest
from openpyxl import load_workbook

from console.models import Failure, Run
from console.tables import neutral
from tests.admin.running import copied, failing, operator, page_of, signed_in, staff

pytestmark = pytest.mark.django_db(transaction=True)


def csv_of(run: Run, **query: str) -> list[dict[str, str]]:
    """Return the rows of a run's failures, as a spreadsheet would read them."""
    answer = signed_in(staff(f"reader{query}", "notes.view_note")).get(page_of(run, "failures.csv"), query)
    assert answer.status_code == 200
    assert answer.streaming
    assert f"run-{run.pk}-failures.csv" in answer.headers["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))


def test_lists_each_failure_with_its_values_and_its_reason() -> None:
    """A row has the object, the reason in the column “error”, and the values that were tried."""
    with failing(bad=(0, 2)) as run:
        rows = csv_of(run)
    assert len(rows) == 2
    assert rows[0]["error"] == "The slug is taken."
    assert rows[0]["object"].startswith("Note ")
    assert rows[0]["slug"].startswith("note-")


def test_takes_the_life_out_of_formulas() -> None:
    """No cell of ours is run by a spreadsheet."""
    with failing() as run:
        (row,) = csv_of(run)
    assert row["title"] == "'=1+1"


@pytest.mark.parametrize("cell", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1+1"])
def test_neutralises_every_beginning_of_a_formula(cell: str) -> None:
    """Text that a spreadsheet would compute gets an apostrophe."""
    assert neutral(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Note", "-5", "+5", "-5,5", 7, None])
def test_leaves_other_cells_alone(cell: object) -> None:
    """Plain text and numbers stay as they are."""
    assert neutral(cell) == cell


def test_writes_the_same_as_xlsx() -> None:
    """The workbook has the rows of the CSV; characters that XLSX cannot hold are replaced."""
    with failing() as run:
        Failure.objects.filter(run=run).update(reason="a\x07b")
        answer = signed_in(operator()).get(page_of(run, "failures.xlsx"))
    sheet = load_workbook(io.BytesIO(b"".join(answer.streaming_content)))["failures"]
    heading, row = sheet.iter_rows(values_only=True)
    cells = dict(zip(heading, row, strict=True))
    assert cells["title"] == "'=1+1"
    assert cells["error"] == "a�b"


def test_gives_one_reason_alone() -> None:
    """The failures of one group can be had by themselves."""
    with failing(bad=(0, 1)) as run:
        Failure.objects.filter(pk=run.failures.first().pk).update(group="other")
        assert len(csv_of(run, group="other")) == 1


def test_answers_with_a_heading_where_nothing_failed() -> None:
    """No failures are an empty table, not an error."""
    assert csv_of(copied()) == []


@pytest.mark.parametrize("page", ["input", "output"])
def test_has_no_file_where_there_is_none(page: str) -> None:
    """A run that read and wrote no file has none to offer."""
    assert signed_in(operator()).get(page_of(copied(), page)).status_code == 404


@pytest.mark.parametrize("page", ["failures.csv", "failures.xlsx", "input", "output"])
def test_closes_files_to_those_who_may_not_see_the_run(page: str) -> None:
    """Files are as private as their run."""
    client = signed_in(staff("stranger", "console.view_run"))
    assert client.get(page_of(copied(), page)).status_code == 403
