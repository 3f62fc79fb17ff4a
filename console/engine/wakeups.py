"""Wake-ups: the Celery message “partition N wants work”. The only user of the broker; any message may be lost or doubled."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from typing import Any

from celery import current_app, uuid
from kombu.exceptions import OperationalError as BrokerError

from console.conf import settings
from console.engine import partitions
from console.engine.clock import now
from console.models import Partition
from console.operations import known_operation

logger = logging.getLogger(__name__)

TASK = "console.wake"
BROKER_TROUBLE = (BrokerError, ConnectionError, TimeoutError, OSError)


class _Breaker:
    """Spares a web request the wait for a broker that was away a moment ago."""

    seconds = 5.0

    def __init__(self) -> None:
        self._closed_again_at = 0.0

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._closed_again_at

    def trip(self) -> None:
        self._closed_again_at = time.monotonic() + self.seconds

    def reset(self) -> None:
        self._closed_again_at = 0.0


breaker = _Breaker()


def send_first(opened: Iterable[Partition]) -> bool:
    """Send the wake-ups of partitions that were committed as sent; what fails is owed now.

    Returns:
        Whether the broker took them all.
    """
    taken = True
    for partition in opened:
        if breaker.is_open or not send(partition):
            partitions.mark_unsent(partition.pk, partition.token, None)
            taken = False
    return taken


def send_owed(owed: Iterable[Partition]) -> tuple[int, bool]:
    """Send wake-ups that are due: first note when each is owed again, commit, then send (PROTOCOL H1).

    Args:
        owed: Partitions just read, with ``select_related("run")``.

    Returns:
        How many were sent, and whether the broker failed; the pass stops there (H2).
    """
    sent = 0
    for partition in owed:
        wake_at = partitions.mark_sent(partition)
        if wake_at is None:
            continue
        if not send(partition):
            partitions.mark_unsent(partition.pk, partition.token, wake_at)
            return sent, True
        sent += 1
    return sent, False


def send_owed_of(run_id: int) -> None:
    """Send what is due of one run."""
    due = Partition.objects.filter(run_id=run_id, outcome=None, lease_until=None, wake_at__lte=now())
    if not breaker.is_open:
        send_owed(due.select_related("run"))


def send(partition: Partition) -> bool:
    """Send one wake-up, good for the partition's token only; False if the broker did not take it."""
    run = partition.run
    timeout = _timeout_of(run.operation)
    args = (run.pk, partition.pk, partition.token)
    if is_eager():
        current_app.tasks[TASK].apply(args=args, task_id=uuid())
        return True
    try:
        current_app.send_task(
            TASK,
            args=args,
            task_id=uuid(),
            queue=partition.queue,
            priority=run.priority,
            soft_time_limit=settings.soft_limit(timeout),
            time_limit=settings.hard_limit(timeout),
            ignore_result=True,
            retry=False,
        )
    except BROKER_TROUBLE as error:
        logger.warning("the broker did not take a wake-up: %s", error)
        breaker.trip()
        return False
    breaker.reset()
    return True


def is_eager() -> bool:
    """Tell whether wake-ups are carried out where they are sent, without a broker or workers."""
    return bool(current_app.conf.task_always_eager)


def is_away(queue: str) -> bool:
    """Tell whether the broker is away: asked at most every few seconds while it is."""
    if is_eager():
        return False
    if not breaker.is_open and depth(queue) is None:
        breaker.trip()
    return breaker.is_open


def depth(queue: str) -> int | None:
    """Return how many messages wait in `queue`, or None if the broker does not answer."""
    found = depths([queue])
    return found[queue] if found else None


def depths(queues: Sequence[str]) -> dict[str, int] | None:
    """Return how many messages wait in each of `queues`, asked through one connection; None if the broker does not answer."""
    try:
        with current_app.connection_for_read() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=settings.broker_timeout)
            return {queue: _length(connection.default_channel, queue) for queue in queues}
    except BROKER_TROUBLE as error:
        logger.warning("the broker does not tell how long “%s” is: %s", "”, “".join(queues[:3]), error)
        return None


def _length(channel: Any, queue: str) -> int:
    try:
        return int(channel.queue_declare(queue, passive=True).message_count)
    except channel.connection_errors:
        raise
    except channel.connection.channel_errors:
        return 0  # Redis keeps no empty list: a queue that does not exist is an empty one


def _timeout_of(name: str) -> float | None:
    operation = known_operation(name)
    return operation.timeout if operation else None
