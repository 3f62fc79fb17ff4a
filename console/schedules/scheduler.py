"""The scheduler process: ordinary ``celery beat``, which also starts what is due and sends what is owed, every second."""

from __future__ import annotations

import logging
import os
import socket
from functools import partial
from time import monotonic
from typing import Any

from django.db import close_old_connections
from django.db.models import QuerySet
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from console.conf import settings
from console.engine.sweeps import sweep
from console.models import Heartbeat
from console.monitoring.heartbeats import guarded
from console.monitoring.probes import probe_queues
from console.monitoring.signs import Sign
from console.monitoring.watching import watch
from console.schedules.entries import PlainEntry, readable
from console.schedules.firing import fire_due
from console.schedules.planning import replan
from console.schedules.settling import settle_open

logger = logging.getLogger(__name__)


class Scheduler(DatabaseScheduler):
    """Django-celery-beat's scheduler with a look at our schedules and a sweep at each tick, and a sign of life of its own.

    Plain Celery tasks are its own; schedules of operations are left out of its heap, and found by their index when due.
    Neither the database nor the broker being away stops it: what failed is logged, and the next tick tries again.
    """

    # Each message takes a connection from the application's pool. The parent's own producer would wait without an end
    # for a broker that is away, and the sweep with it.
    producer = None

    Entry = PlainEntry
    max_interval: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # What was sent is written at once: a scheduler that dies and is started again sends nothing twice.
        super().__init__(*args, **{"sync_every_tasks": 1, **kwargs})
        self.max_interval = min(self.max_interval, settings.sweep)
        self._sign = Sign(Heartbeat.Kind.SCHEDULER, f"beat@{socket.gethostname()}:{os.getpid()}")
        self._next_sweep = self._next_sign = monotonic()
        guarded(partial(watch, settings_too=True))

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

    def enabled_models_qs(self) -> QuerySet[PeriodicTask]:
        """Return the plain tasks that are on and can be read; all crontabs, whatever their hour."""
        return readable(PeriodicTask.objects.enabled().filter(console_schedule=None))

    def schedule_changed(self) -> bool:
        """Tell whether anybody has changed a schedule, also one who wrote late the moment at which they had begun."""
        last = self._last_timestamp
        return bool(super().schedule_changed()) or (last is not None and self._last_timestamp != last)

    def all_as_schedule(self) -> dict[str, PlainEntry]:
        """Read the plain tasks, and reckon the schedules anew that somebody has changed."""
        guarded(replan)
        found: dict[str, PlainEntry] = super().all_as_schedule()
        return found

    def _send_due(self, *args: Any, **kwargs: Any) -> float:
        try:
            return float(super().tick(*args, **kwargs))
        except Exception:
            logger.exception("The schedule cannot be read; the next tick tries again")
            return float(self.max_interval)

    def _look(self) -> None:
        close_old_connections()
        guarded(fire_due)
        guarded(settle_open)
        guarded(sweep)
        if monotonic() >= self._next_sign:
            self._next_sign = monotonic() + settings.heartbeat
            guarded(self._sign.renew)
            guarded(probe_queues)
            guarded(watch)
