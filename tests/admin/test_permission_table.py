"""Every address of the console, for everybody: the answers written out, and no address without a line."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from django_celery_results.models import TaskResult

from console.admin import keys
from console.admin.refusals import permission_name
from console.engine import control
from console.engine.acceptance import start
from console.engine.files import keep
from console.models import Attempt, Event, Failure, File, Partition, Run, Schedule, Slot, Target
from console.operations import get_operation
from console.states import Verb
from console.testing import perform
from notes.models import Note, Tag
from tests.admin.addresses import is_ours, routes
from tests.admin.running import OPERATOR, VIEW, make_notes, put_away, signed_in, staff
from tests.imports.files import importing
from tests.schedules.kit import NIGHTLY, scheduled

pytestmark = pytest.mark.django_db

# What is asked, and the answers to: nobody, a viewer of notes, an operator of tags (with all verbs), an operator of notes
# (who may delete them too), a superuser. “POST:x” posts what DATA has under x. The runs are named in `Runs`.
TABLE = """
GET   console/                                            302 404 200 200 200
GET   console/run/                                        302 200 200 200 200
POST  console/run/                                        302 200 200 200 200
POST:cancel   console/run/                                302 403 200 200 200
POST:pause    console/run/                                302 403 200 200 200
POST:resume   console/run/                                302 403 200 200 200
POST:retry    console/run/                                302 403 200 200 200
POST:dismiss  console/run/                                302 302 302 302 302
GET   console/run/add/                                    302 403 403 403 403
POST  console/run/add/                                    302 403 403 403 403
GET   console/run/summary/                                302 200 200 200 200
POST  console/run/summary/                                302 405 405 405 405
GET   console/run/dashboard/                              302 404 200 200 200
POST  console/run/dashboard/                              302 405 405 405 405
GET   console/run/start/                                  302 200 200 200 200
POST  console/run/start/                                  302 405 405 405 405
GET   console/run/start/notes.statistics/                 302 403 403 403 200
POST  console/run/start/notes.statistics/                 302 403 403 403 200
POST:statistics  console/run/start/notes.statistics/      302 403 403 403 302
GET   console/run/{queued}/                               302 302 302 302 302
GET   console/run/{queued}/change/                        302 200 403 200 200
POST  console/run/{queued}/change/                        302 405 405 405 405
GET   console/run/{gone}/change/                          302 404 404 404 404
GET   console/run/{queued}/history/                       302 200 403 200 200
GET   console/run/{queued}/delete/                        302 403 403 403 403
POST  console/run/{queued}/delete/                        302 403 403 403 403
GET   console/run/{queued}/progress/                      302 200 403 200 200
POST  console/run/{queued}/progress/                      302 405 405 405 405
GET   console/run/{queued}/failures.csv                   302 200 403 200 200
GET   console/run/{queued}/failures.xlsx                  302 200 403 200 200
GET   console/run/{queued}/imported.csv                   302 404 403 404 404
GET   console/run/{listed}/imported.csv                   302 200 403 200 200
GET   console/run/{queued}/input/                         302 404 403 404 404
GET   console/run/{queued}/output/                        302 404 403 404 404
GET   console/run/{dry}/input/                            302 200 403 200 200
GET   console/run/{dry}/output/                           302 200 403 200 200
GET   console/run/{queued}/undo/                          302 404 404 404 404
POST  console/run/{queued}/undo/                          302 404 404 404 404
GET   console/run/{queued}/cancel/                        302 403 403 200 200
POST  console/run/{queued}/cancel/                        302 403 403 302 302
GET   console/run/{gone}/cancel/                          302 404 404 404 404
GET   console/run/{queued}/pause/                         302 403 403 200 200
POST  console/run/{queued}/pause/                         302 403 403 302 302
GET   console/run/{paused}/resume/                        302 403 403 200 200
POST  console/run/{paused}/resume/                        302 403 403 302 302
GET   console/run/{queued}/withdraw/?target={target}      302 403 403 200 200
POST:target  console/run/{queued}/withdraw/               302 403 403 302 302
GET   console/run/{ended}/retry/                          302 403 403 200 200
POST  console/run/{ended}/retry/                          302 403 403 302 302
GET   console/run/{dry}/start/                            302 403 403 200 200
POST  console/run/{dry}/start/                            302 403 403 302 302
GET   console/run/{ended}/again/                          302 403 403 200 200
POST  console/run/{ended}/again/                          302 403 403 200 200
POST:archived  console/run/{ended}/again/                 302 403 403 302 302
GET   console/run/{ended}/dismiss/                        302 405 405 405 405
POST  console/run/{ended}/dismiss/                        302 302 403 302 302
GET   django_celery_results/taskresult/                   302 403 403 403 200
GET   django_celery_results/taskresult/add/               302 403 403 403 403
GET   django_celery_results/taskresult/{result}/          302 302 302 302 302
GET   django_celery_results/taskresult/{result}/change/   302 403 403 403 200
POST  django_celery_results/taskresult/{result}/change/   302 403 403 403 403
GET   django_celery_results/taskresult/{result}/history/  302 403 403 403 200
GET   django_celery_results/taskresult/{result}/delete/   302 403 403 403 200
GET   django_celery_beat/periodictask/                                                302 403 403 403 200
POST:off      django_celery_beat/periodictask/                                        302 403 403 403 200
GET   django_celery_beat/periodictask/add/                                            302 403 403 403 200
GET   django_celery_beat/periodictask/add/?operation=notes.copy                       302 403 403 403 200
POST  django_celery_beat/periodictask/add/?operation=notes.copy                       302 403 403 403 200
GET   django_celery_beat/periodictask/{schedule}/                                     302 302 302 302 302
GET   django_celery_beat/periodictask/{schedule}/change/                              302 403 403 403 200
POST  django_celery_beat/periodictask/{schedule}/change/                              302 403 403 403 200
GET   django_celery_beat/periodictask/{schedule}/history/                             302 403 403 403 200
GET   django_celery_beat/periodictask/{schedule}/delete/                              302 403 403 403 200
GET   django_celery_beat/periodictask/{schedule}/run-now/                             302 403 403 403 200
POST  django_celery_beat/periodictask/{schedule}/run-now/                             302 403 403 403 302
GET   django_celery_beat/periodictask/{schedule}/skip/                                302 403 403 403 200
POST  django_celery_beat/periodictask/{schedule}/skip/                                302 403 403 403 302
GET   django_celery_beat/periodictask/{schedule}/enable/                              302 403 403 403 200
POST  django_celery_beat/periodictask/{schedule}/enable/                              302 403 403 403 302
GET   django_celery_beat/periodictask/{schedule}/disable/                             302 403 403 403 200
POST  django_celery_beat/periodictask/{schedule}/disable/                             302 403 403 403 302
GET   django_celery_beat/periodictask/{schedule}/backfill/                            302 403 403 403 200
POST:range    django_celery_beat/periodictask/{schedule}/backfill/                    302 403 403 403 302
GET   django_celery_beat/periodictask/{schedule}/reset/                               302 403 403 403 200
POST  django_celery_beat/periodictask/{schedule}/reset/                               302 403 403 403 200
GET   django_celery_beat/periodictask/{none}/skip/                                    302 404 404 404 404
GET   notes/note/                                         302 200 403 200 200
POST:copy     notes/note/                                 302 403 403 200 200
POST:archive  notes/note/                                 302 403 403 200 200
POST:delete   notes/note/                                 302 302 403 200 200
GET   notes/note/operation/notes.export/all/              302 200 403 200 200
POST  notes/note/operation/notes.export/all/              302 200 403 200 200
POST:exported  notes/note/operation/notes.export/all/     302 302 403 302 302
GET   notes/note/operation/notes.copy/all/                302 404 403 404 404
GET   notes/tag/operation/notes.export/all/               302 403 404 403 404
GET   notes/note/{note}/operation/notes.copy/             302 403 403 200 200
POST  notes/note/{note}/operation/notes.copy/             302 403 403 200 200
POST:copied  notes/note/{note}/operation/notes.copy/      302 403 403 302 302
GET   notes/note/{none}/operation/notes.copy/             302 302 403 302 302
GET   notes/note/{note}/operation/notes.none/             302 302 403 302 302
GET   notes/note/{held}/delete/                           302 403 403 200 200
POST:cancels  notes/note/{held}/delete/                   302 403 403 302 302
POST:trash    notes/note/{held}/delete/                   302 403 403 302 302
GET   notes/note/operation/notes.import/                  302 403 403 200 200
POST  notes/note/operation/notes.import/                  302 403 403 200 200
POST:upload   notes/note/operation/notes.import/          302 403 403 302 302
GET   notes/note/operation/notes.copy/                    302 404 404 404 404
GET   notes/note/operation/notes.import/{upload}/         302 403 403 404 200
POST:preview  notes/note/operation/notes.import/{upload}/ 302 403 403 404 302
GET   notes/note/operation/notes.import/{none}/           302 403 403 404 404
GET   notes/tag/operation/notes.import/                   302 404 404 404 404
GET   notes/tag/operation/notes.import/{upload}/          302 404 404 404 404
GET   notes/tag/                                          302 403 200 403 200
GET   notes/tag/{tag}/operation/notes.copy/               302 403 302 403 302
GET   notes/tag/{tag}/delete/                             302 403 403 403 200
"""
PEOPLE = ("nobody", "viewer", "stranger", "operator", "root")
CONSOLE_VERBS = tuple(name for name in OPERATOR if name.startswith("console."))


class Line(NamedTuple):
    """One line of the table."""

    method: str
    address: str
    answers: list[int]

    @property
    def data(self) -> str:
        """Which of DATA is posted; empty for none."""
        return self.method.partition(":")[2]


def lines() -> Iterator[Line]:
    """Read the table."""
    for line in TABLE.strip().splitlines():
        method, address, *answers = line.split()
        yield Line(method, address, [int(answer) for answer in answers])


def named(line: Line) -> str:
    """Return what a line is called in a report of tests."""
    return f"{line.method} {line.address}"


@pytest.fixture
def things() -> dict[str, Any]:
    """A run for every verb, asked for by somebody who is none of the people, and what else addresses name."""
    free, tried, *notes = make_notes(6)
    queued, paused, ended = (start("notes.archive", objects=[note]) for note in notes[:3])
    control.pause(paused.pk)
    control.cancel(ended.pk)
    dry = perform(start("notes.archive", objects=[tried], dry_run=True))
    for kind in (File.Kind.INPUT, File.Kind.OUTPUT):
        keep([b"slug"], kind=kind, name="notes.csv", run=dry)
    listed = perform(importing(b"slug,title\nrow-1,One\n", ("slug", "title")))
    copies = start("notes.copy", objects=[notes[3]], params={"copies": 1})
    result = TaskResult.objects.create(task_id="a", status="SUCCESS")
    tag = Tag.objects.create(name="Tag", slug="tag")
    schedule = scheduled("notes.statistics", NIGHTLY, moment=timezone.now())
    return {
        "queued": queued.pk,
        "paused": paused.pk,
        "ended": ended.pk,
        "dry": dry.pk,
        "gone": 999_999,
        "note": free.pk,
        "held": notes[3].pk,
        "none": 999_999,
        "holder": copies.pk,
        "listed": listed.pk,
        "upload": keep([b"slug\nnote-1\n"], kind=File.Kind.INPUT, name="notes.csv").pk,
        "tag": tag.pk,
        "target": queued.targets.get().pk,
        "result": result.pk,
        "schedule": schedule.task_id,
    }


@pytest.fixture
def people() -> dict[str, User | None]:
    """The people of the table's columns."""
    return {
        "nobody": None,
        "viewer": staff("viewer", VIEW),
        "stranger": staff("stranger", "notes.view_tag", "notes.change_tag", *CONSOLE_VERBS),
        "operator": staff("operator", "notes.delete_note", "notes.delete_attachment", *OPERATOR),
        "root": staff("root", is_superuser=True),
    }


