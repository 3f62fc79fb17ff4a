"""Schedules in the admin: the list, the editor, the acts, and who may do which."""

from __future__ import annotations

import re
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from console.models import Run, Schedule, ScheduleEvent, Slot
from console.schedules import plain
from console.schedules.declared import sync
from console.schedules.firing import fire_due
from console.schedules.slots import record
from console.schedules.timing import Crontab
from tests.admin.forms import forms
from tests.admin.forms import text_of as text
from tests.admin.running import make_notes, signed_in, staff
from tests.schedules.kit import MINUTELY, NIGHTLY, after, scheduled
from tests.world import broker, configure, declare

__all__ = ["broker", "configure", "declare"]
pytestmark = pytest.mark.django_db

LIST = "/admin/django_celery_beat/periodictask/"
PLANNER = tuple(f"django_celery_beat.{act}_periodictask" for act in ("add", "change", "view"))
TRASH = {"site": "admin", "query": "trash=only"}


@pytest.fixture
def root() -> User:
    """A superuser."""
    return User.objects.create_superuser("root", first_name="Ana", last_name="Lima")


@pytest.fixture
def ana(root: User) -> Client:
    """Their browser."""
    return signed_in(root)


def page_of(schedule: Schedule, act: str = "change") -> str:
    """Return the address of a schedule's page, or of an act on it."""
    return f"{LIST}{schedule.task_id}/{act}/"


def typed(**given: Any) -> dict[str, Any]:
    """Return what is posted by the editor of a nightly schedule."""
    usual = {
        "name": "Nightly copies",
        "enabled": "on",
        "kind": "crontab",
        "hour": "2",
        "minute": "30",
        "day_of_week": "*",
        "day_of_month": "*",
        "month_of_year": "*",
        "zone": "Europe/Lisbon",
        "overlap": "skip",
        "missed": "once",
        "catch_up": "60",
        "pause_after": "3",
        "spread": "0",
        "owner": "root",
        "filter": "",
    }
    return {"copies": "2"} | {f"schedule-{name}": value for name, value in {**usual, **given}.items()}


def test_an_operation_is_scheduled_with_its_own_form(ana: Client, root: User) -> None:
    """No JSON: the page says when in words, what matches, and what comes next; saved, it is there for beat."""
    make_notes(3)
    address = f"{LIST}add/?operation=notes.copy"
    page = ana.get(address)
    assert "Copies" in text(page)
    seen = ana.post(address, typed(filter="/admin/notes/note/?trash=all&p=2") | {"_next": "1"})
    assert "At 02:30 every day, Europe/Lisbon" in text(seen)
    assert "matches 3 notes now" in text(seen)
    assert text(seen).count("02:30:00 WE") == 10
    assert not Schedule.objects.exists()
    answer = ana.post(address, typed(filter="/admin/notes/note/?trash=all&p=2"), follow=True)
    schedule = Schedule.objects.get()
    assert "Saved. Next: " in text(answer)
    assert schedule.params == {"copies": "2"}
    assert schedule.selection == {"site": "admin", "query": "trash=all"}
    assert schedule.owner == root
    assert schedule.next_slot is not None
    task = PeriodicTask.objects.get()
    assert (task.name, task.crontab.hour, str(task.crontab.timezone)) == ("Nightly copies", "2", "Europe/Lisbon")
    assert LogEntry.objects.filter(object_id=task.pk).exists()
    assert ScheduleEvent.objects.get().what == "made"
    fire_due(schedule.next_slot)
    run = Run.objects.get()
    assert (run.total, run.asked_by) == (6, root)
    assert f"run {run.pk}" in text(ana.get(page_of(schedule)))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"day_of_month": "30", "month_of_year": "2"}, "This never happens: 30 February. Choose another day."),
        ({"zone": "Lisboa"}, "“Lisboa” is not a time zone. Did you mean Europe/Lisbon?"),
        ({"hour": "25"}, "cannot be read"),
        ({"kind": "interval", "every": "0", "period": "minutes"}, "greater than or equal to 1"),
        ({"kind": "clocked", "clocked": "2020-01-01T00:00"}, "No such time is to come"),
        ({"kind": "clocked", "clocked": ""}, "No times are chosen"),
        ({"kind": "solar", "event": "sunset", "latitude": "91", "longitude": "0"}, "less than or equal to 90"),
        ({"start": "2030-01-02T00:00", "end": "2030-01-01T00:00"}, "No such time is to come"),
        ({"owner": "nobody"}, "Nobody with this user name"),
        ({"filter": "nonsense=1"}, "its filter is no longer valid"),
    ],
)
def test_what_cannot_be_is_refused_with_a_cure(ana: Client, given: dict[str, str], told: str) -> None:
    """Nothing is saved, and what was typed is still there."""
    answer = ana.post(f"{LIST}add/?operation=notes.copy", typed(**given))
    assert told in text(answer)
    assert 'value="Nightly copies"' in answer.content.decode()
    assert not PeriodicTask.objects.exists()


