"""What is pending on the objects of a list, and the panel of an object's runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.admin.panel import panel
from console.engine import control
from console.engine.acceptance import start
from console.models import Run
from console.operations import Hold, Skip
from console.testing import declared, hold, perform
from notes.models import Note
from notes.operations import ArchiveNotes, CopyNotes
from tests.admin.forms import text_of
from tests.admin.running import VIEW, failing, make_notes, operator, signed_in, staff
from tests.engine.kit import chunk, must_win

pytestmark = pytest.mark.django_db
LIST = "/admin/notes/note/"


@pytest.fixture
def client() -> Client:
    """The browser of a superuser."""
    return signed_in(User.objects.create_superuser("ana"))


def shown(client: Client, query: str = "") -> set[str]:
    """Return the titles on the list."""
    return {note.title for note in client.get(f"{LIST}{query}").context["cl"].result_list}


class TestTheColumn:
    """“Pending work”."""

    def test_links_to_the_run(self, client: Client) -> None:
        """With how far it is."""
        with hold(make_notes(1)[0], label="Update tags") as run:
            page = client.get(LIST)
            assert "Locked Update tags, 0 %" in text_of(page)
            assert f'<a href="/admin/console/run/{run.pk}/change/">Update tags' in page.content.decode()

    @pytest.mark.urls("tests.admin.editing")
    def test_stands_where_the_project_says_or_else_last(self, client: Client) -> None:
        """Once, and nobody can sort by it."""
        make_notes(1)
        ours, theirs = client.get(LIST).context["cl"], client.get("/editing/notes/note/").context["cl"]
        assert ours.list_display[2] == "pending_work"
        assert ours.list_display.count("pending_work") == 1
        assert theirs.list_display[-1] == "pending_work"
        assert "sortable column-pending_work" not in client.get(LIST).content.decode()

    def test_does_not_stop_the_counts_of_the_filters(self, client: Client) -> None:
        """Django's facets."""
        start(ArchiveNotes, objects=make_notes(3)[:1])
        assert "Locked now (1)" in text_of(client.get(f"{LIST}?_facets=True"))

    def test_the_list_leads_to_the_runs_of_its_model(self, client: Client) -> None:
        """By an object tool."""
        start(ArchiveNotes, objects=make_notes(1))
        address = "/admin/console/run/?model=notes.note"
        assert f'href="{address}"' in client.get(LIST).content.decode()
        assert client.get(address).context["cl"].result_count == 1

    def test_counts_the_others(self, client: Client) -> None:
        """Several runs may read an object."""
        (note,) = make_notes(1)
        with hold(note, Hold.SHARED), hold(note, Hold.SHARED), hold(note, Hold.SHARED):
            assert "+2" in text_of(client.get(LIST))

    def test_is_empty_where_nothing_is_pending(self, client: Client) -> None:
        """Ended runs are history."""
        notes = make_notes(2)
        perform(start(ArchiveNotes, objects=notes))
        assert "console-pending" not in client.get(LIST).content.decode()

    def test_has_nothing_to_ask_of_a_list_without_rows(self, client: Client) -> None:
        """A search that finds nothing, or a filter that leaves nothing, is a page like any other."""
        make_notes(1)
        assert client.get(f"{LIST}?q=nothing+like+it").context["cl"].result_count == 0

    def test_costs_the_same_for_every_length_of_list(self, client: Client) -> None:
        """Queries do not grow with rows."""

        def count() -> int:
            with CaptureQueriesContext(connection) as queries:
                client.get(LIST)
            return len(queries)

        start(ArchiveNotes, objects=make_notes(2))
        count()
        few = count()
        for note in make_notes(20):
            start(ArchiveNotes, objects=[note])
        assert count() == few


class TestTheFilter:
    """“By pending work”."""

    @pytest.fixture(autouse=True)
    def _work(self) -> None:
        """A locked note, one in use, one that failed, one that nobody touches."""
        locked, used, failed, _free = make_notes(4)
        start(ArchiveNotes, objects=[locked])
        start(CopyNotes, objects=[used], params={"copies": 1})
        Note.objects.filter(pk=failed.pk).update(title="failed")
        with failing(count=1) as run:
            run.targets.update(object_id=str(failed.pk))
        Note.objects.exclude(pk__in=[locked.pk, used.pk, failed.pk, _free.pk]).delete()

    @pytest.mark.parametrize(
        ("choice", "expected"),
        [
            ("locked", {"Note 1"}),
            ("pending", {"Note 1", "Note 2"}),
            ("none", {"failed", "Note 4"}),
            ("failed", {"failed"}),
            ("nonsense", {"Note 1", "Note 2", "failed", "Note 4"}),
        ],
    )
    def test_shows(self, client: Client, choice: str, expected: set[str]) -> None:
        """What it says."""
        assert shown(client, f"?pending_work={choice}") == expected


