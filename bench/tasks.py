"""The rival of a run: a plain Celery task."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="bench.idle", ignore_result=False)
def idle() -> None:
    """Do nothing; Celery stores that it was done."""