def posted(name: str, things: dict[str, Any], user: User | None) -> dict[str, Any]:
    """Return what a line posts."""
    chosen = {"_selected_action": [str(things["note"])]}

    def key(operation: str) -> str:
        return keys.new_key(SimpleNamespace(user=user or User()), get_operation(operation))  # type: ignore[arg-type]

    return {
        "": dict,
        "cancel": lambda: {"action": "cancel_runs", "_selected_action": [things["queued"]]},
        "pause": lambda: {"action": "pause_runs", "_selected_action": [things["queued"]]},
        "resume": lambda: {"action": "resume_runs", "_selected_action": [things["paused"]]},
        "retry": lambda: {"action": "retry_runs", "_selected_action": [things["ended"]]},
        "dismiss": lambda: {"action": "dismiss_runs", "_selected_action": [things["ended"]]},
        "archived": lambda: {"_key": key("notes.archive"), "_count": keys.sign_count(1)},
        "statistics": lambda: {"_key": key("notes.statistics")},
        "target": lambda: {"target": things["target"]},
        "copy": lambda: {"action": "notes.copy", **chosen},
        "archive": lambda: {"action": "notes.archive", **chosen},
        "delete": lambda: {"action": "delete_selected", **chosen},
        "copied": lambda: {"_key": key("notes.copy"), "copies": 1},
        "exported": lambda: {"_key": key("notes.export"), "_count": keys.sign_count(1), "format": "csv"},
        "cancels": lambda: {"_cancel_run": things["holder"]},
        "trash": lambda: {"_trash": "1"},
        "upload": lambda: {"file": SimpleUploadedFile("notes.csv", b"slug\nnote-1\n")},
        "preview": lambda: {"_key": key("notes.import"), "file": things["upload"], "columns": ["slug"]},
        "off": lambda: {"action": "disable_schedules", "_selected_action": [things["schedule"]]},
        "range": lambda: {"first": "2026-05-01T00:00", "last": "2026-05-04T00:00", "_act": "yes"},
    }[name]()


