"""Celery's doors."""

from __future__ import annotations

from typing import Any

from celery import shared_task, states
from django.apps import apps

from console.engine.runner import carry_out
from console.engine.wakeups import TASK

KEEPS_RESULTS = apps.is_installed("django_celery_results")


@shared_task(name=TASK, bind=True, ignore_result=True, acks_late=False, max_retries=0)
def wake(self: Any, run_id: int, partition_id: int, token: int) -> None:
    """Carry out one slice of a partition; a result is kept only of a wake-up that won its claim (PROTOCOL M9)."""
    at = self.request
    outcome = carry_out(run_id, partition_id, token, task_id=at.id, worker=at.hostname or "", eager=bool(at.is_eager))
    if outcome is not None and KEEPS_RESULTS:
        self.backend.store_result(at.id, outcome, states.SUCCESS, request=at)
