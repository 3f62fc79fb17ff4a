"""Numbers that are names – of runs, of objects – are written the same whatever the site does with thousands."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from console.models import Run
from console.operations import Hold
from console.testing import hold
from notes.models import Note
from tests.admin import running
from tests.admin.running import in_every_state, page_of, signed_in, staff

pytestmark = pytest.mark.django_db(transaction=True)

GROUPED = re.compile(r".{0,60}\b\d{1,2},\d{3}\b.{0,20}")


@pytest.fixture(autouse=True)
def _thousands(settings: Any) -> None:
    """Group thousands, and number runs and notes by five digits."""
    settings.USE_THOUSAND_SEPARATOR = True
    with connection.cursor() as cursor:
        for model in (Run, Note):
            table = model._meta.db_table
            if connection.vendor == "postgresql":
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 12345)", [table])
            else:
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, 12345)", [table])


def grouped(response: Any) -> list[str]:
    """Return the places of a page where a number is grouped."""
    return GROUPED.findall(response.content.decode())


def test_on_the_pages_of_runs() -> None:
    """A page that asks for the progress of run 12,346, or every 1,000 ms, would get no answer."""
    user = running.operator()
    browser = signed_in(user)

    def look(run: Run) -> list[str]:
        verbs = browser.get(page_of(run, "progress")).json()["verbs"]
        pages = [browser.get(page_of(run, page)) for page in ("change", *verbs) if page != "withdraw"]
        return [place for page in pages for place in grouped(page)]

    assert {state: places for state, places in in_every_state(user, look).items() if places} == {}
    listed, chosen = reverse("admin:console_run_changelist"), [run.pk for run in Run.objects.all()]
    assert grouped(browser.get(listed)) == []
    assert grouped(browser.post(listed, {"action": "cancel_runs", "_selected_action": chosen})) == []


def test_on_the_pages_of_objects() -> None:
    """What a form posts back must be what it was given."""
    browser = signed_in(staff("operator", *running.OPERATOR, "notes.delete_note"))
    notes, listed = running.make_notes(), reverse("admin:notes_note_changelist")
    with hold(notes[0]), hold(notes[1], Hold.SHARED):
        chosen = [note.pk for note in notes]
        pages = [
            browser.get(listed),
            *(
                browser.get(reverse(f"admin:notes_note_{page}", args=[pk]))
                for page in ("change", "delete")
                for pk in chosen
            ),
            *(
                browser.post(listed, {"action": action, "_selected_action": chosen})
                for action in ("delete_selected", "notes.copy", "notes.archive")
            ),
        ]
    assert [place for page in pages for place in grouped(page)] == []
