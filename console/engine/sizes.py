"""From which size a run prepares, how large a chunk is, and how long a worker rests after it."""

from __future__ import annotations

from django.db import connection

from console.conf import settings
from console.models import Partition, Run

SHORTEST_REST = 0.01


def prepare_above() -> int:
    """Return how many objects a run takes at acceptance; more are collected by a worker."""
    if settings.prepare_above is not None:
        return int(settings.prepare_above)
    return 50_000 if connection.vendor == "postgresql" else 5_000


def chunk_time(*, reads: bool = False) -> float:
    """Return how many seconds a chunk should take: short on SQLite, where it keeps all other writers out.

    One that only `reads` does so with no transaction open, and keeps nobody out.
    """
    if settings.chunk_time is not None:
        return float(settings.chunk_time)
    return 0.05 if connection.vendor == "sqlite" and not reads else 0.5


def next_size(partition: Partition, run: Run) -> int:
    """Return how many items the next chunk may have."""
    size: int = max(1, min(partition.chunk_size, partition.caution or partition.chunk_size, settings.chunk_size_max))
    if run.pace:
        size = min(size, max(1, int(run.pace * max(chunk_time(), 0.1))))
    return size


def adapted(size: int, items: int, took: float, wanted: float) -> int:
    """Return the chunk size that would have taken the wanted time, at most doubled and at least halved.

    Args:
        size: The size that was asked for.
        items: How many items there were.
        took: How many seconds they took.
        wanted: How many seconds a chunk should take.
    """
    if items < size:  # the end of the work, or a target's end, says nothing of speed
        return size if took <= wanted else max(1, size // 2)
    ideal = items * wanted / max(took, 1e-6)
    return int(max(1, size // 2, min(size * 2, ideal, settings.chunk_size_max)))


def rest_after(run: Run, items: int, took: float, worked: float) -> float:
    """Return how many seconds to rest after a chunk.

    For the run's pace, and on SQLite for its other writers: a quarter of the time worked since the last rest, once
    that is as long as a chunk should be (PROTOCOL C8).

    Args:
        run: The run.
        items: How many items the chunk had.
        took: How many seconds it took.
        worked: How many seconds were worked since the last rest, this chunk included.
    """
    for_pace = items / run.pace - took if run.pace else 0.0
    wanted = connection.vendor == "sqlite" and worked >= chunk_time() / 2
    for_others = max(worked / 4, SHORTEST_REST) if wanted else 0.0
    return max(for_pace, for_others, 0.0)