def test_an_invalid_parameter_is_the_forms_own_error(ana: Client) -> None:
    """As on the confirmation page."""
    answer = ana.post(f"{LIST}add/?operation=notes.copy", typed() | {"copies": "0"})
    assert "Ensure this value is greater than or equal to 1" in text(answer)
    assert not Schedule.objects.exists()


def test_less_than_a_minute_is_asked_about(ana: Client) -> None:
    """Saved on the second press."""
    address = f"{LIST}add/?operation=notes.copy"
    given = typed(kind="interval", every="20", period="seconds")
    answer = ana.post(address, given)
    assert "Every 20 s: is that meant?" in text(answer)
    assert not Schedule.objects.exists()
    again = next(form for form in forms(answer) if "schedule-name" in form.data())
    ana.post(address, again.data())
    assert PeriodicTask.objects.get().name == "Nightly copies"


def test_what_the_page_shows_can_be_saved_again_and_changes_nothing(ana: Client, root: User) -> None:
    """The form holds all that there is, of each kind."""
    schedule = scheduled("notes.copy", NIGHTLY, params={"copies": "2"}, selection=TRASH, owner=root, spread=120)
    before = Schedule.objects.values().get()
    form = next(form for form in forms(ana.get(page_of(schedule))) if "schedule-name" in form.data())
    ana.post(page_of(schedule), form.data())
    now = Schedule.objects.values().get()
    moved = {"since", "next_slot", "next_at", "anchor"}
    assert {k: v for k, v in now.items() if k not in moved} == {k: v for k, v in before.items() if k not in moved}


def test_an_old_form_replaces_nobodys_change_unasked(ana: Client, root: User) -> None:
    """It says what would be replaced, and saves on the second press; where nothing would be, on the first."""
    schedule = scheduled("notes.copy", NIGHTLY, params={"copies": "2"}, owner=root)
    page = page_of(schedule)
    old = next(form for form in forms(ana.get(page)) if "schedule-name" in form.data())
    ana.post(page, old.data(**{"schedule-hour": "5", "schedule-name": "Theirs"}))
    ana.post(page_of(schedule, "disable"), {"_act": "yes"})
    answer = ana.post(page, old.data(copies="3"))
    assert "Not saved: this schedule was changed" in text(answer)
    assert "what is there now: Name, On, Hours, what it does." in text(answer)
    schedule.refresh_from_db()
    task = PeriodicTask.objects.get()
    assert (task.name, task.enabled, task.crontab.hour, schedule.params) == ("Theirs", False, "5", {"copies": "2"})
    again = next(form for form in forms(answer) if "schedule-name" in form.data())
    assert "Saved. Next:" in text(ana.post(page, again.data(), follow=True))
    schedule.refresh_from_db()
    task.refresh_from_db()
    assert (task.enabled, task.crontab.hour, schedule.params) == (True, "2", {"copies": "3"})
    assert "Saved." in text(ana.post(page, again.data(), follow=True))


def test_an_edit_makes_up_for_nothing(ana: Client, root: User) -> None:
    """A schedule that was due long ago waits for its next time."""
    schedule = scheduled("notes.copy", MINUTELY, params={"copies": "2"}, owner=root)
    ana.post(page_of(schedule), typed(name="Other"))
    schedule.refresh_from_db()
    assert schedule.next_slot > timezone.now()
    assert fire_due() == 0


