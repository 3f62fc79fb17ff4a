"""Pages that staff look at all day cost the same queries, however much they show."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.engine.acceptance import start
from console.models import Run
from notes.operations import ArchiveNotes
from tests.admin.running import failing, make_notes, page_of, signed_in

pytestmark = pytest.mark.django_db(transaction=True)
RUNS, NOTES = "/admin/console/run/", "/admin/notes/note/"


@pytest.fixture
def client() -> Client:
    """The browser of a superuser."""
    return signed_in(User.objects.create_superuser("ana"))


def queries(client: Client, page: str) -> list[str]:
    """Return the queries of a page that has been loaded before."""
    client.get(page)
    with CaptureQueriesContext(connection) as captured:
        client.get(page)
    return [query["sql"] for query in captured]


def archiving(count: int, user: User | None = None) -> None:
    """Start `count` runs, of one note each."""
    for note in make_notes(count):
        start(ArchiveNotes, objects=[note], by=user)


def test_the_list_of_runs_takes_eight_at_most(client: Client) -> None:
    """With three rows, or with sixty."""
    user = User.objects.get()
    archiving(3, user)
    few = queries(client, RUNS)
    archiving(57, user)
    assert Run.objects.count() == 60
    assert len(queries(client, RUNS)) == len(few) <= 8


def test_pending_work_takes_two_on_a_list_of_objects(client: Client) -> None:
    """One for who holds them, one for how far that is."""

    def counted() -> int:
        return len([sql for sql in queries(client, NOTES) if "console_target" in sql or "console_partition" in sql])

    archiving(3)
    assert counted() == 2
    archiving(57)
    assert counted() == 2


def test_the_page_of_a_run_takes_the_same_for_every_number_of_objects_and_failures(client: Client) -> None:
    """Three of them, or sixty."""
    with failing(bad=range(3), count=3) as run:
        few = queries(client, page_of(run))
    with failing(bad=range(60), count=60) as run:
        assert len(queries(client, page_of(run))) == len(few)
