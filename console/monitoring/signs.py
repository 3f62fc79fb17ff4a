"""Signs of life: the row that each worker and scheduler renews, and that is forgotten when it has been silent for long."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version

from django.db.models.functions import Now
from django.utils import timezone

from console.models import Heartbeat

VERSION = version("django-operations-console")
FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Sign:
    """Who gives the sign of life; its row is unique by kind and name."""

    kind: Heartbeat.Kind
    name: str
    queues: tuple[str, ...] = ()
    concurrency: int = 1
    pool: str = ""
    pid: int = field(default_factory=os.getpid)
    started_at: datetime = field(default_factory=timezone.now)

    def renew(self) -> None:
        """Write the row: alive now, by the database's clock."""
        row = Heartbeat(
            kind=self.kind,
            name=self.name,
            queues=list(self.queues),
            concurrency=self.concurrency,
            pool=self.pool,
            pid=self.pid,
            version=VERSION,
            started_at=self.started_at,
            seen_at=Now(),
            own_at=timezone.now(),
        )
        Heartbeat.objects.bulk_create(
            [row],
            update_conflicts=True,
            unique_fields=("kind", "name"),
            update_fields=("queues", "concurrency", "pool", "pid", "version", "started_at", "seen_at", "own_at"),
        )

    def withdraw(self) -> None:
        """Remove the row: a process that stopped in good order is not missed."""
        Heartbeat.objects.filter(kind=self.kind, name=self.name, pid=self.pid).delete()


def forget_silent() -> int:
    """Remove the rows of processes that have been silent for an hour, and return how many there were."""
    return Heartbeat.objects.filter(seen_at__lt=Now() - FORGOTTEN_AFTER).delete()[0]