def ask(line: Line, things: dict[str, Any], user: User | None, browser: Client) -> HttpResponse:
    """Ask as the line says; whatever that does is undone."""
    address = "/admin/" + line.address.format(**things)
    with transaction.atomic():
        if line.method == "GET":
            answer = browser.get(address)
        else:
            answer = browser.post(address, posted(line.data, things, user))
        transaction.set_rollback(True)
    put_away(answer)
    return answer  # type: ignore[return-value]


def test_everybody_gets_the_answer_of_the_table(things: dict[str, Any], people: dict[str, User | None]) -> None:
    """Status by status; nobody is led to the login."""
    browsers = {name: signed_in(user) if user else Client() for name, user in people.items()}
    wrong = []
    for line in lines():
        found = [ask(line, things, people[name], browsers[name]) for name in PEOPLE]
        if [answer.status_code for answer in found] != line.answers:
            wrong.append(f"{line.method} {line.address} {[answer.status_code for answer in found]}")
        assert found[0].headers["Location"].startswith("/admin/login/?next=")
    assert not wrong, "\n".join(wrong)


def as_pattern(route: str) -> re.Pattern[str]:
    """Return what matches the addresses of a route."""
    return re.compile(re.sub("<[^>]+>", "[^/]+", route) + "$")


def test_no_address_of_the_console_is_missing_from_the_table() -> None:
    """A new address fails here until it has its line."""
    written = ["admin/" + line.address.partition("?")[0] for line in lines()]
    missing = {
        route
        for route, module in routes()
        if is_ours(route, module) and not any(as_pattern(route).match(address) for address in written)
    }
    assert not missing


