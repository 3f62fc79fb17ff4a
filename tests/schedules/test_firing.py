"""A due time becomes one row, with its run or with the reason why there is none."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks

from console.models import Run, Schedule, Slot
from console.operations.registry import unregister
from console.schedules.acts import disable
from console.schedules.firing import fire_due
from console.schedules.planning import replan
from console.schedules.settling import settle_open
from console.schedules.timing import Clocked, Crontab
from console.testing import hold, perform, run_pending
from notes.forms import CopyForm
from tests.engine.kit import make_notes
from tests.schedules.kit import NIGHTLY, accounted, after, outcomes, owner, scheduled, slots
from tests.world import Declare

pytestmark = pytest.mark.django_db


@pytest.fixture
def operation(declare: Declare) -> Any:
    """An operation without objects."""
    return declare(model=None, process=lambda *_: None)


def break_crontab(pk: int, name: str, value: str) -> None:
    """Write into a crontab what its model refuses."""
    with connection.cursor() as cursor:
        sql = f"UPDATE django_celery_beat_crontabschedule SET {name} = %s WHERE id = %s"  # noqa: S608 - our own names
        cursor.execute(sql, [value, pk])


def only_run() -> Run:
    """Return the single run that there is."""
    return Run.objects.get()


def test_a_due_time_is_one_run(operation: Any) -> None:
    """The run says who asked, and through what."""
    schedule = scheduled(operation)
    assert fire_due(after(seconds=59)) == 0
    assert fire_due(after(minutes=1)) == 1
    assert slots(schedule) == [(after(minutes=1), "started")]
    run = only_run()
    assert run.source == "schedule"
    assert run.asked_by == schedule.owner
    assert run.slot.schedule == schedule


def test_looking_twice_fires_once(operation: Any) -> None:
    """Two schedulers look at the same moment."""
    schedule = scheduled(operation)
    stale = Schedule.objects.get(pk=schedule.pk)
    fire_due(after(1))
    Schedule.objects.filter(pk=schedule.pk).update(since=stale.since, next_slot=stale.next_slot, next_at=stale.next_at)
    fire_due(after(1))
    assert outcomes(schedule) == ["started"]
    assert only_run()


def test_the_filter_is_read_when_it_fires(declare: Declare) -> None:
    """Never a list of ids that was true when the schedule was made."""
    _note, trashed = make_notes(2)
    type(trashed).all_objects.filter(pk=trashed.pk).update(trashed_at=after())
    schedule = scheduled(declare(), selection={"site": "admin", "query": "trash=only"})
    fire_due(after(1))
    assert list(only_run().targets.values_list("object_id", flat=True)) == [str(trashed.pk)]
    perform(only_run())
    settle_open(after(1))
    type(trashed).all_objects.update(trashed_at=None)
    fire_due(after(2))
    assert outcomes(schedule) == ["succeeded", "nothing"]


def test_held_objects_are_left_out_and_reported(declare: Declare) -> None:
    """Nobody is there to be asked."""
    notes = make_notes(2)
    operation = declare()
    with hold(notes[0]):
        scheduled(operation)
        fire_due(after(1))
        run = Run.objects.get(source="schedule")
        assert run.skipped == 0
        assert [failure.kind for failure in run.failures.all()] == ["held"]


@pytest.mark.parametrize("what", ["parameters", "operation", "owner", "permission", "filter", "crash"])
def test_what_cannot_start_is_a_failed_slot_with_its_reason(declare: Declare, what: str) -> None:
    """And the schedule goes on."""
    make_notes(1)
    operation = declare(permission="notes.change_note")
    attributes: dict[str, Any] = {}
    if what == "filter":
        attributes["selection"] = {"site": "admin", "query": "nonsense__exact=1"}
    if what == "permission":
        attributes["owner"] = User.objects.create_user("weak", is_staff=True)
        attributes["owner"].user_permissions.add(Permission.objects.get(codename="view_note"))
    schedule = scheduled(operation, **attributes)
    if what == "parameters":
        operation.form = CopyForm
    elif what == "operation":
        unregister(operation.name)
    elif what == "owner":
        schedule.owner.delete()
    elif what == "crash":
        operation.parts = lambda _self: 1 / 0
    fire_due(after(1))
    slot = Slot.objects.get()
    assert slot.outcome == "failed"
    assert slot.reason
    assert not Run.objects.exists()
    schedule.refresh_from_db()
    assert schedule.next_slot == after(2)


def test_times_that_are_broken_by_hand_are_one_failed_slot(operation: Any) -> None:
    """An impossible day, a field that nobody can read, a time zone that is none: beat lives, and the page says why."""
    broken = {"day_of_month": "30", "month_of_year": "2"}, {"hour": "25"}, {"timezone": "Lisboa"}, {"minute": "x"}
    schedules = []
    for number, fields in enumerate(broken):
        schedule = scheduled(operation, Crontab(str(number), "3"))
        crontab = CrontabSchedule.objects.get(minute=number)
        for name, value in fields.items():
            break_crontab(crontab.pk, name, value)
        schedules.append(schedule)
    fine = scheduled(operation)
    replan(after(1))
    fire_due(after(1))
    for schedule in schedules:
        schedule.refresh_from_db()
        assert outcomes(schedule) == ["failed"]
        assert schedule.problem == schedule.slots.get().reason
        assert schedule.next_at is None
    assert outcomes(fine) == ["started"]


def test_a_one_off_runs_once_and_is_off(operation: Any) -> None:
    """It says why."""
    schedule = scheduled(operation, Clocked(after(5)), once=True)
    fire_due(after(5))
    fire_due(after(10))
    assert outcomes(schedule) == ["started"]
    schedule.refresh_from_db()
    assert not schedule.task.enabled
    assert schedule.next_at is None
    assert schedule.off_reason


def test_start_and_end_bound_the_times(operation: Any) -> None:
    """The end itself does not count."""
    schedule = scheduled(operation, start=after(10), end=after(12))
    for minute in range(20):
        fire_due(after(minute))
        run_pending()
        settle_open(after(minute))
    assert [at for at, _outcome in slots(schedule)] == [after(10), after(11)]


def test_a_schedule_that_is_switched_on_again_makes_up_for_nothing(operation: Any) -> None:
    """Nor does a bulk update fire it at once, as the stock scheduler did."""
    schedule = scheduled(operation)
    PeriodicTask.objects.update(enabled=False)
    PeriodicTasks.update_changed()
    replan(after(1))
    assert fire_due(after(60)) == 0
    PeriodicTask.objects.update(enabled=True)
    replan(after(90))
    assert fire_due(after(90)) == 0
    fire_due(after(91))
    assert slots(schedule) == [(after(91), "started")]


def test_an_edit_that_beat_has_not_seen_yet_counts_when_it_fires(operation: Any) -> None:
    """The times are reckoned anew, and the old one is not kept."""
    schedule = scheduled(operation)
    crontab = CrontabSchedule.objects.create(minute="30", hour="2", timezone="UTC")
    PeriodicTask.objects.update(interval=None, crontab=crontab)
    fire_due(after(1))
    assert slots(schedule) == []
    schedule.refresh_from_db()
    assert schedule.next_slot == after(60 * 14.5)


def test_missed_times_are_run_once(operation: Any) -> None:
    """By default, within an hour: one run, and a row that says for how long the scheduler was away."""
    schedule = scheduled(operation)
    fire_due(after(30, seconds=30))
    assert slots(schedule) == [(after(1), "missed"), (after(30), "started")]
    missed = schedule.slots.get(outcome="missed")
    assert (missed.times, missed.until) == (29, after(29))
    assert accounted(schedule) == 30


def test_missed_times_are_too_late_some_day(operation: Any) -> None:
    """A nightly run is not made up for in the middle of the day."""
    schedule = scheduled(operation, NIGHTLY)
    fire_due(after(60 * 20))
    assert outcomes(schedule) == ["missed"]
    assert "away" in schedule.slots.get().reason


def test_missed_times_are_run_each_where_wanted(operation: Any) -> None:
    """Beside each other here; those too late are missed all the same."""
    schedule = scheduled(operation, missed="each", catch_up=300, overlap="allow")
    fire_due(after(10))
    assert outcomes(schedule) == ["missed", *["started"] * 6]
    assert accounted(schedule) == 10


def test_missed_times_are_skipped_where_wanted(operation: Any) -> None:
    """But not one that is merely late."""
    schedule = scheduled(operation, missed="skip")
    fire_due(after(10, seconds=30))
    assert outcomes(schedule) == ["missed", "started"]
    assert accounted(schedule) == 10


def test_overlap_skips(operation: Any) -> None:
    """By default: the one before goes on, and the reason names its run."""
    schedule = scheduled(operation)
    fire_due(after(1))
    fire_due(after(2))
    assert outcomes(schedule) == ["started", "skipped"]
    assert f"run {only_run().pk}" in schedule.slots.get(outcome="skipped").reason
    run_pending()
    fire_due(after(3))
    assert outcomes(schedule)[2] == "started"


@pytest.mark.parametrize(("policy", "waiting"), [("queue one", ["waiting", "skipped"]), ("queue all", ["waiting"] * 2)])
def test_overlap_waits(operation: Any, policy: str, waiting: list[str]) -> None:
    """Those that wait start one after the other."""
    schedule = scheduled(operation, overlap=policy)
    for minute in (1, 2, 3):
        fire_due(after(minute))
    assert outcomes(schedule) == ["started", *waiting]
    settle_open(after(3))
    assert outcomes(schedule) == ["started", *waiting]
    run_pending()
    settle_open(after(3))
    assert outcomes(schedule)[:2] == ["succeeded", "started"]
    run_pending()
    settle_open(after(3))
    run_pending()
    settle_open(after(3))
    assert set(outcomes(schedule)) <= {"succeeded", "skipped"}


def test_overlap_cancels_the_one_before(operation: Any) -> None:
    """The new one starts when the old one has stopped: here at once, as nobody works on it."""
    schedule = scheduled(operation, overlap="cancel")
    fire_due(after(1))
    first = only_run()
    fire_due(after(2))
    first.refresh_from_db()
    assert first.state == "cancelled"
    settle_open(after(2))
    assert outcomes(schedule) == ["cancelled", "started"]


def test_overlap_is_allowed_where_wanted(operation: Any) -> None:
    """Two beside each other."""
    schedule = scheduled(operation, overlap="allow")
    fire_due(after(1))
    fire_due(after(2))
    assert outcomes(schedule) == ["started", "started"]


def test_failures_in_a_row_switch_it_off(declare: Declare) -> None:
    """Runs that fail and times that cannot start count alike; a success begins anew."""

    def fail(*_: Any) -> None:
        raise ValueError("broken")

    operation = declare(fail, model=None, on_error="stop")
    schedule = scheduled(operation, pause_after=2)
    for minute in (1, 2, 3):
        fire_due(after(minute))
        run_pending()
        settle_open(after(minute))
    assert outcomes(schedule) == ["failed", "failed"]
    schedule.refresh_from_db()
    assert not schedule.task.enabled
    assert "2 failures in a row" in schedule.off_reason
    assert schedule.next_at is None


@pytest.mark.django_db(transaction=True)
def test_times_that_cannot_start_switch_it_off_too(operation: Any, mailoutbox: list[Any]) -> None:
    """It stays off; its owner is told when it begins to fail, and when it is off."""
    schedule = scheduled(operation, owner=owner(email="ana@example.com"), pause_after=3)
    unregister(operation.name)
    for minute in range(1, 9):
        fire_due(after(minute))
    assert outcomes(schedule) == ["failed"] * 3
    schedule.refresh_from_db()
    assert not schedule.task.enabled
    assert schedule.next_at is None
    assert [mail.subject.rpartition(" ")[2] for mail in mailoutbox] == ["fails", "off"]
    assert "is not known here" in mailoutbox[1].body


def test_times_that_wait_are_given_up_when_it_is_switched_off(operation: Any) -> None:
    """Nothing starts by itself any more."""
    schedule = scheduled(operation, overlap="queue all")
    for minute in (1, 2, 3):
        fire_due(after(minute))
    disable(schedule.pk, by=owner(first_name="Ana"), reason="database move")
    run_pending()
    settle_open(after(3))
    assert outcomes(schedule) == ["succeeded", "skipped", "skipped"]
    assert schedule.slots.latest("at").reason == "By Ana: database move"


def test_a_run_that_takes_too_long_is_cancelled(operation: Any) -> None:
    """With the reason."""
    scheduled(operation, max_duration=120)
    fire_due(after(1))
    settle_open(after(2))
    assert only_run().state == "queued"
    settle_open(after(3))
    assert only_run().state == "cancelled"
    assert "longer than its schedule allows" in only_run().why


def test_the_spread_is_the_same_for_whoever_looks(operation: Any) -> None:
    """A time comes within the spread after it, and keeps its name."""
    schedule = scheduled(operation, NIGHTLY, spread=600)
    assert schedule.next_slot is not None
    assert schedule.next_at is not None
    assert 0 <= (schedule.next_at - schedule.next_slot).total_seconds() <= 600
    fire_due(schedule.next_at)
    assert slots(schedule) == [(schedule.next_slot, "started")]


def test_the_owner_deactivated_starts_nothing(operation: Any) -> None:
    """Nobody acts for somebody who may not sign in."""
    schedule = scheduled(operation, owner=owner(is_active=False))
    fire_due(after(1))
    assert outcomes(schedule) == ["failed"]