class TestThePanel:
    """“Runs on this note”."""

    def page(self, client: Client, note: Note) -> str:
        """Return the words of the note's page."""
        return text_of(client.get(f"{LIST}{note.pk}/change/"))

    def test_is_empty_in_words(self, client: Client) -> None:
        """Where nothing ever happened."""
        (note,) = make_notes(1)
        assert "No run has worked on this note yet." in self.page(client, note)

    def test_shows_the_pending_first_then_the_latest(self, client: Client) -> None:
        """Ten at most of those that have ended, and how many there are in all."""
        (note,) = make_notes(1)
        for _time in range(12):
            perform(start(ArchiveNotes, objects=[note]))
        pending = start(ArchiveNotes, objects=[note])
        request = client.get(LIST).wsgi_request
        found = panel(request, client.get(LIST).context["cl"].model_admin.admin_site, note)
        assert [row.run.pk for row in found.rows] == [pending.pk, *range(pending.pk - 1, pending.pk - 11, -1)]
        assert found.total == 13
        words = self.page(client, note)
        assert "Runs (13)" in words
        assert "All 13 runs of this note" in words
        assert client.get(found.url).context["cl"].result_count == 13

    def test_says_what_each_did(self, client: Client) -> None:
        """Done, left out with its reason, not reached."""
        (note,) = make_notes(1)
        perform(start(CopyNotes, objects=[note], params={"copies": 1}))

        def process(_operation: Any, chunk: Sequence[Note]) -> dict[int, Skip]:
            return {note.pk: Skip(note, "It was fine before.") for note in chunk}

        with declared(Note, process) as operation:
            perform(start(operation, objects=[note]))
        control.cancel(start(ArchiveNotes, objects=[note]).pk)
        start(ArchiveNotes, objects=[note])
        words = self.page(client, note)
        for effect in ("done: 1 copy each", "left out: It was fine before.", "not reached", "not reached yet"):
            assert effect in words

    def test_names_the_copies_that_were_made_of_it(self, client: Client) -> None:
        """As far as the run knows them: it keeps the first ten of all, and says so where there were more."""
        first, second, third = make_notes(3)
        perform(start(CopyNotes, objects=[first], params={"copies": 2}))
        made = Note.objects.latest("pk")
        page = self.page(client, first)
        assert "done: 2 copies each: Note 1, copy 1 · Note 1, copy 2" in page
        assert f"{LIST}{made.pk}/change/" in client.get(f"{LIST}{first.pk}/change/").content.decode()
        perform(start(CopyNotes, objects=[second, third], params={"copies": 9}))
        assert "done: 9 copies each; the first: Note 2, copy 1 · Note 2, copy 2 · " in self.page(client, second)
        assert "done: 9 copies each; the first: Note 3, copy 1 " in self.page(client, third)

    def test_offers_to_leave_the_object_out_while_that_can_be_done(self, client: Client) -> None:
        """To whom it is permitted."""
        (note,) = make_notes(1)
        run = start(ArchiveNotes, objects=[note])
        address = f"/admin/console/run/{run.pk}/withdraw/?target={run.targets.get().pk}"
        page = f"{LIST}{note.pk}/change/"
        assert address in client.get(page).content.decode()
        assert address not in signed_in(staff("viewer", VIEW)).get(page).content.decode()
        chunk(must_win(run))
        assert address not in client.get(page).content.decode()

    def test_tells_how_many_copies_are_made_where_others_are_not(self, client: Client) -> None:
        """Neither done nor untouched: it is begun, and cannot be left out any more; a cancel leaves it so."""
        (note,) = make_notes(1)
        run = start(CopyNotes, objects=[note], params={"copies": 9})
        chunk(must_win(run), 4)
        run_page = f"/admin/console/run/{run.pk}/change/"
        for page in (f"{LIST}{note.pk}/change/", run_page):
            answer = client.get(page)
            assert "begun, 4 done so far" in text_of(answer)
            assert "/withdraw/" not in answer.content.decode()
        run.partitions.update(lease_until=None)
        control.cancel(run.pk)
        for page in (f"{LIST}{note.pk}/change/", run_page):
            assert "begun, 4 done, the rest not" in text_of(client.get(page))

    def test_shows_the_operations_permitted_as_buttons(self) -> None:
        """Three at most, the rest folded; for a viewer what only reads."""
        (note,) = make_notes(1)
        page = f"{LIST}{note.pk}/change/"
        answer = signed_in(operator()).get(page)
        assert len(answer.context["console_buttons"]) == 3
        assert "More operations" in text_of(answer)
        shown = signed_in(staff("viewer", VIEW)).get(page).content.decode()
        assert re.findall(r"/operation/([^/]+)/", shown) == ["notes.export"]

    def test_costs_the_same_however_long_the_history(self, client: Client) -> None:
        """Queries do not grow with runs."""
        (note,) = make_notes(1)

        def count() -> int:
            with CaptureQueriesContext(connection) as queries:
                client.get(f"{LIST}{note.pk}/change/")
            return len(queries)

        for _time in range(2):
            perform(start(ArchiveNotes, objects=[note]))
        count()
        few = count()
        for _time in range(5):
            perform(start(ArchiveNotes, objects=[note]))
        assert Run.objects.count() == 7
        assert count() == few
