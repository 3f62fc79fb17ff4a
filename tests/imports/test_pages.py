"""The import through its pages, without JavaScript: file, columns, preview, import, report."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from console.models import Run
from console.testing import assert_succeeded, perform
from notes.models import Note
from tests.admin.forms import forms, only_form, text_of
from tests.admin.running import page_of, signed_in
from tests.imports.files import as_csv, rows_of_notes

pytestmark = [pytest.mark.django_db(transaction=True)]
LIST = "/admin/notes/note/"
UPLOAD = f"{LIST}operation/notes.import/"


@pytest.fixture
def client() -> Client:
    """The browser of somebody who may do everything."""
    return signed_in(User.objects.create_superuser("ana"))


def upload(client: Client, content: bytes, name: str = "notes.csv") -> HttpResponse:
    """Upload a file on the first page, and return the page that follows."""
    return client.post(UPLOAD, {"file": SimpleUploadedFile(name, content)}, follow=True)


def preview(client: Client, page: HttpResponse, **typed: Any) -> HttpResponse:
    """Press “Preview” on the columns page, and return the page that follows."""
    form = only_form(page)
    return client.post(page.request["PATH_INFO"], form.data("Preview", **typed), follow=True)


def run_of(page: HttpResponse) -> Run:
    """Return the run that a page shows."""
    return page.context["run"]


def test_from_the_button_to_the_report(client: Client) -> None:
    """The whole way: the list's button, a file, its columns guessed, a preview at once, the import, its report."""
    Note.objects.create(slug="row-1", title="Old", body="Body 1")
    assert f'href="{UPLOAD}"' in client.get(LIST).content.decode()
    page = upload(client, as_csv(rows_of_notes(3)))
    assert "Columns of notes.csv" in text_of(page)
    page = preview(client, page)
    assert (run_of(page).dry_run, run_of(page).state) == (True, "succeeded")
    assert "New 2 Changed 1 Unchanged 0 Failing 0" in text_of(page)
    assert Note.objects.count() == 1
    form = next(form for form in forms(page) if "Import 3 rows" in form.texts())
    page = client.post(page_of(run_of(page), "start"), form.data("Import 3 rows"), follow=True)
    run = perform(run_of(page))
    assert_succeeded(run)
    assert "3 imported" in text_of(client.get(page_of(run)))
    assert Note.objects.get(slug="row-1").title == "Title 1"
