"""The scheduler process: ordinary ``celery beat``, which also sends what is owed, every second."""

from __future__ import annotations

import logging
import os
import socket
from time import monotonic
from typing import Any

from django.db import Error as DatabaseTrouble
from django.db import close_old_connections
from django_celery_beat.schedulers import DatabaseScheduler

from console.conf import settings
from console.engine.sweeps import sweep
from console.models import Heartbeat
from console.monitoring.heartbeats import Sign, forget_silent, guarded

logger = logging.getLogger(__name__)


class Scheduler(DatabaseScheduler):
    """Django-celery-beat's scheduler with a sweep at each tick and a sign of life of its own.

    Neither the database nor the broker being away stops it: what failed is logged, and the next tick tries again.
    """

    # Each message takes a connection from the application's pool. The parent's own producer would wait without an end
    # for a broker that is away, and the sweep with it.
    producer = None

    max_interval: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_interval = min(self.max_interval, settings.sweep)
        self._sign = Sign(Heartbeat.Kind.SCHEDULER, f"beat@{socket.gethostname()}:{os.getpid()}")
        self._next_sweep = self._next_sign = monotonic()
        guarded(forget_silent)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send the due entries, then sweep; return how many seconds to sleep before the next tick."""
        delay = self._send_due(*args, **kwargs)
        if monotonic() >= self._next_sweep:
            self._next_sweep = monotonic() + settings.sweep
            self._look()
        return max(0.0, min(delay, self._next_sweep - monotonic()))

    def close(self) -> None:
        """Write the entries back, and say farewell."""
        super().close()
        guarded(self._sign.withdraw)

    def _send_due(self, *args: Any, **kwargs: Any) -> float:
        try:
            return float(super().tick(*args, **kwargs))
        except DatabaseTrouble:
            logger.exception("The schedule cannot be read; the next tick tries again")
            return float(self.max_interval)

    def _look(self) -> None:
        close_old_connections()
        guarded(sweep)
        if monotonic() >= self._next_sign:
            self._next_sign = monotonic() + settings.heartbeat
            guarded(self._sign.renew)
