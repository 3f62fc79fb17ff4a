"""What a look at the signs of life sees: processes, queues, and who waits and works in them, read once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Min
from django.db.models.functions import Now
from django.utils import timezone

from console.conf import settings
from console.models import Attempt, Heartbeat, Partition, Queue
from console.operations import operations
from console.states import ACTIVE, WORKING, State

LATE_BEATS = 3  # without so many signs of life a process counts as late,
PATIENCE = 15  # but a busy machine may be so many seconds late
DEAD = 4  # times as late


@dataclass(frozen=True)
class Scene:
    """The clock, the processes by how late their sign of life is, and the queues that have, or may get, work.

    `waiting` holds for each queue how many runs wait in it for a worker, and since when the oldest does; `busy` how many
    partitions each worker has in hand.
    """

    now: datetime
    living: list[Heartbeat]
    silent: list[Heartbeat]
    waiting: dict[str, tuple[int, datetime]]
    busy: dict[str, int]
    queues: dict[str, Queue]

    def of(self, kind: Heartbeat.Kind) -> list[Heartbeat]:
        """Return the living processes of a kind."""
        return [beat for beat in self.living if beat.kind == kind]

    def serving(self, queue: str) -> list[Heartbeat]:
        """Return the living workers of a queue."""
        return [worker for worker in self.of(Heartbeat.Kind.WORKER) if queue in worker.queues]

    def is_dead(self, beat: Heartbeat) -> bool:
        """Tell whether a process is not merely late."""
        return (self.now - beat.seen_at).total_seconds() > late_after() * DEAD

    def latency(self, queue: Queue) -> float | None:
        """Return how many seconds a message takes through the queue, as far as probes tell; None where none was sent."""
        waits = (self.now - queue.asked_at).total_seconds() if queue.probe and queue.asked_at else None
        known = [value for value in (queue.round_trip, waits) if value is not None]
        return max(known) if known else None

    def is_fresh(self, queue: Queue) -> bool:
        """Tell whether somebody has asked the broker for the queue's length lately."""
        return queue.looked_at is not None and (self.now - queue.looked_at).total_seconds() < late_after()


def late_after() -> float:
    """Return after how many seconds without a sign of life a process is late."""
    return float(max(settings.heartbeat * LATE_BEATS, settings.heartbeat + PATIENCE))


def look() -> Scene:
    """Read the scene, in four queries whatever its size."""
    beats = list(Heartbeat.objects.annotate(clock=Now()).order_by("kind", "name"))
    now = beats[0].clock if beats else timezone.now()
    oldest = now - timedelta(seconds=late_after())
    waiting = _waiting()
    names = {operation.queue for operation in operations()} | waiting.keys()
    rows = {queue.name: queue for queue in Queue.objects.all()}
    return Scene(
        now=now,
        living=[beat for beat in beats if beat.seen_at >= oldest],
        silent=[beat for beat in beats if beat.seen_at < oldest],
        waiting=waiting,
        busy=_busy(),
        queues={name: rows.get(name) or Queue(name=name) for name in sorted(names | rows.keys())},
    )


def _waiting() -> dict[str, tuple[int, datetime]]:
    free = Partition.objects.filter(outcome=None, run__state__in=sorted(ACTIVE - {State.PAUSED})).order_by()
    rows = (
        free.exclude(lease_until__gt=Now())
        .values("queue")
        .annotate(runs=Count("run", distinct=True), oldest=Min("run__accepted_at"))
    )
    return {row["queue"]: (row["runs"], row["oldest"]) for row in rows}


def _busy() -> dict[str, int]:
    at_work = Attempt.objects.filter(
        ended_at=None,
        token=F("partition__token"),
        partition__outcome=None,
        partition__lease_until__gt=Now(),
        run__state__in=sorted(WORKING),
    )
    rows = at_work.order_by().values("worker").annotate(count=Count("pk"))
    return {row["worker"]: row["count"] for row in rows}