def test_the_list_shows_what_there_is_to_know(ana: Client, django_assert_max_num_queries: Any) -> None:
    """In as many queries for thirty schedules as for one."""
    make_notes(1)
    schedule = scheduled("notes.copy", NIGHTLY, params={"copies": "2"})
    fire_due(schedule.next_slot)
    broken = scheduled("notes.copy", Crontab("7", "7"), params={"copies": "2"})
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_celery_beat_crontabschedule SET timezone = 'Lisboa' WHERE minute = '7'")
    interval = IntervalSchedule.objects.create(every=10, period="minutes")
    PeriodicTask.objects.create(name="A plain one", task="other.task", interval=interval)
    for _ in range(30):
        scheduled("notes.copy", NIGHTLY, params={"copies": "2"})
    with django_assert_max_num_queries(30):
        answer = ana.get(LIST)
    told = text(answer)
    assert "At 02:30 every day, UTC" in told
    assert "“Lisboa” is not a time zone. Did you mean Europe/Lisbon?" in told
    assert "Every 10 minutes" in told
    assert f"run {Run.objects.get().pk}" in told
    assert "1 started" in told
    for query in ("is=on", "is=off", "is=overdue", "is=problem", "last=started", "operation=notes.copy", "owner=me"):
        assert ana.get(f"{LIST}?{query}").status_code == 200
    assert broken.task_id


@pytest.mark.parametrize("act", ["enable", "disable", "run-now", "skip", "backfill"])
def test_those_who_may_only_look_can_do_nothing(act: str) -> None:
    """Neither the button nor the page nor the post."""
    schedule = scheduled("notes.copy", NIGHTLY, params={"copies": "2"})
    viewer = signed_in(staff("viewer", "django_celery_beat.view_periodictask"))
    page = viewer.get(page_of(schedule))
    assert page.status_code == 200
    assert page_of(schedule, act) not in page.content.decode()
    assert "schedule-name" not in page.content.decode()
    assert viewer.get(page_of(schedule, act)).status_code == 403
    assert viewer.post(page_of(schedule, act), {"_act": "yes"}).status_code == 403
    assert viewer.post(page_of(schedule), typed()).status_code == 403
    for action in ("enable_schedules", "disable_schedules", "run_now_schedules", "enable_tasks", "run_tasks"):
        viewer.post(LIST, {"action": action, "_selected_action": schedule.task_id, "_act": "yes"})
    schedule.refresh_from_db()
    assert schedule.task.enabled
    assert not Run.objects.exists()
    assert not schedule.events.exists()


def test_the_acts(ana: Client, root: User) -> None:
    """Each asks first, says what it did, and is recorded twice: in the schedule's history and the admin's log."""
    make_notes(1)
    schedule = scheduled("notes.copy", NIGHTLY, params={"copies": "2"}, moment=timezone.now(), owner=root)
    first = schedule.next_slot
    assert "Skips" in text(ana.get(page_of(schedule, "skip")))
    assert "Skipped. Next:" in text(ana.post(page_of(schedule, "skip"), {"_act": "yes"}, follow=True))
    schedule.refresh_from_db()
    assert schedule.next_slot > first
    assert "Copies" in text(ana.get(page_of(schedule, "run-now")))
    ana.post(page_of(schedule, "run-now"), {"_act": "yes", "copies": "5"})
    assert Run.objects.get().params == {"copies": "5"}
    ana.post(page_of(schedule, "disable"), {"_act": "yes", "reason": "database move"})
    assert "By Ana Lima: database move" in text(ana.get(LIST))
    told = text(ana.post(page_of(schedule, "enable"), {"_act": "yes"}, follow=True))
    assert "Nothing is made up for the time it was off." in told
    assert list(schedule.events.values_list("what", flat=True)) == ["skipped", "run now", "disabled", "enabled"]
    assert LogEntry.objects.filter(object_id=schedule.task_id).count() == 4


def test_a_run_names_its_schedule_to_those_who_may_see_it(ana: Client, root: User) -> None:
    """On its page and in the list, as a link; without the permission neither name nor link."""
    schedule = scheduled("notes.statistics", NIGHTLY, owner=root)
    fire_due(schedule.next_slot)
    run = Run.objects.get()
    name, page = schedule.task.name, page_of(schedule)
    operator = signed_in(staff("operator", "console.view_run", "notes.view_note"))
    for address in (f"/admin/console/run/{run.pk}/change/", "/admin/console/run/"):
        shown = ana.get(address).content.decode()
        assert f'<a href="{page}"><bdi>{name}</bdi></a>' in shown
        hidden = operator.get(address)
        assert hidden.status_code == 200
        assert name not in hidden.content.decode()
        assert page not in hidden.content.decode()


