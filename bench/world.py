"""What every benchmark is given: sizes, a database in its first state, and rounds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from uuid import uuid4

from celery import current_app
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from bench.databases import Database
from bench.processes import running
from config import children
from console.engine import wakeups

SOURCES = 100


@dataclass(frozen=True)
class Sizes:
    """How much is measured; the defaults are those of the published figures."""

    rounds: int = 3
    copies: int = 1_000  # of each of the 100 sources
    related: int = 200
    few: int = 100
    many: int = 10_000
    accepted: int = 200
    selected: int = 50_000
    exported: int = 20_000
    exported_many: int = 200_000
    idle: int = 300
    posts: int = 30
    cancels: int = 5
    endless: int = 100_000
    history: int = 1_000_000
    history_few: int = 10_000
    notes: int = 100_000
    targets: int = 1_000_000
    failures: int = 100_000
    past: int = 1_000  # runs of one object
    loads: int = 9  # of each page in a round
    rows: int = 100_000  # of a file
    rival_rows: int = 3_000
    rows_few: int = 10_000
    rows_many: int = 1_000_000
    schedules: int = 5_000
    schedules_few: int = 50


TINY = Sizes(
    rounds=1,
    copies=2,
    related=2,
    few=1,
    many=3,
    accepted=3,
    selected=50,
    exported=50,
    exported_many=100,
    idle=5,
    posts=2,
    cancels=1,
    history=300,
    history_few=200,
    notes=100,
    targets=200,
    failures=50,
    past=15,
    loads=2,
    rows=40,
    rival_rows=20,
    rows_few=20,
    rows_many=40,
    schedules=10,
    schedules_few=5,
)


@dataclass(frozen=True)
class World:
    """One database, and what happens on it."""

    database: Database
    sizes: Sizes
    folder: Path
    known: dict[str, str] = field(default_factory=dict)

    def fresh(self) -> None:
        """Go back to the first state: the sources alone, nothing in the queues."""
        self.visit(self.database.main)
        self.database.restore()
        ContentType.objects.clear_cache()
        with current_app.connection_for_write() as broker:
            broker.default_channel.client.flushall()
        wakeups.breaker.reset()

    def aside(self, name: str, fill: Callable[[], object]) -> str:
        """Return the database called `name`, which pages are read from; `fill` has written it, once for all who ask."""
        if name not in self.known:
            tell(f"  filling: {name}")
            self.fresh()
            fill()
            connection.close()
            self.known[name] = self.database.put_aside(name)
        return self.known[name]

    def visit(self, database: str) -> None:
        """Connect to another database of this server, or another file."""
        connection.close()
        connection.settings_dict["NAME"] = database

    def medians(self, cases: Mapping[str, Callable[[], float]], *, fresh: bool = True) -> dict[str, float]:
        """Measure the cases in turn, as often as there are rounds, and return their medians.

        Args:
            cases: What measures, by name.
            fresh: Whether each begins on a fresh database; those that only read need none.
        """
        measured: dict[str, list[float]] = {name: [] for name in cases}
        for _round in range(self.sizes.rounds):
            for name, case in cases.items():
                if fresh:
                    self.fresh()
                measured[name].append(case())
                tell(f"  {name}: {measured[name][-1]:,.4g}")
        return {name: median(values) for name, values in measured.items()}

    @property
    def hands(self) -> int:
        """How many processes a worker has on this database, as the project runs it."""
        return 2 if connection.vendor == "postgresql" else 1

    @contextmanager
    def worker(self, queue: str, hands: int, **environment: str) -> Iterator[None]:
        """Run a worker of `queue` as long as the context lasts."""
        child = children.worker(queue, hands)
        log = self.folder / f"{queue}-{uuid4().hex}.log"
        with running(child.command, log, **child.environment, **environment):
            yield


def tell(text: str) -> None:
    """Say what is going on."""
    print(text, file=sys.stderr, flush=True)
