"""Celery's door: a wake-up carries out one slice, and only one that won its claim leaves a result (PROTOCOL M9)."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django_celery_results.models import TaskResult

from console.engine.acceptance import start
from console.engine.wakeups import TASK
from console.models import Attempt, Partition
from console.tasks import wake
from console.testing import assert_succeeded, declared
from notes.models import Note

pytestmark = pytest.mark.django_db


def test_the_task_is_the_one_that_wake_ups_name() -> None:
    """Known by name to whoever sends; never acknowledged late, retried or stored by Celery itself."""
    assert wake.name == TASK
    assert (wake.acks_late, wake.max_retries, wake.ignore_result) == (False, 0, True)


def test_only_a_wake_up_that_won_its_claim_leaves_a_result() -> None:
    """The attempt and Celery's result meet in the task's id; the same message once more leaves nothing."""
    with declared(Note) as operation:
        run = start(operation, objects=[Note.objects.create(title="A note", slug="a-note")])
        partition = Partition.objects.get(run=run)
        message = (run.pk, partition.pk, partition.token)
        winner, late = str(uuid4()), str(uuid4())
        wake.apply(message, task_id=winner)
        wake.apply(message, task_id=late)
    assert_succeeded(run)
    assert Attempt.objects.get(run=run).task_id == winner
    result = TaskResult.objects.get()
    assert (result.task_id, result.status, result.result) == (winner, "SUCCESS", '"done"')


def test_a_wake_up_for_a_run_that_is_gone_is_harmless() -> None:
    """Retention may have removed it."""
    wake.apply((999_999, 999_999, 0), throw=True)
    assert not TaskResult.objects.exists()
