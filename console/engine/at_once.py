"""Small previews, carried out by the request that asks for them: a person need not wait for a worker (PAGES §7)."""

from __future__ import annotations

from uuid import uuid4

from django.db import connection

from console.conf import settings
from console.engine.runner import carry_out
from console.engine.transitions import OPEN
from console.models import Partition, Run

WORKER = "web"
STEPS = 3  # the survey of the file, its rows, and one more where a worker was faster with one of them


def at_once(run: Run, size: int) -> None:
    """Carry out a dry run over a file of `size` bytes if it is small; else, and where it is not done, a worker does.

    It is a claim like any other: a worker that got the wake-up at the same moment wins it, or finds it done.
    """
    if not run.dry_run or size > settings.import_at_once or connection.in_atomic_block:
        return
    for _step in range(STEPS):
        due = Partition.objects.filter(OPEN, run=run, lease_until=None, backing_off=False).first()
        if due is None or carry_out(run.pk, due.pk, due.token, task_id=str(uuid4()), worker=WORKER) is None:
            return
