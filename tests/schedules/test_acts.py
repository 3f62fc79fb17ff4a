"""What people ask of a schedule."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from console.exceptions import NothingToBackfill, NothingToSkip, NotPermitted, NotStarted, TooManyTimes
from console.models import Run, Schedule, ScheduleEvent
from console.schedules import acts
from console.schedules.firing import fire_due
from console.schedules.settling import settle_open
from console.schedules.timing import Clocked, Interval
from console.testing import run_pending
from tests.engine.kit import make_notes
from tests.schedules.kit import after, outcomes, owner, scheduled, slots
from tests.world import Declare

pytestmark = pytest.mark.django_db


@pytest.fixture
def operation(declare: Declare) -> Any:
    """An operation without objects."""
    return declare(model=None, process=lambda *_: None)


def history(schedule: Schedule) -> list[tuple[str, str]]:
    """Return what was asked of the schedule, and why."""
    return list(ScheduleEvent.objects.filter(schedule=schedule).values_list("what", "reason"))


def test_off_and_on_again(operation: Any) -> None:
    """Off has a reason; on makes up for nothing."""
    schedule, by = scheduled(operation), owner(first_name="Ana", last_name="Lima")
    off = acts.disable(schedule.pk, by=by, reason="database move", moment=after(1))
    assert off.next_at is None
    assert off.off_reason == "By Ana Lima: database move"
    assert fire_due(after(5)) == 0
    on = acts.enable(schedule.pk, by=by, moment=after(60))
    assert on.next_slot == after(61)
    assert on.off_reason == ""
    assert fire_due(after(60)) == 0
    fire_due(after(61))
    assert slots(schedule) == [(after(61), "started")]
    assert history(schedule) == [("disabled", "database move"), ("enabled", "")]


def test_the_next_time_is_skipped_and_says_by_whom(operation: Any) -> None:
    """The one after it comes."""
    schedule = scheduled(operation)
    acts.skip_next(schedule.pk, by=owner(first_name="Ana"), reason="holiday")
    fire_due(after(1))
    fire_due(after(2))
    assert slots(schedule) == [(after(1), "skipped"), (after(2), "started")]
    assert schedule.slots.get(outcome="skipped").reason == "Skipped by Ana: holiday"


def test_nothing_to_skip(operation: Any) -> None:
    """A schedule that is over."""
    schedule = scheduled(operation, Clocked(after(1)), once=True)
    fire_due(after(1))
    with pytest.raises(NothingToSkip):
        acts.skip_next(schedule.pk)


def test_run_now(operation: Any) -> None:
    """A run beside the clock's, asked for by whoever pressed; the clock's next time stays."""
    schedule, by = scheduled(operation), owner()
    run = acts.run_now(schedule.pk, by=by, moment=after(seconds=30))
    assert run.asked_by == by
    assert run.slot.kind == "now"
    run_pending()
    fire_due(after(1))
    assert outcomes(schedule)[1] == "started"


def test_run_now_with_other_parameters_once(operation: Any) -> None:
    """The schedule keeps its own."""
    make_notes(1)
    schedule = scheduled("notes.copy", params={"copies": "2"})
    run = acts.run_now(schedule.pk, params={"copies": "3"})
    assert run.params["copies"] == "3"
    schedule.refresh_from_db()
    assert schedule.params["copies"] == "2"


def test_run_now_of_nothing_tells_why_and_keeps_nothing(declare: Declare) -> None:
    """It does not count as a failure of the schedule."""
    schedule = scheduled(declare())
    with pytest.raises(NotStarted, match="nothing to do"):
        acts.run_now(schedule.pk)
    assert outcomes(schedule) == []


def test_the_queue_and_the_priority_of_a_schedule_are_its_runs(operation: Any) -> None:
    """Where they are not the operation's own."""
    schedule = scheduled(operation)
    type(schedule.task).objects.filter(pk=schedule.task_id).update(queue="control", priority=1)
    run = acts.run_now(schedule.pk)
    assert (run.queue, run.priority) == ("control", 1)
    assert run.partitions.get().queue == "control"


def test_backfill_makes_up_for_what_has_no_run(operation: Any) -> None:
    """One after the other, the oldest first; what ran is not run again."""
    schedule = scheduled(operation)
    fire_due(after(1))
    run_pending()
    settle_open(after(1))
    fire_due(after(5))
    run_pending()
    settle_open(after(5))
    assert outcomes(schedule) == ["succeeded", "missed", "succeeded"]
    wanted = acts.to_backfill(schedule, after(1), after(5), after(5))
    assert wanted == [after(2), after(3), after(4)]
    acts.backfill(schedule.pk, after(1), after(5), by=owner(), moment=after(5))
    assert Run.objects.count() == 2
    for _ in wanted:
        settle_open(after(5))
        run_pending()
    settle_open(after(5))
    assert outcomes(schedule) == ["succeeded"] * 5
    assert Run.objects.count() == 5
    with pytest.raises(NothingToBackfill):
        acts.backfill(schedule.pk, after(1), after(5), moment=after(5))


def test_backfill_has_an_end(operation: Any) -> None:
    """Nobody starts a million runs by a mistyped year, nor one in the future."""
    schedule = scheduled(operation, Interval(1, "seconds"))
    with pytest.raises(TooManyTimes):
        acts.to_backfill(schedule, after(-600), after(0), after(0))
    assert acts.to_backfill(schedule, after(-1), after(600), after(-1, seconds=5))[-1] <= after(-1, seconds=5)


@pytest.mark.parametrize("act", ["enable", "disable", "skip_next", "run_now", "backfill"])
def test_each_act_needs_its_permission(operation: Any, act: str) -> None:
    """Those who may only look can do none of it; run and backfill need the operation's permission too."""
    operation.permission = "notes.change_note"
    schedule = scheduled(operation)
    viewer = User.objects.create_user("viewer", is_staff=True)
    more = {"backfill": (after(-5), after(0))}.get(act, ())
    with pytest.raises(NotPermitted):
        getattr(acts, act)(schedule.pk, *more, by=viewer)
    assert history(schedule) == []
    assert outcomes(schedule) == []


def test_only_who_may_start_the_operation_runs_it_now(operation: Any) -> None:
    """A permission for schedules is none for the operation."""
    operation.permission = "notes.change_note"
    schedule = scheduled(operation)
    planner = User.objects.create_user("planner", is_staff=True)
    planner.user_permissions.add(Permission.objects.get(codename="change_periodictask"))
    with pytest.raises(NotPermitted):
        acts.run_now(schedule.pk, by=planner)
    with pytest.raises(NotPermitted):
        acts.backfill(schedule.pk, after(-5), after(0), by=planner, moment=after(0))
    assert acts.disable(schedule.pk, by=planner).next_at is None
