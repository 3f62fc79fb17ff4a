"""Two real sessions on PostgreSQL: schedulers and people meet on one schedule."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from console.models import Run
from console.schedules import acts
from console.schedules.firing import fire, fire_due
from tests.engine.sessions import Session
from tests.schedules.kit import after, outcomes, owner, scheduled, slots
from tests.world import Declare

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operation(declare: Declare) -> Any:
    """An operation without objects."""
    return declare(model=None, process=lambda *_: None)


def test_two_schedulers_at_once_make_one_run(operation: Any) -> None:
    """M7: the second waits for the first, then looks again."""
    schedule = scheduled(operation)
    with transaction.atomic():
        assert fire(schedule.pk, after(1))
        second = Session(fire_due, after(1))
        assert second.blocks()
    assert second.result() == 0
    assert slots(schedule) == [(after(1), "started")]
    assert Run.objects.count() == 1


def test_one_that_dies_in_its_transaction_leaves_the_time_to_the_other(operation: Any) -> None:
    """M7: what was not committed was not."""
    schedule = scheduled(operation)
    with transaction.atomic():
        fire(schedule.pk, after(1))
        second = Session(fire_due, after(1))
        assert second.blocks()
        transaction.set_rollback(True)
    assert second.result() == 1
    assert outcomes(schedule) == ["started"]


def test_a_switch_that_meets_a_scheduler_is_seen(operation: Any) -> None:
    """M7: whoever switches off locks the schedule too, so that nothing starts afterwards."""
    schedule, by = scheduled(operation), owner()
    with transaction.atomic():
        acts.disable(schedule.pk, by=by, moment=after(1))
        scheduler = Session(fire_due, after(1))
        assert scheduler.blocks()
    assert scheduler.result() == 0
    assert outcomes(schedule) == []