def test_a_filtered_list_leads_to_a_schedule_of_what_it_shows(ana: Client) -> None:
    """With its filter in the editor, and only operations on such a list; not for those who may not make schedules."""
    listed = ana.get("/admin/notes/note/?trash=only&q=a%26b").content.decode()
    address = f"{LIST}add/?model=notes.note&amp;filter=trash%3Donly%26q%3Da%2526b"
    assert f'<a href="{address}">Schedule…</a>' in listed
    offered = ana.get(unescape(address)).content.decode()
    chosen = "?operation=notes.copy&amp;filter=trash%3Donly%26q%3Da%2526b"
    assert f'href="{chosen}"' in offered
    assert "operation=notes.statistics" not in offered
    editor = next(form for form in forms(ana.get(f"{LIST}add/{unescape(chosen)}")) if "schedule-name" in form.data())
    assert editor.data()["schedule-filter"] == ["trash=only&q=a%26b"]
    operator = signed_in(staff("operator", "notes.view_note", "notes.change_note", "notes.add_note"))
    assert "Schedule…" not in operator.get("/admin/notes/note/").content.decode()


def test_the_history_goes_back_to_the_first_time(ana: Client) -> None:
    """Fifty times a page, each once, in order; an address that names no moment shows the latest."""
    schedule = scheduled("notes.statistics", MINUTELY, moment=after())
    for minute in range(120):
        record(schedule, after(minute), Slot.Outcome.SKIPPED, f"<{minute}>")
    address, seen = page_of(schedule), []
    while address:
        page = ana.get(address).content.decode()
        seen += [int(number) for number in re.findall(r">&lt;(\d+)&gt;</span></td>", page)]
        link = re.search(r'href="(\?before=[^"#]+)#history">Earlier times', page)
        address = page_of(schedule) + link[1] if link else ""
    assert seen == list(reversed(range(120)))
    assert "Latest times" in page
    for nonsense in ("nonsense", "0001-01-01T00:00:00%2B14:00"):
        assert "Earlier times" in text(ana.get(f"{page_of(schedule)}?before={nonsense}"))
    assert "No earlier time." in text(ana.get(f"{page_of(schedule)}?before=2020-01-01T00:00:00Z"))


def test_backfill_shows_its_times_before_it_starts(ana: Client, root: User) -> None:
    """The number is on the button."""
    schedule = scheduled("notes.statistics", NIGHTLY, moment=after(), owner=root)
    asked = {"first": "2026-05-01T00:00", "last": "2026-05-04T00:00"}
    page = text(ana.post(page_of(schedule, "backfill"), asked))
    assert "Makes 3 runs" in page
    assert "Start 3 runs" in page
    assert not schedule.slots.exists()
    ana.post(page_of(schedule, "backfill"), asked | {"_act": "yes"})
    assert [slot.outcome for slot in schedule.slots.all()] == ["waiting"] * 3


def test_nobody_acts_with_another_persons_permissions(root: User) -> None:
    """Neither by naming them as owner, nor by changing what is done in their name, nor without the operation's own."""
    make_notes(1)
    planner = staff("planner", *PLANNER, "notes.view_note", "notes.add_note")
    ana = signed_in(planner)
    address = f"{LIST}add/?operation=notes.copy"
    assert "Only a superuser" in text(ana.post(address, typed(owner="root")))
    assert not Schedule.objects.exists()
    ana.post(address, typed(owner="planner"))
    assert Schedule.objects.get().owner == planner
    others = scheduled("notes.copy", NIGHTLY, params={"copies": "2"}, owner=root)
    assert "Only a superuser" in text(ana.post(page_of(others), typed(name="Other") | {"copies": "9"}))
    ana.post(page_of(others), typed(name="Other", hour="3"))
    others.refresh_from_db()
    assert (others.params, others.task.name) == ({"copies": "2"}, "Other")
    assert ana.get(f"{LIST}add/?operation=notes.delete").status_code == 403
    without = signed_in(staff("weak", *PLANNER, "notes.view_note"))
    assert without.get(address).status_code == 403
    assert "you need" in text(without.post(page_of(others), typed(name="Other", owner="weak") | {"copies": "9"}))


