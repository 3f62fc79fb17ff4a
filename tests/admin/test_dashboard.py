"""The dashboard: is it working, what waits, why, since when, what to press; the same number of queries, however much there is."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.engine.acceptance import start
from console.models import Heartbeat, Queue, Run
from console.monitoring.signs import Sign
from console.monitoring.watching import watch
from notes.operations import ArchiveNotes
from tests.admin.running import OPERATOR, VIEW, copying, failing, make_notes, signed_in, staff
from tests.schedules.kit import NIGHTLY, scheduled

pytestmark = pytest.mark.django_db(transaction=True)
PAGE, JSON = "/admin/console/", "/admin/console/run/dashboard/"


@pytest.fixture
def root() -> User:
    """A superuser."""
    return User.objects.create_superuser("ana", first_name="Ana", last_name="Lima")


@pytest.fixture
def client(root: User) -> Client:
    """The browser of the superuser."""
    return signed_in(root)


def alive() -> None:
    """Let a worker of each queue and a scheduler give signs of life, and look."""
    for queue in ("bulk", "control"):
        Sign(Heartbeat.Kind.WORKER, f"{queue}@here", (queue,), concurrency=2, pool="prefork").renew()
    Sign(Heartbeat.Kind.SCHEDULER, "beat@here").renew()
    watch()


def text(client: Client, page: str = PAGE) -> str:
    """Return a page."""
    answer = client.get(page)
    assert answer.status_code == 200
    return answer.content.decode()


def test_all_is_well(client: Client) -> None:
    """One sentence first; no findings; every process by name."""
    alive()
    page = text(client)
    assert "All is well. 0 runs working, 0 waiting, newest sign of life 0 s ago." in page
    assert "No findings." in page
    assert "beat@here" in page
    assert "0 of 2" in page


def test_what_is_wrong_is_told_with_its_cure_and_the_command_to_copy(client: Client) -> None:
    """And what waits for it, with its reason."""
    alive()
    Heartbeat.objects.filter(name="bulk@here").delete()
    run = copying()
    watch()
    page = text(client)
    assert "1 thing needs you." in page
    assert "No worker serves the queue “bulk”." in page
    assert "<code>celery -A &lt;project&gt; worker -Q bulk -n bulk@%h</code>" in page
    assert f"{run.pk} Copy" in page
    assert "it starts by itself when one is back" in page
    alive()
    page = text(client)
    assert "<s>No worker serves the queue “bulk”.</s>" in page
    assert "All is well." in page


def test_failures_are_grouped_with_a_way_to_see_and_to_retry_them(client: Client) -> None:
    """By operation and by reason, over the runs of a day."""
    with failing(bad=range(3), count=5) as run:
        page = text(client)
        group = run.failures.all()[0].group
        assert f'href="/admin/console/run/{run.pk}/retry/?group={group}"' in page
        assert f'href="/admin/console/run/{run.pk}/change/?group={group}#failures"' in page
        assert run.failures.all()[0].reason in page


def test_schedules_that_are_overdue_are_listed(client: Client) -> None:
    """With the way to them."""
    schedule = scheduled("notes.statistics", NIGHTLY)  # due long ago by the test's own clock
    assert f'/admin/django_celery_beat/periodictask/{schedule.task_id}/change/">' in text(client)


def test_the_json_says_what_the_page_says(client: Client) -> None:
    """Drawn by the same template, so that every state is rendered in one place."""
    Queue.objects.create(name="bulk", depth=7, round_trip=2)
    copying()
    watch()
    page, answer = text(client), client.get(JSON).json()
    assert set(answer) == {"sentence", "findings", "html", "poll_ms", "server_time"}
    assert answer["sentence"] in page
    assert answer["findings"][0]["severity"] == "urgent"
    assert [part for part in answer["html"].split() if part.startswith("data-live")] == [
        part for part in page.split() if part.startswith("data-live")
    ]


@pytest.mark.parametrize("path", [PAGE, JSON, "/admin/"])
def test_takes_the_same_queries_however_much_there_is(client: Client, root: User, path: str) -> None:
    """Few runs, findings, queues, workers and failures, or many."""

    def queries() -> list[str]:
        client.get(path)
        with CaptureQueriesContext(connection) as captured:
            client.get(path)
        return [query["sql"] for query in captured]

    def more(count: int) -> None:
        for note in make_notes(count):
            start(ArchiveNotes, objects=[note], by=root)
        for n in range(count):
            Sign(Heartbeat.Kind.WORKER, f"worker {count} {n}", (f"queue {n}",)).renew()
            Queue.objects.get_or_create(name=f"queue {n}")
        watch()

    alive()
    with failing(bad=range(2), count=2), failing(bad=range(3), count=3):
        more(2)
        few = queries()
        more(30)
        assert Run.objects.count() > 30
        many = queries()
        assert len(many) == len(few), set(map(str, many)) ^ set(map(str, few))


def test_those_without_a_permission_of_the_console_find_nothing() -> None:
    """Neither the page nor its numbers nor the summary on the admin's index."""
    viewer = signed_in(staff("viewer", VIEW))
    assert viewer.get(PAGE).status_code == viewer.get(JSON).status_code == 404
    assert "console-summary" not in text(viewer, "/admin/")


def test_the_admins_index_has_the_sentence_what_is_urgent_and_my_latest_runs() -> None:
    """Only my own, five at most."""
    user = staff("operator", *OPERATOR)
    for _n in range(6):
        mine = copying(user)
    other = copying(staff("other", *OPERATOR))
    watch()
    page = text(signed_in(user), "/admin/")
    assert "things need you." in page
    assert "No worker serves the queue “bulk”." in page
    assert page.count("/admin/console/run/") >= 5
    assert f"{mine.pk} Copy" in page
    assert f"{other.pk} Copy" not in page


def test_nobody_is_shown_the_runs_and_reasons_of_what_is_hidden_from_them(root: User) -> None:
    """A person who may see runs of no objects at all."""
    with failing(bad=range(2), count=2) as run:
        stranger = signed_in(staff("stranger", "console.view_run"))
        page = text(stranger)
        assert run.failures.all()[0].reason not in page
        assert f"/run/{run.pk}/" not in page
        assert stranger.get(JSON).json()["html"].count("/admin/console/run/") <= 1
