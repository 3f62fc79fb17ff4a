"""The pages of an import, walked as a browser without JavaScript does."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from console.models import Run
from console.testing import perform
from tests.admin.forms import Form, forms, only_form
from tests.admin.running import page_of

LIST = "/admin/notes/note/"
UPLOAD = f"{LIST}operation/notes.import/"


def upload(client: Client, content: bytes, name: str = "notes.csv") -> HttpResponse:
    """Upload a file on the first page, and return the page that follows."""
    return client.post(UPLOAD, {"file": SimpleUploadedFile(name, content)}, follow=True)


def press(client: Client, page: HttpResponse, button: str = "Preview", **typed: Any) -> HttpResponse:
    """Press a button of the columns page, and return the page that follows."""
    return client.post(page.request["PATH_INFO"], only_form(page).data(button, **typed), follow=True)


def previewed(client: Client, content: bytes, **typed: Any) -> HttpResponse:
    """Upload a file and press “Preview”, and return the preview's page."""
    return press(client, upload(client, content), **typed)


def confirmation(page: HttpResponse) -> Form | None:
    """Return the form of a preview that starts the import, if there is one."""
    return next((form for form in forms(page) if any(text.startswith("Import ") for text in form.texts())), None)


def imported(client: Client, page: HttpResponse, **typed: Any) -> Run:
    """Press “Import … rows” on a preview's page, and return the run, carried out."""
    form = confirmation(page)
    assert form is not None
    answer = client.post(page_of(run_of(page), "start"), form.data(form.texts()[0], **typed), follow=True)
    return perform(run_of(answer))


def run_of(page: HttpResponse) -> Run:
    """Return the run that a page shows."""
    run: Run = page.context["run"]
    return run


def counts_of(page: HttpResponse) -> dict[str, int]:
    """Return how many rows a run's page counts of each kind."""
    return {tab.label: tab.count for tab in page.context["import_tabs"] if tab.count}
