"""The run's page, in every state."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse
from django_celery_results.models import TaskResult

from console.admin import run_buttons
from console.engine import control
from console.engine.acceptance import start
from console.models import Attempt, Event, Run
from console.reports import failures
from console.states import State
from console.testing import declared, hold, perform
from notes.forms import CopyForm
from notes.models import Note
from tests.admin.forms import text_of
from tests.admin.running import (
    VIEW,
    copied,
    copying,
    failing,
    in_every_state,
    make_notes,
    operator,
    page_of,
    signed_in,
    staff,
)

pytestmark = pytest.mark.django_db(transaction=True)

INLINE = re.compile(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", re.IGNORECASE)


def test_shows_a_run_in_every_state() -> None:
    """Each of the nine states has a page with its chip, and the same sentence as its JSON."""
    user = operator()
    client = signed_in(user)

    def look(run: Run) -> tuple[str, str]:
        answer = client.get(page_of(run))
        assert answer.status_code == 200
        assert client.get(page_of(run, "progress")).json()["sentence"] == answer.context["sentence"]
        return run.state, answer.content.decode()

    for state, (seen, html) in in_every_state(user, look).items():
        assert seen == state
        assert f'data-state="{state}"' in html
        assert str(State(state).label) in html


def test_offers_just_the_verbs_that_are_lawful_and_permitted() -> None:
    """A verb that would be refused has no button."""
    user = operator()
    run = copying(user)
    html = signed_in(user).get(page_of(run)).content.decode()
    assert page_of(run, "cancel") in html
    assert page_of(run, "pause") in html
    assert page_of(run, "retry") not in html
    assert page_of(run, "resume") not in html

    viewer = signed_in(staff("viewer", VIEW)).get(page_of(run)).content.decode()
    assert "<dialog" not in viewer
    assert page_of(run, "cancel") not in viewer


def test_holds_no_script_and_no_style_of_its_own() -> None:
    """The page works under a policy that allows this site's own files alone."""
    user = operator()
    client = signed_in(user)
    with failing(user) as run:
        pages = [page_of(run), page_of(run, "retry"), reverse("admin:console_run_changelist")]
        for address in pages:
            assert not INLINE.search(client.get(address).content.decode()), address


def test_groups_failures_by_reason_with_values_before_the_traceback() -> None:
    """Each reason stands once with its number of items; values come first, the traceback is folded behind them."""
    user = operator()

    def process(_operation: object, notes: list[Note]) -> None:
        raise RuntimeError("boom")

    with declared(Note, process, label="Break") as operation:
        run = perform(start(operation, objects=make_notes(3)))
        html = signed_in(user).get(page_of(run)).content.decode()
    assert html.count('class="console-group"') == 1
    assert "3 items" in html
    assert "boom" in html
    assert html.index("Technical details") < html.index("Traceback (most recent call last)")

    with failing(user, bad=(0, 2)) as run:
        html = signed_in(user).get(page_of(run)).content.decode()
    assert "2 items" in html
    assert "<dt>slug</dt>" in html


def test_pages_the_failures_of_one_reason() -> None:
    """A reason with more rows than fit has pages of its own."""
    user = operator()
    with failing(user, bad=range(25), count=25) as run:
        client = signed_in(user)
        first = client.get(page_of(run))
        (group,) = first.context["groups"]
        assert len(group.rows) == 20
        rest = client.get(page_of(run), {"group": group.fingerprint})
    assert len(rest.context["group_rows"]) == 25


def test_tells_what_became_of_each_object() -> None:
    """Objects are listed with their result, their failure, or that they were not reached."""
    user = operator()
    with failing(user, bad=(1,)) as run:
        html = signed_in(user).get(page_of(run)).content.decode()
        names = [str(row.obj) for row, _address in signed_in(user).get(page_of(run)).context["objects"]]
        outcomes = [row.outcome for row, _address in signed_in(user).get(page_of(run)).context["objects"]]
    assert outcomes == ["done", "failed: The slug is taken.", "done"]
    assert all(name in html for name in names)

    queued = copying(user)
    rows = signed_in(user).get(page_of(queued)).context["objects"]
    assert {row.outcome for row, _address in rows} == {"not reached yet"}


def test_names_an_object_that_is_gone() -> None:
    """An object that was deleted meanwhile stays in the list by the name its failure kept, without a link."""
    user = operator()
    with failing(user, bad=(0,)) as run:
        Note.all_objects.get(pk=run.targets.first().object_id).delete()
        (row, address), *_others = signed_in(user).get(page_of(run)).context["objects"]
    assert row.obj is None
    assert address == ""
    assert row.name.startswith("Note ")


