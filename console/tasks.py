"""Celery's doors."""

from __future__ import annotations

from typing import Any

from celery import shared_task, states
from django.apps import apps

from console.engine import runner

KEEPS_RESULTS = apps.is_installed("django_celery_results")


@shared_task(name="console.wake", bind=True, ignore_result=True, acks_late=False, max_retries=0)
def wake(self: Any, run_id: int, partition_id: int, token: int) -> None:
    """Carry out one slice of a partition; a result is kept only of a wake-up that won its claim (PROTOCOL M9)."""
    attempt = runner.carry_out(run_id, partition_id, token, task_id=self.request.id, worker=self.request.hostname)
    if attempt is not None and KEEPS_RESULTS:
        self.backend.store_result(self.request.id, attempt.outcome, states.SUCCESS, request=self.request)
