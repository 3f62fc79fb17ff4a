"""The import of a file in a real browser, with a real worker."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from console.models import Run
from notes.models import Note
from tests.browser.staff import NOTES, Visitor
from tests.imports.files import as_csv
from tests.processes import Processes

pytestmark = [pytest.mark.browser, pytest.mark.processes]

AUTHORED = ("Code", "title", "author")
ROWS = 400


def test_from_a_file_to_its_report(
    processes: Processes, visitor: Visitor, ana: User, tmp_path: Path, trouble: list[str]
) -> None:
    """Upload, choose a column, see the preview come by itself, import, watch the counts, have the failed row."""
    Note.objects.create(slug="row-1", title="Old")
    authors = {2: "J. Smiht"}
    rows = [[f"row-{n}", f"Title {n}", authors.get(n, "")] for n in range(1, ROWS + 1)]
    file = tmp_path / "notes.csv"
    file.write_bytes(as_csv(rows, AUTHORED) + b"\n" * 60_000)  # too long to be previewed by the request itself
    processes.broker.start()
    processes.worker()

    page = visitor.page
    visitor.open(NOTES)
    visitor.follow("Import…")
    page.get_by_label("File:").set_input_files(file)
    visitor.press("Upload")
    page.get_by_label("Field for the column Code").select_option("slug")
    visitor.press("Preview")
    expect(page.locator(".console-facts .console-chip").first).to_contain_text("Succeeded")
    expect(page.locator("[data-field=sentence]")).to_contain_text("399 of 400 rows can be imported, 1 would fail.")
    assert Note.objects.count() == 1

    page.locator(".console-tabs a", has_text="Changed").click()
    expect(page.locator(".console-changes del")).to_contain_text("Old")
    visitor.press("Import 399 rows")
    expect(page.locator("[data-field=sentence]")).to_contain_text("399 imported, 1 failed. Your file is untouched.")
    expect(page.locator("[data-count=new]")).to_have_text("398")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the 1 failed row (CSV)").click()
    assert "J. Smiht" in Path(download.value.path()).read_text()
    assert Note.objects.count() == ROWS - 1
    assert Run.objects.count() == 2
    assert trouble == []
