"""Progress as JSON: of one run, and of all for the header and the lists."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from console.engine import control
from console.models import Run
from console.states import State
from tests.admin.running import (
    VIEW,
    copied,
    copying,
    failing,
    fall_silent,
    meanwhile,
    operator,
    page_of,
    signed_in,
    staff,
    waiting,
)

pytestmark = pytest.mark.django_db(transaction=True)

SUMMARY = reverse("admin:console_run_summary")
KEYS = {
    "id", "operation", "label", "state", "sentence", "why", "preparing", "dry_run", "total", "done", "failed",
    "skipped", "counts", "percent", "rate", "eta_seconds", "attempt", "next_attempt_at", "finished_at", "verbs",
    "version", "poll_ms", "server_time",
}  # fmt: skip


def test_has_the_contracts_keys_and_no_others() -> None:
    """Other programs rely on these keys."""
    user = operator()
    run = copying(user)
    answer = signed_in(user).get(page_of(run, "progress")).json()
    assert set(answer) == KEYS
    assert (answer["id"], answer["operation"], answer["state"]) == (run.pk, "notes.copy", "queued")
    assert (answer["total"], answer["done"], answer["percent"]) == (6, 0, 0)
    assert answer["verbs"] == ["cancel", "pause", "withdraw"]
    assert answer["poll_ms"] == 1000


def test_ends_with_a_hundred_percent_and_no_more_polling() -> None:
    """An ended run says when it finished, and that there is nothing more to hear."""
    user = operator()
    answer = signed_in(user).get(page_of(copied(user), "progress")).json()
    assert (answer["state"], answer["done"], answer["percent"], answer["poll_ms"]) == ("succeeded", 6, 100, 0)
    assert answer["finished_at"] is not None


def test_counts_down_to_the_next_try() -> None:
    """A waiting run tells its try, the moment of the next, and why."""
    user = operator()
    with waiting(user) as run:
        answer = signed_in(user).get(page_of(run, "progress")).json()
    assert answer["state"] == "waiting"
    assert answer["attempt"] == 1
    assert answer["next_attempt_at"] > answer["server_time"]
    assert answer["sentence"].startswith("The newsletter service is away. Try 2 of 5 in ")


def test_changes_its_version_with_every_act() -> None:
    """The page is fetched again when more than numbers has changed."""
    user = operator()
    run = copying(user)
    client = signed_in(user)
    versions = [client.get(page_of(run, "progress")).json()["version"]]
    control.pause(run.pk, by=user)
    versions.append(client.get(page_of(run, "progress")).json()["version"])
    control.resume(run.pk, by=user)
    versions.append(client.get(page_of(run, "progress")).json()["version"])
    assert len(set(versions)) == 3


def test_shows_only_the_verbs_that_the_person_may_use() -> None:
    """The list of verbs is that of the person who asks."""
    run = copying()
    assert signed_in(staff("viewer", VIEW)).get(page_of(run, "progress")).json()["verbs"] == []


def test_answers_get_alone() -> None:
    """Progress is read, never posted."""
    user = operator()
    client = signed_in(user)
    assert client.post(page_of(copying(user), "progress")).status_code == 405
    assert client.post(SUMMARY).status_code == 405


def test_sums_up_what_runs_and_what_needs_somebody() -> None:
    """The header counts active runs, and failures that nobody has retried, of visible runs alone."""
    user = operator()
    copying(user)
    with failing(user) as run:
        answer = signed_in(user).get(SUMMARY).json()
        assert (answer["active"], answer["attention"]) == (1, 1)
        assert signed_in(staff("stranger", "console.view_run")).get(SUMMARY).json()["active"] == 0
        control.retry(run.pk, by=user)
    answer = signed_in(user).get(SUMMARY).json()
    assert (answer["active"], answer["attention"]) == (2, 0)


def test_tells_the_progress_of_named_runs_in_constant_queries() -> None:
    """A list asks for all of its runs at once; a run that may not be seen is left out, nonsense is ignored."""
    user = operator()
    client = signed_in(user)
    runs = [copying(user) for _number in range(2)]

    def ask(runs: list[Run]) -> tuple[dict[str, Any], int]:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = client.get(
                SUMMARY, {"runs": ",".join(str(run.pk) for run in runs) + ",x,-1,,99999999999999999999"}
            )
        return answer.json()["runs"], len(queries)

    ask(runs[:1])
    one, few = ask(runs)
    assert set(one) == {str(run.pk) for run in runs}
    assert one[str(runs[0].pk)]["tally"] == "0 of 6 · 0 %"
    many = [*runs, *(copying(user) for _number in range(6))]
    found, queries = ask(many)
    assert len(found) == 8
    assert queries == few
    hidden = signed_in(staff("stranger", "console.view_run")).get(SUMMARY, {"runs": str(runs[0].pk)}).json()
    assert hidden["runs"] == {}


def test_is_live_while_a_worker_is_at_it() -> None:
    """In the middle of a chunk the page and its JSON answer, and say that it works."""
    user = operator()

    def look(run: Run) -> dict[str, Any]:
        answer: dict[str, Any] = signed_in(user).get(page_of(run, "progress")).json()
        return answer

    seen = meanwhile(look, user)
    assert seen["state"] == State.RUNNING
    assert seen["sentence"] == "Working."
    assert seen["verbs"] == ["pause", "cancel", "withdraw"]


def test_promises_nothing_of_a_worker_that_fell_silent() -> None:
    """A few chunk times without a checkpoint, and rate and time left go; they come back with its next checkpoint."""
    user = operator()

    def look(run: Run) -> list[dict[str, Any]]:
        Run.objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(minutes=1))
        found = []
        for silence in (0, 6, 0):
            fall_silent(run, silence)
            found.append(signed_in(user).get(page_of(run, "progress")).json())
        return found

    before, silent, after = meanwhile(look, user)
    assert (silent["rate"], silent["eta_seconds"]) == (None, None)
    assert silent["sentence"].startswith("No sign of its worker for 6 s. If it has died, another can take over in ")
    for answer in (before, after):
        assert answer["sentence"] == "Working at 25 a second."
        assert (answer["rate"], answer["eta_seconds"]) == (25, 1)


def test_says_that_a_worker_is_silent() -> None:
    """Half a minute without a checkpoint is told, with the moment at which another worker takes over."""
    user = operator()

    def look(run: Run) -> str:
        fall_silent(run, 32)
        return str(signed_in(user).get(page_of(run, "progress")).json()["sentence"])

    assert meanwhile(look, user).startswith("No progress for 32 s. If the worker has died, another takes over at ")


def test_says_why_a_run_waits_for_its_turn() -> None:
    """A queued run names the first reason that holds: here no worker serves its queue."""
    user = operator()
    run = copying(user)
    sentence = signed_in(user).get(page_of(run, "progress")).json()["sentence"]
    assert sentence == "Accepted and safe. No worker serves the queue “bulk” now; it starts by itself when one is back."


def ended(user: Any, since: Any) -> list[dict[str, Any]]:
    """Return what the summary tells `user` of the runs that ended since."""
    answer: list[dict[str, Any]] = signed_in(user).get(SUMMARY, {"since": since.isoformat()}).json()["ended"]
    return answer


def test_tells_people_that_a_run_of_theirs_has_ended() -> None:
    """Whoever asked reads which run, how it ended, and counts that leave nothing out; nobody else does."""
    user = operator()
    before = timezone.now()
    run = copied(user)
    copied()
    assert ended(user, before) == [
        {
            "id": run.pk,
            "sentence": f"Copy (run {run.pk}) succeeded: 6 items done.",
            "level": "success",
            "address": page_of(run),
        }
    ]
    assert ended(staff("viewer", VIEW), before) == []
    assert ended(user, timezone.now() + timedelta(minutes=1)) == []


def test_tells_how_a_run_ended_and_what_it_left() -> None:
    """Failures, what was not reached, and dry runs are told as what they are."""
    user = operator()
    before = timezone.now()
    with failing(user) as partly, failing(user, on_error="stop", bad=(1,)) as failed:
        told = {line["id"]: (line["sentence"], line["level"]) for line in ended(user, before)}
    assert told[partly.pk] == (f"Check (run {partly.pk}) succeeded: 2 items done, 1 failed.", "warning")
    assert told[failed.pk] == (f"Check (run {failed.pk}) failed: 1 item done, 1 failed, 1 not reached.", "error")
    dry = copied(user, dry_run=True)
    assert ended(user, before)[0]["sentence"] == f"The dry run of Copy (run {dry.pk}) has ended: nothing was changed."


def test_tells_nobody_of_what_they_cancelled_themselves() -> None:
    """One's own act is no news; that of somebody else is."""
    user = operator()
    before = timezone.now()
    mine, theirs = copying(user), copying(user)
    control.cancel(mine.pk, by=user)
    control.cancel(theirs.pk, by=staff("boss", is_superuser=True))
    (line,) = ended(user, before)
    assert line["sentence"] == f"Copy (run {theirs.pk}) was cancelled: 0 items done, 6 not reached."
    assert line["level"] == "warning"


@pytest.mark.parametrize("since", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00"])
def test_tells_no_endings_since_what_is_no_moment(since: str) -> None:
    """A program that asks with nonsense gets the counts alone."""
    user = operator()
    copied(user)
    answer = signed_in(user).get(SUMMARY, {"since": since}).json()
    assert "ended" not in answer
    assert answer["label"] == "Console: nothing runs, nothing needs attention"
