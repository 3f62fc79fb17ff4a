"""Schedules in real scheduler processes: two of them, one that is killed again and again, a broker that goes away."""

from __future__ import annotations

import os
import random
import signal
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from console.models import Run, Schedule, Slot
from console.schedules.timing import Interval
from console.states import State
from tests.polling import until
from tests.processes import Processes
from tests.schedules.kit import scheduled

pytestmark = pytest.mark.processes

SLOTS = int(os.environ.get("BEAT_SLOTS", "40"))
SECOND = timedelta(seconds=1)
MISSED = timedelta(seconds=12)


def every_second(**attributes: object) -> Schedule:
    """Schedule an operation without objects each second, since a while ago: the first times are made up for."""
    policies = {"missed": "each", "overlap": "allow", "catch_up": 3600, **attributes}
    return scheduled("notes.statistics", Interval(1, "seconds"), moment=timezone.now() - MISSED, **policies)


def times(schedule: Schedule) -> list[Slot]:
    """Return what became of the schedule's times, in order."""
    return list(Slot.objects.filter(schedule=schedule).order_by("at"))


def check_accounted(schedule: Schedule) -> None:
    """Check that each second since the first has one row, with one run of its own or a reason."""
    found = times(schedule)
    first = schedule.anchor + SECOND
    assert [slot.at for slot in found] == [first + n * SECOND for n in range(len(found))]
    assert all(slot.run_id or slot.reason for slot in found)
    runs = [slot.run_id for slot in found if slot.run_id]
    assert sorted(runs) == sorted(Run.objects.filter(source="schedule").values_list("pk", flat=True))
    assert len(runs) == len(set(runs))


def test_a_scheduler_killed_at_random_moments_loses_and_doubles_no_time(processes: Processes) -> None:
    """Each time is accounted for, whenever it died: before, in or after the transaction."""
    schedule = every_second()
    beat = processes.beat()
    until(lambda: len(times(schedule)) > 0)
    seed = random.getrandbits(32)
    print(f"the moments come from the seed {seed}")
    chance = random.Random(seed)
    end = schedule.anchor + SLOTS * SECOND
    while timezone.now() < end:
        moment = time.monotonic() + chance.uniform(0, 2)
        until(lambda moment=moment: time.monotonic() >= moment)
        beat.signal(signal.SIGKILL)
        beat.wait()
        before = len(times(schedule))
        beat.start()
        until(lambda before=before: len(times(schedule)) > before)
    until(lambda: len(times(schedule)) >= SLOTS)
    check_accounted(schedule)


def test_two_schedulers_and_a_broker_that_goes_away(processes: Processes) -> None:
    """One run for each time; those of the outage are carried out when the broker is back."""
    processes.broker.start()
    processes.worker()
    schedule = every_second()
    beats = [processes.beat(), processes.beat("another beat")]
    until(lambda: Run.objects.filter(state=State.SUCCEEDED).count() > 1)
    processes.broker.kill()
    before = len(times(schedule))
    until(lambda: len(times(schedule)) >= before + 4)
    processes.broker.start()
    PeriodicTask.objects.update(enabled=False)
    PeriodicTasks.update_changed()
    until(lambda: Schedule.objects.get().next_at is None)
    check_accounted(schedule)
    until(lambda: not Run.objects.exclude(state=State.SUCCEEDED).exists(), 60)
    until(lambda: not Slot.objects.exclude(outcome="succeeded").exists())
    assert all(beat.running for beat in beats)
