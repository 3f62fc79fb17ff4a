"""Schedules that the code declares: made once, followed where nobody changed them, never overwritten, and told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask

from console.exceptions import InvalidOperation, InvalidTiming, NotDeclared
from console.models import Run, Schedule
from console.schedules import Crontab, Interval, acts, declared, schedule
from console.schedules.editing import write
from console.schedules.firing import fire_due
from console.schedules.timing import Timing
from tests.engine.kit import make_notes
from tests.schedules.kit import outcomes, owner, scheduled
from tests.world import Declare

pytestmark = pytest.mark.django_db
SHIPPED = {"Clean up files", "Delete old runs", "Empty the trash", "Refresh author statistics"}


@pytest.fixture
def none_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be declared but by the test."""
    monkeypatch.setattr(declared, "_declared", {})


@pytest.fixture
def operation(declare: Declare, none_declared: None) -> Iterator[Any]:
    """An operation without objects."""
    return declare(model=None, process=lambda *_: None, name="tests.nightly")


def declare_nightly(operation: Any, pattern: Any = None, **fields: Any) -> None:
    """Declare, or declare otherwise, its schedule."""
    schedule(pattern or Crontab("30", "2"), name="Nightly", **fields)(operation)


def only() -> Schedule:
    """Return the single schedule that there is."""
    return Schedule.objects.get()


def test_one_is_made_once(operation: Any) -> None:
    """However often it is synced."""
    declare_nightly(operation, spread=60)
    assert list(declared.sync()) == ["Nightly: made."]
    assert list(declared.sync()) == ["Nightly: unchanged."]
    assert only().spread == 60
    assert only().next_slot is not None


def test_the_code_is_followed_where_nobody_changed_anything(operation: Any) -> None:
    """Its times, its policies, its name."""
    declare_nightly(operation)
    list(declared.sync())
    schedule(Crontab("0", "4"), name="Early", spread=30)(operation)
    (told,) = declared.sync()
    assert told == "Nightly: followed the code: name, timing, spread."
    assert (only().task.name, only().task.crontab.hour, only().spread) == ("Early", "4", 30)


def test_what_staff_changed_is_kept_and_told(operation: Any) -> None:
    """Also that they switched it off; what they left alone follows the code."""
    declare_nightly(operation)
    list(declared.sync())
    write(only(), name="Nightly", timing=Timing(Interval(5, "hours")), enabled=False)
    declare_nightly(operation, Crontab("0", "4"), spread=30)
    (told,) = declared.sync()
    assert told == "Nightly: followed the code: spread; kept what staff changed: timing."
    assert (only().task.interval.every, only().task.enabled, only().spread) == (5, False, 30)
    (told,) = declared.sync()
    assert told == "Nightly: kept what staff changed: timing."


def test_reset_puts_the_codes_own_back(operation: Any) -> None:
    """But does not switch it on."""
    declare_nightly(operation)
    list(declared.sync())
    write(only(), name="Other", timing=Timing(Interval(5, "hours")), enabled=False)
    acts.reset(only().pk, by=owner())
    assert (only().task.name, only().task.crontab.hour, only().task.enabled) == ("Nightly", "2", False)
    with pytest.raises(NotDeclared):
        acts.reset(scheduled(operation).pk)


def test_one_that_is_no_longer_declared_goes_on_and_is_told(operation: Any) -> None:
    """Nobody deletes what staff may have come to rely on."""
    declare_nightly(operation)
    list(declared.sync())
    declared._declared.clear()
    (told,) = declared.sync()
    assert told == "Nightly: no longer declared. It goes on; switch it off or delete it."
    assert only().task.enabled


def test_a_name_that_is_taken_is_told(operation: Any) -> None:
    """The other one is left alone."""
    PeriodicTask.objects.create(name="Nightly", task="other", interval_id=scheduled(operation).task.interval_id)
    declare_nightly(operation)
    assert list(declared.sync()) == ["Nightly: left alone, another schedule has its name."]


def test_it_acts_for_the_code_until_it_does_something_else(declare: Declare, none_declared: None) -> None:
    """Where staff changed what it does, and its owner is gone, nobody's permissions are left to act with."""
    make_notes(1)
    operation = declare(permission="notes.change_note")
    schedule(Interval(1, "minutes"), name="Each minute", filter="")(operation)
    list(declared.sync())
    fire_due(only().next_slot)
    assert Run.objects.get().asked_by is None
    Schedule.objects.update(selection={"site": "admin", "query": "trash=all"})
    fire_due(only().next_slot)
    assert outcomes(only())[-1] == "skipped"
    Run.objects.update(state="succeeded")
    fire_due(only().next_slot)
    assert outcomes(only())[-1] == "failed"
    assert "owner" in only().slots.latest("at").reason


@pytest.mark.parametrize(
    ("pattern", "fields", "error"),
    [
        (Crontab("0", "0", "30", "2"), {}, InvalidTiming),
        (Crontab(zone="Lisboa"), {}, InvalidTiming),
        (Interval(1, "minutes"), {"spred": 1}, InvalidOperation),
    ],
)
def test_a_declaration_that_cannot_work_is_refused_at_once(
    operation: Any, pattern: Any, fields: dict[str, Any], error: type[Exception]
) -> None:
    """When the code is read, not in the night."""
    with pytest.raises(error):
        declare_nightly(operation, pattern, **fields)


def test_two_with_one_key_are_refused(operation: Any, declare: Declare) -> None:
    """Each would take the other for its own."""
    declare_nightly(operation)
    with pytest.raises(InvalidOperation, match="key"):
        declare_nightly(declare(model=None), key="tests.nightly")


def test_the_reference_project_ships_three() -> None:
    """They fire, and the trash is emptied of what lay there for a month."""
    list(declared.sync())
    assert set(PeriodicTask.objects.values_list("name", flat=True)) >= SHIPPED
    for one in Schedule.objects.order_by("next_slot"):
        fire_due(one.next_slot)
    assert set(outcomes(Schedule.objects.get(operation="notes.delete"))) == {"nothing"}
    assert "failed" not in {outcome for one in Schedule.objects.all() for outcome in outcomes(one)}


def test_the_command_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    """For people and for programs."""
    call_command("console", "sync-schedules")
    assert "Empty the trash: made." in capsys.readouterr().out
    call_command("console", "sync-schedules", "--json")
    assert '"Empty the trash: unchanged."' in capsys.readouterr().out


def test_migrate_syncs_where_the_tables_are() -> None:
    """And does not mind where they are not."""
    declared.sync_after_migrate(using="other")
    assert not Schedule.objects.exists()
    declared.sync_after_migrate(using="default")
    assert set(PeriodicTask.objects.values_list("name", flat=True)) >= SHIPPED