def test_shows_celerys_result_beside_each_attempt_or_that_it_is_gone() -> None:
    """The task id leads to its stored result; where that was cleaned up the page says so."""
    user = operator()
    run = copied(user)
    html = signed_in(user).get(page_of(run)).content.decode()
    attempt = Attempt.objects.get(run=run)
    assert attempt.task_id in html
    assert "already cleaned up" in html

    result = TaskResult.objects.create(task_id=attempt.task_id, status="SUCCESS")
    html = signed_in(user).get(page_of(run)).content.decode()
    assert reverse("admin:django_celery_results_taskresult_change", args=[result.pk]) in html
    assert "already cleaned up" not in html


def test_names_the_first_results_and_promises_no_more() -> None:
    """All of a few; of many the first ten, and that they are the first."""
    user = operator()
    client = signed_in(user)
    few, many = (text_of(client.get(page_of(copied(user, copies=copies)))) for copies in (2, 4))
    assert "Results: Note 1, copy 1 · Note 1, copy 2 · Note 2, copy 1 · " in few
    assert "The first 10 results: " in many
    assert many.partition("Failures (0)")[0].count(", copy ") == 10


def test_masks_secret_parameters() -> None:
    """A parameter that the operation calls secret is shown as dots, wherever the page tells parameters."""
    user = operator()
    with declared(Note, label="Send", form=CopyForm, secret_params=("copies",)) as operation:
        run = start(operation, objects=make_notes(1), params={"copies": "7331"})
        html = signed_in(user).get(page_of(run)).content.decode()
    assert "●●●●" in html
    assert "7331" not in html


def test_stays_readable_when_the_code_has_lost_the_operation() -> None:
    """The record outlives the class; the page says that it cannot be run again, and offers nothing that would."""
    user = operator()
    with failing(user) as run:
        pass
    answer = signed_in(user).get(page_of(run))
    html = answer.content.decode()
    assert "This operation is no longer part of the site; it cannot be run again." in html
    assert "The slug is taken." in html
    assert page_of(run, "retry") not in html
    assert signed_in(user).get(page_of(run, "progress")).status_code == 200


def test_links_runs_that_belong_together() -> None:
    """A retry names the run it retries, and that one names its retry."""
    user = operator()
    run = copying(user)
    control.cancel(run.pk, by=user)
    retry = control.retry(run.pk, by=user).run
    assert page_of(run) in signed_in(user).get(page_of(retry)).content.decode()
    assert page_of(retry) in signed_in(user).get(page_of(run)).content.decode()


def test_refuses_with_the_name_of_the_missing_permission() -> None:
    """Who may not view notes gets a 403 that says so, on the page and for a program."""
    run = copied()
    client = signed_in(staff("stranger", "console.view_run"))
    answer = client.get(page_of(run))
    assert answer.status_code == 403
    assert f"You cannot see run {run.pk}: it works on notes, and you lack the permission “Can view note”." in (
        answer.content.decode()
    )
    refusal = client.get(page_of(run, "progress"), headers={"accept": "application/json"})
    assert refusal.status_code == 403
    assert refusal.json()["permission"] == VIEW


def test_names_the_permission_for_runs_without_a_model() -> None:
    """A run that works on no objects needs “Can view run”."""
    run = start("notes.statistics")
    answer = signed_in(staff("viewer", VIEW)).get(page_of(run))
    assert answer.status_code == 403
    assert f"You cannot see run {run.pk}: you lack the permission “Can view run”." in answer.content.decode()
    assert signed_in(staff("watcher", "console.view_run")).get(page_of(run)).status_code == 200


def test_tells_which_copies_failed() -> None:
    """A failure that counts several parts of one object names them."""
    user = operator()
    with failing(user, bad=(0,)) as run:
        run.failures.update(part=2, items=8)
        assert "(parts 3–10)" in signed_in(user).get(page_of(run)).content.decode()
        run.failures.update(items=1)
        assert "(part 3)" in signed_in(user).get(page_of(run)).content.decode()


def test_counts_the_failed_copies_of_one_object() -> None:
    """An object of which many copies failed is one row that says how many, with the first reason."""
    user = operator()
    with failing(user, bad=(0,)) as run:
        run.failures.update(items=8)
        (row, _address), *_others = signed_in(user).get(page_of(run)).context["objects"]
    assert row.outcome == "8 items, the first failed: The slug is taken."


def test_lets_people_see_the_runs_they_asked_for() -> None:
    """Whoever asked for a run may see it, and so cancel it."""
    asker = staff("asker", "notes.add_note")
    run = copying(asker)
    html = signed_in(asker).get(page_of(run)).content.decode()
    assert page_of(run, "cancel") in html


def test_knows_no_such_run() -> None:
    """An unknown number, and no number at all, are the stock 404."""
    client = signed_in(operator())
    for number in ("404", "9" * 40, "none"):
        assert client.get(f"/admin/console/run/{number}/change/").status_code == 404


