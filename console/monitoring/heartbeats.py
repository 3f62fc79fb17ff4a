"""The pulse: each worker renews its sign of life, and looks for what is owed while it is at it.

A worker's main process does both in a thread of its own, so that neither a busy pool nor a broker that is away stops
them; it is also the first to learn that one of its processes died (PROTOCOL M6, H8).
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from celery.exceptions import WorkerLostError
from celery.signals import task_failure, worker_ready, worker_shutdown
from django.db import connections
from django.utils import timezone

from console.conf import settings
from console.engine.partitions import release_lost
from console.engine.sweeps import sweep
from console.engine.wakeups import TASK
from console.models import Heartbeat
from console.monitoring.signs import Sign
from console.monitoring.watching import watch_alone

logger = logging.getLogger(__name__)

FAREWELL = 5.0
FORK_WAITS = 10.0


def guarded(function: Callable[..., object], *args: Any) -> None:
    """Call `function`; trouble with the database or the broker is logged, and the next round tries again."""
    try:
        function(*args)
    except Exception:
        logger.exception("%s failed; it is tried again in the next round", getattr(function, "__qualname__", function))


class Turns:
    """Keeps the pulse's work and the pool's forks apart.

    A child forked in the middle of that work would inherit locks that nobody ever opens again, such as SQLite's own,
    and hang at its first query.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._taken = False

    def begin_fork(self) -> None:
        """Wait until the pulse is between two of its doings, but not for ever."""
        self._taken = self.lock.acquire(timeout=FORK_WAITS)

    def end_fork(self) -> None:
        """Let the pulse go on."""
        if self._taken:
            self.lock.release()

    def begin_life(self) -> None:
        """In the child: there is no pulse."""
        self.lock = threading.Lock()


_turns = Turns()


class Pulse(threading.Thread):
    """The thread of a worker's main process that beats, sweeps, and gives back the leases of dead children.

    Args:
        sign: Called at each beat for the sign to give, since a worker's queues may change while it runs.
    """

    def __init__(self, sign: Callable[[], Sign]) -> None:
        super().__init__(name="console-pulse", daemon=True)
        self._sign = sign
        self._given: Sign | None = None
        self._mail: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def run(self) -> None:
        """Beat until stopped; in between serve the tasks reported lost."""
        due = monotonic()
        while True:
            try:
                task_id = self._mail.get(timeout=max(0.0, due - monotonic()))
            except queue.Empty:
                due = monotonic() + settings.heartbeat
                self._do(self._renew)
                self._do(sweep)
                self._do(watch_alone)
                continue
            if task_id is None:
                break
            self._do(release_lost, task_id)
            self._do(sweep)
        self._do(self._withdraw)

    def lost(self, task_id: str) -> None:
        """Have the lease of a task given back whose process is dead; returns at once."""
        self._mail.put(task_id)

    def stop(self) -> None:
        """Say farewell and stop, waiting a few seconds at most."""
        self._mail.put(None)
        self.join(FAREWELL)

    def _renew(self) -> None:
        self._given = self._sign()
        self._given.renew()

    def _withdraw(self) -> None:
        if self._given is not None:
            self._given.withdraw()

    def _do(self, function: Callable[..., object], *args: Any) -> None:
        with _turns.lock:
            guarded(function, *args)
            connections.close_all()  # a connection that is open while the pool forks would be inherited


_pulse: Pulse | None = None


def connect() -> None:
    """Listen to Celery: a worker that is ready gets its pulse. Called once, from the app's ``ready``."""
    worker_ready.connect(_start, dispatch_uid="console.heartbeats.start")
    worker_shutdown.connect(_stop, dispatch_uid="console.heartbeats.stop")
    task_failure.connect(_report_lost, dispatch_uid="console.heartbeats.lost")
    os.register_at_fork(before=_turns.begin_fork, after_in_parent=_turns.end_fork, after_in_child=_turns.begin_life)


def _start(sender: Any, **_: object) -> None:
    global _pulse  # noqa: PLW0603 - one a process, as Celery's worker is
    _stop()
    started_at = timezone.now()

    def sign() -> Sign:
        return Sign(
            Heartbeat.Kind.WORKER,
            sender.hostname,
            queues=tuple(sorted(sender.app.amqp.queues.consume_from)),
            concurrency=sender.pool.num_processes,
            pool=type(sender.pool).__module__.rpartition(".")[2],
            started_at=started_at,
        )

    _pulse = Pulse(sign)
    _pulse.start()


def _stop(**_: object) -> None:
    global _pulse  # noqa: PLW0603
    if _pulse is not None:
        _pulse.stop()
        _pulse = None


def _report_lost(sender: Any, task_id: str, exception: BaseException, **_: object) -> None:
    """Pass on that a child died at its task.

    A hard time limit is not passed on: its child is killed only after the signal, so the lease runs out by itself.
    """
    if _pulse is not None and sender.name == TASK and isinstance(exception, WorkerLostError):
        _pulse.lost(task_id)
