"""Probes: a small message that the scheduler sends through every queue; the worker that answers tells how long it took.

A probe that was lost is sent again under its own name, so that its time goes on; at most one is on its way.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from celery import current_app
from django.db.models.functions import Now

from console.conf import settings
from console.engine import wakeups
from console.models import Heartbeat, Queue
from console.monitoring.scene import Scene, look

TASK = "console.probe"
FORGOTTEN_AFTER = timedelta(hours=1)


def probe_queues() -> None:
    """Ask the broker how long every queue is, and send the probes that are due."""
    if wakeups.is_eager():
        return
    scene = look()
    depths = ask_depths(scene)
    if depths is None:
        return
    for name, depth in depths.items():
        queue = scene.queues.get(name) or Queue(name=name)
        if _is_due(queue, depth, scene.now) and not _send(name, queue):
            return


def ask_depths(scene: Scene) -> dict[str, int] | None:
    """Ask the broker how long the queues are, write that down, and return it; None where the broker does not answer."""
    served = {queue for worker in scene.of(Heartbeat.Kind.WORKER) for queue in worker.queues}
    names = sorted(scene.queues.keys() | served)
    depths = wakeups.depths(names)
    rows = [Queue(name=name, depth=depths[name] if depths else None, looked_at=Now()) for name in names]
    Queue.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=("name",), update_fields=("depth", "looked_at")
    )
    return depths


def answer(name: str, probe: str, worker: str) -> bool:
    """Write down that a worker got a probe; False where it is not the one that is on its way."""
    sent = Queue.objects.filter(name=name, probe=probe).annotate(clock=Now()).first()
    if sent is None or sent.asked_at is None:
        return False
    took = max(0.0, (sent.clock - sent.asked_at).total_seconds())
    mine = Queue.objects.filter(pk=sent.pk, probe=probe)
    changed: int = mine.update(probe="", answered_at=Now(), round_trip=took, worker=worker[:200])
    return changed > 0


def _is_due(queue: Queue, depth: int, now: datetime) -> bool:
    if queue.sent_at is None:
        return True
    since = (now - queue.sent_at).total_seconds()
    if not queue.probe:
        return bool(since >= settings.probe)
    return bool(depth == 0 and since >= settings.redelivery)  # nobody answered, and it waits no more: it is lost


def _send(name: str, queue: Queue) -> bool:
    """Note that a probe is sent, then send it; False if the broker did not take it."""
    probe = queue.probe or uuid4().hex
    row = Queue.objects.filter(name=name, probe=queue.probe)
    if not row.update(probe=probe, sent_at=Now(), **({} if queue.probe else {"asked_at": Now()})):
        return True  # another scheduler was faster
    try:
        current_app.send_task(TASK, args=(name, probe), queue=name, ignore_result=True, retry=False)
    except wakeups.BROKER_TROUBLE:
        Queue.objects.filter(name=name, probe=probe).update(probe=queue.probe, sent_at=queue.sent_at)
        return False
    return True
