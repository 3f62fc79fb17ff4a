"""Old runs go, with all that belongs to them and in bounded steps; young ones, and those at work, stay."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from console.engine import control
from console.engine.acceptance import start
from console.exceptions import NoDryRun
from console.models import Attempt, Event, Partition, Run, Slot, Target
from console.schedules import retention
from console.schedules.firing import fire_due
from console.testing import assert_succeeded, perform
from tests.engine.kit import make_notes
from tests.schedules.kit import after, scheduled

pytestmark = pytest.mark.django_db

DAYS = {"succeeded": 10, "failed": 30, "cancelled": 20, "slots": 10}


def ended(state: str, days: int, notes: int = 1) -> Run:
    """Return a run that ended so many days ago."""
    run = start("notes.archive", objects=make_notes(notes))
    if state == "cancelled":
        control.cancel(run.pk)
    elif state != "queued":
        perform(run)
    Run.objects.filter(pk=run.pk).update(state=state, ended_at=timezone.now() - timedelta(days=days))
    return run


@pytest.mark.parametrize(
    ("state", "days", "stays"),
    [
        ("succeeded", 9, True),
        ("succeeded", 11, False),
        ("failed", 29, True),
        ("failed", 31, False),
        ("cancelled", 19, True),
        ("cancelled", 21, False),
        ("queued", 99, True),
    ],
)
def test_each_state_has_an_age(state: str, days: int, stays: bool) -> None:  # noqa: FBT001 - a column of the table
    """What has not ended stays, however old."""
    old = ended(state, days)
    assert_succeeded(perform(start("console.retention", params=DAYS)))
    assert Run.objects.filter(pk=old.pk).exists() is stays
    assert Target.objects.filter(run=old.pk).exists() is stays


def test_a_large_run_goes_in_bounded_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its own transaction; what belongs to it goes too, and the report counts the steps."""
    monkeypatch.setattr(retention, "STEP", 3)
    old, other = ended("succeeded", 11, notes=10), ended("succeeded", 12, notes=2)
    keeping = perform(start("console.retention", params=DAYS))
    assert_succeeded(keeping)
    assert keeping.done == 4 + 1 + 1 + 1
    for model in (Target, Partition, Attempt, Event):
        assert not model._default_manager.filter(run__in=[old.pk, other.pk]).exists()
        assert not model._default_manager.filter(run_id=old.pk).exists()


def test_the_history_of_schedules_goes_too() -> None:
    """But not what still waits."""
    schedule = scheduled("notes.statistics", overlap="queue all")
    fire_due(after(1))
    fire_due(after(2))
    for days, slot in zip((11, 12), Slot.objects.order_by("at"), strict=True):
        Slot.objects.filter(pk=slot.pk).update(at=timezone.now() - timedelta(days=days))
    Slot.objects.filter(outcome="started").update(open=False, outcome="succeeded")
    assert_succeeded(perform(start("console.retention", params=DAYS)))
    assert [slot.outcome for slot in schedule.slots.all()] == ["waiting"]


def test_there_is_no_dry_run() -> None:
    """Files that go do not come back."""
    with pytest.raises(NoDryRun):
        start("console.retention", params=DAYS, dry_run=True)