def test_is_read_only() -> None:
    """A run cannot be added, edited or deleted through the admin's own forms."""
    user = staff("root", is_superuser=True)
    client = signed_in(user)
    run = copied()
    assert client.post(page_of(run), {"state": "failed"}).status_code == 405
    assert client.get("/admin/console/run/add/").status_code == 403
    assert client.post(f"/admin/console/run/{run.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Run.objects.get(pk=run.pk).state == State.SUCCEEDED


def names(answer: Any) -> list[str]:
    """Return the objects that a page lists."""
    return [row.name for row, _address in answer.context["objects"]]


def test_finds_and_pages_the_objects_of_a_large_run() -> None:
    """A hundred at a time, and a search by what the list of the objects searches, by key, and by a name that is gone."""
    user = operator()
    run = copying(user, count=101)
    client = signed_in(user)
    first = client.get(page_of(run))
    assert len(names(first)) == 100
    assert "Objects (<span" in first.content.decode()
    last = client.get(page_of(run) + first.context["objects_next"])
    assert len(names(last)) == 1
    assert names(client.get(page_of(run) + last.context["objects_first"])) == names(first)

    (wanted,) = names(last)
    assert names(client.get(page_of(run), {"object": wanted})) == [wanted]
    key = run.targets.order_by("pk").last().object_id
    assert names(client.get(page_of(run), {"object": key})) == [wanted]
    none = client.get(page_of(run), {"object": "nothing & more"})
    assert names(none) == []
    assert "No object of this run matches “nothing &amp; more”." in none.content.decode()

    other = make_notes(1)[0]
    assert names(client.get(page_of(run), {"object": other.title})) == [], "only objects of the run are found"


def test_finds_an_object_that_is_gone_by_the_name_that_its_failure_kept() -> None:
    """The record of what could not be done outlives the object."""
    user = operator()
    with failing(user, bad=(0,)) as run:
        Note.all_objects.filter(pk=run.failures.get().object_id).delete()
        label = run.failures.get().object_label
        assert names(signed_in(user).get(page_of(run), {"object": label})) == [label]


def test_shows_only_the_reasons_of_very_many_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit a reason leads to its rows, page by page, and the page of the run stays short."""
    monkeypatch.setattr(failures, "LISTED", 2)
    user = operator()
    with failing(user, bad=range(3), count=3) as run:
        page = signed_in(user).get(page_of(run))
        (group,) = page.context["groups"]
        assert (group.rows, group.count, group.reason) == ([], 3, "The slug is taken.")
        assert f"?group={group.fingerprint}#failures" in page.content.decode()


def test_shows_the_last_events_of_a_long_history() -> None:
    """What happened last is what matters; the number of all is told."""
    user = operator()
    run = copying(user)
    Event.objects.bulk_create(Event(run=run, what="pause", reason=str(number)) for number in range(205))
    page = signed_in(user).get(page_of(run))
    assert [event.reason for event in page.context["events"]][-2:] == ["203", "204"]
    assert "The last 200." in page.content.decode()
    assert page.context["events_count"] == 206


def test_tells_the_policy_of_retries() -> None:
    """Who looks closer reads how often and how soon outside trouble is tried again."""
    user = operator()
    assert "5 tries in all, at most 2 s apart at first, then up to 10 min" in (
        signed_in(user).get(page_of(copying(user))).content.decode()
    )


def test_puts_first_what_helps_most() -> None:
    """The main button of each ended run is the way on from just that end."""
    user = operator()
    client = signed_in(user)

    def buttons(run: Run) -> list[str]:
        return [button.text for button in client.get(page_of(run)).context["buttons"]]

    assert buttons(copied(user)) == ["Run again…"]
    assert buttons(copied(user, dry_run=True)) == ["Do it now: copy 3 notes, 2 copies each…", "Run again…", "Go back"]
    cancelled = copying(user)
    control.cancel(cancelled.pk, by=user)
    assert buttons(cancelled) == ["Run all 6…", "Run again…"]
    with failing(user) as run:
        assert buttons(run) == ["Retry the 1 failed…", "Download the 1 failed", "Run again…", "Mark as dealt with"]
    with failing(user, on_error="stop", bad=(1,)) as run:
        assert buttons(run)[0] == "Retry the 2 not done…"
    with failing(user, on_error="stop") as run:
        assert buttons(run)[0] == "Run again…", "nothing was done: it failed at its start"


def test_looks_for_what_others_hold_of_a_large_run_only_when_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may take long among a million objects: the button leads to the page of the verb, which tells."""
    user = operator()
    client = signed_in(user)
    with failing(user) as run:
        failed = Note.objects.get(pk=run.failures.get().object_id)
        address = page_of(run, "retry")
        small = client.get(page_of(run)).content.decode()
        monkeypatch.setattr(run_buttons, "LARGE", 2)
        large = client.get(page_of(run)).content.decode()
        with hold(failed):
            asked = client.get(address)
    assert 'id="console-dialog-retry"' in small
    assert 'id="console-dialog-retry"' not in large
    assert f'href="{address}"' in large
    assert [row.text for row in asked.context["held_rows"]] == [str(failed)]