@pytest.mark.parametrize("route", ["admin/console/run/<int:run_id>/cancel/", "admin/console/run/new/"])
def test_a_route_is_told_from_others(route: str) -> None:
    """What compares routes and lines knows one address from another, or the test above could not fail."""
    written = [line.address for line in lines()]
    assert any(as_pattern(route).match("admin/" + address) for address in written) is ("cancel" in route)
    assert is_ours(route, "")
    assert not is_ours("admin/auth/user/", "django.contrib.admin.options")


def everything() -> dict[str, list[dict[str, Any]]]:
    """Return what the database has of runs, their history, the admin's log, and notes."""
    models = (Run, Partition, Target, Attempt, Failure, Event, File, LogEntry, TaskResult, Note, Schedule, Slot)
    return {model.__name__: list(model._base_manager.order_by("pk").values()) for model in models}


def test_nothing_is_changed_by_looking(things: dict[str, Any], people: dict[str, User | None]) -> None:
    """Every address, read by a superuser, leaves every row as it was."""
    assert people["root"] is not None
    browser, before = signed_in(people["root"]), everything()
    for line in lines():
        put_away(browser.get("/admin/" + line.address.format(**things), follow=True))
    assert everything() == before


def test_a_form_of_another_site_changes_nothing(things: dict[str, Any], people: dict[str, User | None]) -> None:
    """Every post without the token of its form is refused."""
    assert people["root"] is not None
    browser, before = Client(enforce_csrf_checks=True), everything()
    browser.force_login(people["root"])
    for line in lines():
        if line.method != "GET":
            answer = browser.post("/admin/" + line.address.format(**things), posted(line.data, things, people["root"]))
            assert answer.status_code == 403, line
    assert everything() == before