def test_an_operation_that_is_gone_or_changed_is_told_on_the_page(ana: Client, declare: Any) -> None:
    """And the page is there all the same."""
    gone = scheduled("notes.none", NIGHTLY)
    changed = scheduled("notes.copy", NIGHTLY, params={})
    assert "no longer part of the site" in text(ana.get(page_of(gone)))
    assert "asks for other parameters" in text(ana.get(page_of(changed)))
    assert ana.get(page_of(gone, "run-now")).status_code == 200
    assert "is not known here" in text(ana.post(page_of(gone, "run-now"), {"_act": "yes"}))


def test_plain_tasks_keep_their_stock_form(ana: Client) -> None:
    """And are not spoiled by a crontab that cannot be read."""
    interval = IntervalSchedule.objects.create(every=10, period="minutes")
    CrontabSchedule.objects.create(minute="7")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_celery_beat_crontabschedule SET timezone = 'Lisboa'")
    page = ana.get(f"{LIST}add/")
    assert page.status_code == 200
    assert "<script>" not in page.content.decode()
    form = next(form for form in forms(page) if "task" in form.data())
    ana.post(f"{LIST}add/", {**form.data(), "name": "plain", "task": "other.task", "interval": str(interval.pk)})
    task = PeriodicTask.objects.get()
    assert ana.get(f"{LIST}{task.pk}/change/").status_code == 200
    assert ana.get(reverse("admin:console_schedule_skip", args=[task.pk])).status_code == 404


def test_what_the_code_declares_is_said_and_can_be_put_back(ana: Client) -> None:
    """It cannot be deleted: it would be there again; changes are kept until somebody resets them."""
    list(sync())
    trash = Schedule.objects.get(operation="notes.delete")
    page = ana.get(page_of(trash))
    assert "Declared in the code." in text(page)
    assert page_of(trash, "reset") not in page.content.decode()
    assert page_of(trash, "delete") not in page.content.decode()
    assert ana.post(page_of(trash, "delete"), {"post": "yes"}).status_code == 403
    form = next(form for form in forms(page) if "schedule-name" in form.data())
    ana.post(page_of(trash), form.data(**{"schedule-hour": "5", "schedule-owner": "root"}))
    page = ana.get(page_of(trash))
    assert page_of(trash, "reset") in page.content.decode()
    assert "as the code declares it again" in text(ana.post(page_of(trash, "reset"), {"_act": "yes"}, follow=True))
    trash.refresh_from_db()
    assert (trash.task.crontab.hour, trash.owner) == ("2", None)


def test_a_plain_task_is_run_now_with_its_own_options(ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stock ignores its priority, headers and expiry, and writes it nowhere (#803)."""
    sent: list[Any] = []

    def send_task(*args: Any, **options: Any) -> Any:
        sent.append((args, options))
        return SimpleNamespace(id="1")

    monkeypatch.setattr(plain, "current_app", SimpleNamespace(send_task=send_task))
    interval = IntervalSchedule.objects.create(every=10, period="minutes")
    task = PeriodicTask.objects.create(
        name="plain", task="other.task", interval=interval, args="[1]", queue="bulk", priority=3, headers='{"a": 1}'
    )
    asked = {"action": "run_now_schedules", "_selected_action": task.pk}
    assert "plain" in text(ana.post(LIST, asked))
    assert not sent
    assert "1 schedule run now." in text(ana.post(LIST, {**asked, "_act": "yes"}, follow=True))
    ((names, options),) = sent
    assert names == ("other.task", [1], {})
    assert (options["queue"], options["priority"], options["headers"]["a"]) == ("bulk", 3, 1)
    assert LogEntry.objects.get(object_id=task.pk)


def test_a_plain_task_that_cannot_be_sent_says_why(ana: Client) -> None:
    """The broker is away in these tests."""
    interval = IntervalSchedule.objects.create(every=10, period="minutes")
    task = PeriodicTask.objects.create(name="plain", task="other.task", interval=interval)
    asked = {"action": "run_now_schedules", "_selected_action": task.pk, "_act": "yes"}
    assert "The message broker is away." in text(ana.post(LIST, asked, follow=True))


def test_an_import_cannot_be_scheduled() -> None:
    """Its file has to be uploaded and looked at: it is not offered, and its name leads nowhere."""
    client = signed_in(User.objects.create_superuser("chief"))
    page = client.get(f"{LIST}add/").content.decode()
    assert "operation=notes.export" in page
    assert "operation=notes.import" not in page
    assert client.get(f"{LIST}add/?operation=notes.import").status_code == 404
