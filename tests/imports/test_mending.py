"""The failed rows of an import: downloaded in their own columns, mended, uploaded again, and known for what they are."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from openpyxl import load_workbook

from console.engine.files import remove
from console.models import File, Run
from console.testing import perform
from notes.models import Note
from tests.admin.forms import text_of
from tests.admin.running import page_of, signed_in
from tests.imports.files import as_csv, importing, uploaded
from tests.imports.walking import press, run_of, upload
from tests.tables.workbooks import xlsx

pytestmark = [pytest.mark.django_db(transaction=True)]
HEADINGS = ["slug", "title", "body", "author"]
ROWS = [
    ["good", "Good", "Body", ""],
    ["bad", "=1+1", "one\ntwo", "J. Smiht"],
    ["", "", "", ""],
    ["worse", "W" * 300, "", "nobody"],
]


@pytest.fixture
def client() -> Client:
    """The browser of somebody who may do everything."""
    User.objects.create_user("ana")
    return signed_in(User.objects.create_superuser("chief"))


def failed(content: bytes, headings: list[str] = HEADINGS) -> Run:
    """Return an import of which some rows failed."""
    return perform(importing(content, headings))


def download(client: Client, run: Run, name: str = "failures.csv") -> bytes:
    """Return the report of failed rows."""
    return client.get(page_of(run, name)).getvalue()


def as_rows(content: bytes) -> list[list[str]]:
    """Return what a spreadsheet would show of a CSV."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_the_report_has_the_original_columns_and_the_error(client: Client) -> None:
    """In their order, with the original values, the number of the row, and no formula alive."""
    run = failed(as_csv(ROWS, HEADINGS))
    heading, first, second = as_rows(download(client, run))
    assert heading[:5] == [*HEADINGS, "error"]
    assert heading[5].startswith(f"row of run {run.pk} [")
    assert first[:4] == ["bad", "'=1+1", "one\ntwo", "J. Smiht"]
    assert "J. Smiht" in first[4]
    assert [first[5], second[5]] == ["3", "6"]


def test_the_mended_report_is_uploaded_as_it_is(client: Client) -> None:
    """The page says whose rows they are; the columns of the report are ignored, the formula is itself again."""
    run = failed(as_csv(ROWS, HEADINGS))
    mended = download(client, run).replace(b"J. Smiht", b"ana").replace(b"nobody", b"ana").replace(b"W" * 300, b"Worse")
    page = upload(client, mended, "mended.csv")
    assert f"These are failed rows of run {run.pk}." in text_of(page)
    page = press(client, page)
    assert "New 2" in text_of(page)
    second = perform(importing(mended, [*HEADINGS, "", ""]))
    assert second.done == 2
    assert Note.objects.get(slug="bad").title == "=1+1"
    assert Note.objects.get(slug="bad").body == "one\ntwo"
    assert run_of(page).pk != run.pk


def test_what_fails_again_is_reported_without_the_old_errors(client: Client) -> None:
    """The report of a mended report has the file's own columns, once."""
    first = failed(as_csv(ROWS, HEADINGS))
    again = perform(importing(download(client, first), [*HEADINGS, "", ""]))
    heading, *rows = as_rows(download(client, again))
    assert heading[:5] == [*HEADINGS, "error"]
    assert len(heading) == 6
    assert [row[0] for row in rows] == ["bad", "worse"]


def test_a_workbook_comes_back_with_its_types(client: Client) -> None:
    """Dates and numbers of the original are dates and numbers of the report; the error is written in red."""
    moment = dt.datetime(2026, 5, 3)  # noqa: DTZ001 - a spreadsheet knows no time zone
    values: list[list[Any]] = [["slug", "title", "author", "made"], ["bad", 5, "nobody", moment]]
    file = uploaded(xlsx(values), "notes.xlsx")
    run = perform(importing(b"x", ["slug", "title", "author", ""], params={"file": file.pk}))
    sheet = load_workbook(io.BytesIO(download(client, run, "failures.xlsx")))["failures"]
    row = list(sheet[2])
    assert [cell.value for cell in row[:4]] == ["bad", 5, "nobody", moment]
    assert row[4].font.color.rgb == "FFBA2121"
    assert as_rows(download(client, run))[1][3] == "2026-05-03"


def test_a_row_with_too_many_values_shows_all_of_them(client: Client) -> None:
    """What stood beyond the last column is behind the two that are added."""
    run = failed(b"slug,title,body,author\na,b,c,,surplus\n")
    (_heading, row) = as_rows(download(client, run))
    assert row[:4] == ["a", "b", "c", ""]
    assert row[6] == "surplus"


def test_the_report_outlives_the_file(client: Client) -> None:
    """When the upload has expired, what the failures keep of their rows is given."""
    run = failed(as_csv(ROWS, HEADINGS))
    remove(File.objects.filter(kind=File.Kind.INPUT))
    rows = as_rows(download(client, run))
    assert rows[1][:4] == ["bad", "'=1+1", "one\ntwo", "J. Smiht"]


def test_no_value_is_cut_in_a_workbook_that_will_come_back(client: Client) -> None:
    """A text that no cell of XLSX holds is had from the CSV, whole; nobody imports half of it."""
    body = "x" * 40_000
    run = failed(as_csv([["bad", "Title", body, "nobody"]], HEADINGS))
    page = client.get(page_of(run, "failures.xlsx"), follow=True)
    assert "Not downloaded as XLSX: row 2 of the report has a value" in text_of(page)
    assert as_rows(download(client, run))[1][2] == body