def test_a_refusal_is_a_page_of_ours_that_names_the_permission(
    things: dict[str, Any], people: dict[str, User | None]
) -> None:
    """Not Django's bare “403 Forbidden”, and for programs the same as JSON."""
    user = people["viewer"]
    assert user is not None
    browser = signed_in(user)
    for line in lines():
        if not line.address.startswith("console/run/") or line.answers[PEOPLE.index("viewer")] != 403:
            continue
        answer = ask(line, things, user, browser)
        assert "console/refused.html" in [template.name for template in answer.templates], line
        reason = answer.context["reason"]
        codename = answer.context["codename"]
        assert codename == "" or f"“{permission_name(codename)}”" in reason, line
        assert reason in html.unescape(answer.content.decode())
        assert reason.endswith((".", "!")), line


@pytest.mark.parametrize(
    ("page", "lacking", "told"),
    [
        ("{queued}/cancel/", "console.cancel_run", "To cancel this run you need “Can cancel run”. The run goes on."),
        (
            "{queued}/pause/",
            "console.pause_run",
            "To pause this run you need “Can pause and resume run”. The run goes on.",
        ),
        (
            "{paused}/resume/",
            "console.pause_run",
            "To resume this run you need “Can pause and resume run”. The run goes on.",
        ),
        ("{ended}/retry/", "console.retry_run", "To retry this run you need “Can retry run”. Nothing was started."),
        ("{ended}/retry/", "notes.change_note", "To retry this run you need “Can change note”. Nothing was started."),
        ("{dry}/start/", "notes.change_note", "To start this run you need “Can change note”. Nothing was started."),
        (
            "{queued}/withdraw/",
            "console.withdraw_run",
            "To leave an object out of this run you need “Can leave an object out of a run”. The run goes on.",
        ),
    ],
)
def test_each_verb_needs_its_own_permission(things: dict[str, Any], page: str, lacking: str, told: str) -> None:
    """All others do not make up for it; the sentence names it, the button is absent, and so is the verb in the JSON."""
    browser = signed_in(staff("nearly", *(name for name in (VIEW, *OPERATOR) if name != lacking)))
    address = "/admin/console/run/" + page.format(**things)
    for answer in (browser.get(address), browser.post(address, {"target": things["target"]})):
        assert answer.status_code == 403
        assert answer.context["reason"] == told
    refusal = browser.post(address, headers={"accept": "application/json"})
    assert (refusal.status_code, refusal.json()) == (403, {"error": told, "permission": lacking})
    run, verb = address.removesuffix("/").rsplit("/", 1)
    assert f"{run}/{verb}/" not in browser.get(f"{run}/change/").content.decode()
    assert verb not in browser.get(f"{run}/progress/").json()["verbs"]


def test_whoever_asked_for_a_run_may_cancel_it(things: dict[str, Any]) -> None:
    """Without any permission of the console."""
    user = staff("asker", VIEW, "notes.change_note")
    run = start("notes.archive", by=user, objects=make_notes(1))
    answer = signed_in(user).post(f"/admin/console/run/{run.pk}/cancel/")
    assert answer.status_code == 302
    assert Run.objects.get(pk=run.pk).state == "cancelled"


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_is_signed_out_is_led_to_sign_in(things: dict[str, Any], method: str) -> None:
    """Programs and live pages too, which tell by the redirect; nothing is done meanwhile."""
    before = everything()
    for page in ("progress", "cancel"):
        address = f"/admin/console/run/{things['queued']}/{page}/"
        answer = getattr(Client(), method)(address, headers={"accept": "application/json"})
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"/admin/login/?next={address}"
    assert everything() == before


@pytest.mark.parametrize("verb", list(Verb))
def test_a_verb_that_is_not_lawful_any_more_is_told_so(people: dict[str, User | None], verb: Verb) -> None:
    """409 for programs, for people the run's page with a warning; nothing is done."""
    assert people["root"] is not None
    browser = signed_in(people["root"])
    run = start("notes.archive", objects=make_notes(1), dry_run=verb == Verb.RETRY)
    target = run.targets.get().pk
    if verb in {Verb.CANCEL, Verb.PAUSE, Verb.RESUME, Verb.WITHDRAW}:
        control.cancel(run.pk)
    before, address = everything(), f"/admin/console/run/{run.pk}/{verb}/"
    refusal = browser.post(address, {"target": target}, headers={"accept": "application/json"})
    assert refusal.status_code == 409
    assert set(refusal.json()) == {"error", "id"}
    answer = browser.post(address, {"target": target}, follow=True)
    assert answer.redirect_chain == [(f"/admin/console/run/{run.pk}/change/", 302)]
    (message,) = answer.context["messages"]
    assert (message.level_tag, str(message)) == ("warning", refusal.json()["error"])
    assert everything() == before
