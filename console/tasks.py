"""Celery's doors."""

from __future__ import annotations

from typing import Any

from celery import shared_task, states
from django.apps import apps

from console.engine.runner import carry_out
from console.engine.statements import insert
from console.engine.wakeups import TASK
from console.monitoring import probes

KEEPS_RESULTS = apps.is_installed("django_celery_results")


@shared_task(name=TASK, bind=True, ignore_result=True, acks_late=False, max_retries=0)
def wake(self: Any, run_id: int, partition_id: int, token: int) -> None:
    """Carry out one slice of a partition; a result is kept only of a wake-up that won its claim (PROTOCOL M9)."""
    at = self.request
    outcome = carry_out(run_id, partition_id, token, task_id=at.id, worker=at.hostname or "", eager=bool(at.is_eager))
    if outcome is not None and KEEPS_RESULTS:
        _keep(self.backend, at, outcome)


@shared_task(name=probes.TASK, bind=True, ignore_result=True, acks_late=False, max_retries=0)
def probe(self: Any, queue: str, name: str) -> None:
    """Answer a probe that went through a queue."""
    probes.answer(queue, name, self.request.hostname or "")


def _keep(backend: Any, at: Any, outcome: str) -> None:
    """Keep the result by one statement where the backend is django-celery-results, which would look for an old one first.

    There is none: no two deliveries with the same id win a claim (PROTOCOL C3).
    """
    if not hasattr(backend, "TaskModel"):
        backend.store_result(at.id, outcome, states.SUCCESS, request=at)
        return
    content_type, encoding, result = backend.encode_content(outcome)
    insert(
        backend.TaskModel(
            task_id=at.id,
            status=states.SUCCESS,
            content_type=content_type,
            content_encoding=encoding,
            result=result,
            meta=backend.encode_content({"children": []})[2],
            task_name=TASK,
            task_args=backend.encode_content(repr(tuple(at.args)))[2],
            task_kwargs=backend.encode_content(repr(at.kwargs))[2],
            worker=at.hostname,
        )
    )
