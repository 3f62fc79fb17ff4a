"""Exports through the pages: from a selection or the whole list, to the file on the run's page and after its expiry."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from console.engine import control
from console.engine.acceptance import start
from console.engine.files import remove
from console.models import File, Run
from console.testing import perform, run_pending
from notes.models import Note
from tests.admin import tenancy
from tests.admin.forms import forms, text_of
from tests.admin.running import make_notes, page_of, put_away, signed_in, staff

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.admin.tenancy")]
LIST = "/admin/notes/note/"
WHOLE = f"{LIST}operation/notes.export/all/"


@pytest.fixture
def viewer() -> Client:
    """The browser of somebody who may look at notes, and nothing more."""
    return signed_in(staff("viewer", "notes.view_note"))


def confirmed(browser: Client, address: str, page: Any, **chosen: Any) -> Run:
    """Post the form of a confirmation page, carry its run out, and return that."""
    form = next(form for form in forms(page) if "_key" in dict(form.fields))
    answer = browser.post(address, form.data(**{"format": "csv", **chosen}))
    assert answer.status_code == 302, text_of(answer)
    run_pending()
    return Run.objects.latest("pk")


def rows_of(answer: Any) -> list[dict[str, str]]:
    """Return the rows of a downloaded CSV."""
    data = answer.getvalue().decode("utf-8-sig")
    put_away(answer)
    return list(csv.DictReader(io.StringIO(data, newline="")))


def test_a_selection_is_exported_and_downloaded(viewer: Client) -> None:
    """By somebody who may only look: the action, its page, the run's page with the file above all else, the file."""
    notes = make_notes(3)
    page = viewer.post(LIST, {"action": "notes.export", "_selected_action": [note.pk for note in notes[:2]]})
    said = text_of(page)
    assert "Export 2 notes" in said
    assert "These 2 notes are not changed, and stay free" in said
    assert "No file is made then." in said
    assert "Dry run" not in said
    run = confirmed(viewer, LIST, page)
    shown = viewer.get(page_of(run))
    today = f"{timezone.localdate():%Y-%m-%d}"
    assert f"Download notes-{today}.csv" in text_of(shown)
    assert re.search(r"2 rows, \d+ bytes\. Kept until ", text_of(shown).replace("\xa0", " "))
    assert "Cells that begin with =, +, - or @ carry an apostrophe." in text_of(shown)
    assert shown.content.index(b"Download notes-") < shown.content.index(b"Asked by")
    assert [row["slug"] for row in rows_of(viewer.get(page_of(run, "output")))] == [note.slug for note in notes[:2]]


def test_the_list_has_a_button_for_all_that_it_shows(viewer: Client) -> None:
    """Filtered as it is: what does not match is not in the file."""
    notes = make_notes(4)
    Note.all_objects.filter(pk=notes[0].pk).update(title="Garden", slug="garden")
    listed = viewer.get(LIST, {"q": "Note"})
    assert f'href="{WHOLE}?q=Note"' in listed.content.decode()
    page = viewer.get(WHOLE, {"q": "Note"})
    assert "Export 3 notes" in text_of(page)
    run = confirmed(viewer, f"{WHOLE}?q=Note", page, columns=["slug", "title"])
    rows = rows_of(viewer.get(page_of(run, "output")))
    assert [row["slug"] for row in rows] == [note.slug for note in notes[1:]]
    assert list(rows[0]) == ["slug", "title"]


def test_an_empty_list_starts_nothing(viewer: Client) -> None:
    """And says why."""
    answer = viewer.get(WHOLE, {"q": "nothing like it"}, follow=True)
    assert "No note matches. Nothing was started." in text_of(answer)
    assert not Run.objects.exists()


def test_a_filter_that_the_list_does_not_know_leads_back(viewer: Client) -> None:
    """As Django does."""
    make_notes(1)
    assert viewer.get(WHOLE, {"nonsense__exact": "1"}).status_code == 302


def test_only_what_reads_has_a_button_for_the_whole_list() -> None:
    """Others begin with a selection."""
    browser = signed_in(staff("root", is_superuser=True))
    make_notes(1)
    assert browser.get(f"{LIST}operation/notes.delete/all/").status_code == 404


def test_nobody_exports_what_they_may_not_see() -> None:
    """Without the permission there is no action, no button and no page; a tenant's whole list is theirs alone."""
    stranger = signed_in(staff("stranger", "notes.add_note", "notes.view_tag"))
    assert stranger.get(WHOLE).status_code == 403
    world = tenancy.world()
    page = world.browser.get("/tenants/notes/note/operation/notes.export/all/")
    assert "Export 1 note" in text_of(page)
    run = confirmed(world.browser, "/tenants/notes/note/operation/notes.export/all/", page)
    rows = rows_of(world.browser.get(f"/tenants/console/run/{run.pk}/output/"))
    assert [row["slug"] for row in rows] == ["mine"]


def test_an_expired_file_says_so_and_can_be_made_again(viewer: Client) -> None:
    """With the same objects and columns."""
    notes = make_notes(2)
    page = viewer.post(LIST, {"action": "notes.export", "_selected_action": [note.pk for note in notes]})
    run = confirmed(viewer, LIST, page, columns=["slug"])
    File.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    for _ in ("expired", "cleaned up"):
        said = text_of(viewer.get(page_of(run)))
        assert "The file was deleted on" in said
        assert "Export again…" in said
        assert "Download" not in said
        remove(File.objects.all())
    again = viewer.get(page_of(run, "again"))
    run = confirmed(viewer, page_of(run, "again"), again, columns=["slug"])
    assert list(rows_of(viewer.get(page_of(run, "output")))[0]) == ["slug"]


def test_a_cancelled_export_says_that_no_file_was_made() -> None:
    """Nothing is “kept” of it."""
    browser = signed_in(staff("root", is_superuser=True))
    run = start("notes.export", objects=make_notes(3), params={"format": "csv"})
    control.cancel(run.pk)
    said = text_of(browser.get(page_of(run)))
    assert "No file was made." in said
    assert "done and kept" not in said


def test_a_file_that_is_closed_to_its_reader_is_not_offered() -> None:
    """A tenant sees the run that worked on a note of hers, and not the file with the notes of others."""
    world = tenancy.world()
    run = perform(start("notes.export", by=world.root, objects=[world.mine, world.theirs], params={"format": "csv"}))
    address = f"/tenants/console/run/{run.pk}/change/"
    said = html.unescape(text_of(world.browser.get(address)))
    assert "this file is closed to you" in said
    assert "Download notes" not in said
    assert "Download notes" in text_of(signed_in(world.root).get(address))
