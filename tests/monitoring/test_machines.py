"""What other programs ask: readiness with the failing parts named, this process alone, and numbers as Prometheus reads them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from console.models import Heartbeat, Queue
from console.monitoring import metrics
from console.monitoring.signs import Sign
from console.monitoring.watching import watch
from tests.admin.running import copying, failing, in_every_state, operator

pytestmark = pytest.mark.django_db(transaction=True)


def alive() -> None:
    """Let a worker of each queue and a scheduler give signs of life, and look."""
    for queue in ("bulk", "control"):
        Sign(Heartbeat.Kind.WORKER, f"{queue}@here", (queue,), pool="prefork").renew()
    Sign(Heartbeat.Kind.SCHEDULER, "beat@here").renew()
    watch()


def scrape() -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return the numbers of ``/metrics`` by name and labels, read by Prometheus' own parser."""
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return {
        family.name: {tuple(sorted(sample.labels.items())): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(answer.content.decode())
    }


def test_all_parts_work() -> None:
    """200, and each part by name; nobody needs to sign in."""
    alive()
    answer = Client().get("/health/")
    parts = dict.fromkeys(("database", "migrations", "broker", "workers", "scheduler", "wake-ups"), True)
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "failing": [], "parts": parts, "urgent_findings": 0}


def test_a_part_that_fails_is_named() -> None:
    """503; whoever asks for other parts alone hears of those."""
    alive()
    Heartbeat.objects.filter(name="bulk@here").delete()
    Queue.objects.create(name="bulk", depth=None, looked_at=Heartbeat.objects.all()[0].seen_at)
    watch()
    answer = Client().get("/health/")
    assert answer.status_code == 503
    assert answer.json()["failing"] == ["broker", "workers"]
    only = Client().get("/health/", {"parts": "database,migrations"})
    assert (only.status_code, only.json()["parts"]) == (200, {"database": True, "migrations": True})


def test_with_nobody_alive_workers_and_scheduler_fail() -> None:
    """Though nobody is there to write it down."""
    assert Client().get("/health/").json()["failing"] == ["scheduler", "workers"]


def test_a_database_that_is_away_is_named_and_the_process_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer comes all the same; that of this process alone asks nothing."""
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "NAME", "/nowhere/to/be/found")
        away.setitem(connection.settings_dict, "PORT", "1")
        connection.close()
        answers = [Client().get(path) for path in ("/health/", "/health/live/", "/metrics")]
        connection.close()
    assert [answer.status_code for answer in answers] == [503, 200, 503]
    assert answers[0].json()["failing"] == ["database"]


def test_being_alive_takes_no_query(django_assert_num_queries: Any) -> None:
    """It is asked every second."""
    with django_assert_num_queries(0):
        assert Client().get("/health/live/").json() == {"status": "ok"}


def test_prometheus_reads_the_numbers() -> None:
    """Runs by operation and state, queues, processes, failures, holds, findings."""
    alive()
    Queue.objects.create(name="bulk", depth=7, round_trip=2.5)
    copying()
    with failing(bad=range(3), count=5) as run:
        numbers = scrape()
    copy = (("operation", "notes.copy"), ("state", "queued"))
    assert numbers["console_runs_active"][copy] == 1
    assert numbers["console_runs_ended_last_day"][("operation", run.operation), ("state", "succeeded")] == 1
    assert numbers["console_run_mean_seconds_last_day"][(("operation", run.operation),)] >= 0
    assert numbers["console_queue_depth"][(("queue", "bulk"),)] == 7
    assert numbers["console_queue_round_trip_seconds"][(("queue", "bulk"),)] == 2.5
    assert numbers["console_queue_runs_waiting"][(("queue", "bulk"),)] == 1
    assert numbers["console_queue_workers"][(("queue", "bulk"),)] == 1
    assert 0 <= numbers["console_heartbeat_age_seconds"][("kind", "scheduler"), ("name", "beat@here")] < 60
    assert numbers["console_failed_items_last_day"][("kind", "failed"), ("operation", run.operation)] == 3
    assert numbers["console_held_objects"][(("hold", "shared"),)] == 3
    assert numbers["console_wakeups_overdue"][()] == 0
    assert numbers["console_findings"][(("severity", "urgent"),)] == 0


def test_a_scrape_takes_the_same_queries_however_much_there_is() -> None:
    """Few runs, or one in every state and more."""

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            scrape()
        return len(captured)

    alive()
    few = queries()
    for _n in range(5):
        copying()
    assert in_every_state(operator(), lambda _run: queries()).popitem()[1] == few


def test_without_the_library_the_address_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what to install."""
    monkeypatch.setattr(metrics, "CollectorRegistry", None)
    answer = Client().get("/metrics")
    assert answer.status_code == 501
    assert "pip install django-operations-console[metrics]" in answer.content.decode()


def test_a_token_is_asked_for_where_one_is_set(settings: Any) -> None:
    """Numbers may be nobody else's business."""
    settings.CONSOLE = {**settings.CONSOLE, "METRICS_TOKEN": "of the site"}
    assert Client().get("/metrics").status_code == 403
    assert Client().get("/metrics", headers={"authorization": "Bearer of another"}).status_code == 403
    assert Client().get("/metrics", headers={"authorization": "Bearer of the site"}).status_code == 200


@pytest.mark.parametrize("path", ["/health/", "/health/live/", "/metrics"])
def test_only_reading_is_allowed_and_nothing_is_kept(path: str) -> None:
    """An answer of a minute ago is a wrong one."""
    assert Client().post(path).status_code == 405
    assert "no-store" in Client().get(path).headers["Cache-Control"]
