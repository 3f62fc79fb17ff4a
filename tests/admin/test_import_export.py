"""The mixin on django-import-export's own ModelAdmin: its templates, buttons and action stay, ours come beside them."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import path
from import_export.admin import ExportActionMixin, ImportExportModelAdmin

from config.urls import urlpatterns as project
from console.admin import OperationsMixin
from console.admin.runs import RunAdmin
from console.models import Run
from console.testing import hold
from notes.models import Note
from tests.admin.forms import forms, text_of
from tests.admin.running import make_notes, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
LIST = "/files/notes/note/"

site = admin.AdminSite(name="files")


@admin.register(Note, site=site)
class ImportedNotes(OperationsMixin, ImportExportModelAdmin, ExportActionMixin):
    """Notes with import, export and operations."""

    fields = ("title", "slug", "body")


site.register(Run, RunAdmin)
urlpatterns = [path("files/", site.urls), *project]


@pytest.fixture
def client() -> Client:
    """The browser of a superuser."""
    return signed_in(User.objects.create_superuser("ana"))


def test_the_list_has_its_buttons_and_ours(client: Client) -> None:
    """Import and export, the runs of the model, the column, and every action."""
    with hold(make_notes(1)[0], label="Update tags"):
        page = client.get(LIST)
        words = text_of(page)
        assert "admin/import_export/change_list_import_export.html" in [template.name for template in page.templates]
        links = re.findall(r"""href=["']([^"'?]*)""", page.content.decode())
        assert {f"{LIST}import/", f"{LIST}export/", "/files/console/run/"} <= set(links)
        assert "Update tags, 0 %" in words
        assert "By pending work" in words
        names = [name for name, _text in page.context["action_form"].fields["action"].choices]
        assert {"export_admin_action", "notes.copy"} <= set(names)


def test_its_action_has_its_own_page(client: Client) -> None:
    """A page that an action of another made is left as it is."""
    (note,) = make_notes(1)
    page = client.post(LIST, {"action": "export_admin_action", "_selected_action": [note.pk]})
    assert page.templates[0].name == "admin/import_export/export.html"
    assert "console/change_list.html" not in [template.name for template in page.templates]


def test_an_operation_starts_from_the_list_and_from_the_form(client: Client) -> None:
    """Confirmation, and the way to the run."""
    (note,) = make_notes(1)
    page = client.post(LIST, {"action": "notes.copy", "index": "0", "_selected_action": [note.pk]})
    assert page.templates[0].name == "console/confirmation.html"
    client.post(LIST, forms(page)[0].data())
    address = f"{LIST}{note.pk}/operation/notes.copy/"
    client.post(address, forms(client.get(address))[0].data())
    assert Run.objects.count() == 2


def test_a_held_form_is_read_only_with_banner_panel_and_buttons(client: Client) -> None:
    """As on a stock ModelAdmin."""
    (note,) = make_notes(1)
    address = f"{LIST}{note.pk}/change/"
    opened = next(form for form in forms(client.get(address)) if form.id == "note_form")
    with hold(note, label="Update tags") as run:
        words = text_of(client.get(address))
        for part in (f"locked by Update tags (run {run.pk})", "Runs on this note", "Copy…", "More operations"):
            assert part in words
        assert "Not saved. This note is locked by" in text_of(client.post(address, opened.data(_save="Save")))
        assert "cannot be deleted yet" in text_of(client.get(f"{LIST}{note.pk}/delete/"))
