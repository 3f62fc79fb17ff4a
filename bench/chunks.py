"""The bookkeeping of a chunk: what the engine adds to the effects, its pause not counted."""

from __future__ import annotations

import time
from statistics import median
from unittest import mock

from django.db import connection

from bench.figures import Figure, at_most
from bench.operations import CopyInPython
from bench.world import World, tell
from console.engine.acceptance import start
from console.testing import assert_succeeded, perform
from notes.models import Note

GOALS = {"postgresql": 0.05, "sqlite": 0.25}


class Pauses:
    """Sleeps, and counts it."""

    def __init__(self) -> None:
        self.seconds, self._sleep = 0.0, time.sleep

    def __call__(self, seconds: float) -> None:
        """Sleep."""
        started = time.perf_counter()
        self._sleep(seconds)
        self.seconds += time.perf_counter() - started


def measure(world: World) -> list[Figure]:
    """Measure the milliseconds of an average chunk, in and around its ``bulk_create``."""
    around, within = [], []
    for _round in range(world.sizes.rounds):
        world.fresh()
        one = chunk(world.sizes.copies)
        around.append(one[0])
        within.append(one[1])
        tell(f"  bookkeeping: {one[0]:.3g} ms, effects: {one[1]:.3g} ms")
    goal = at_most(GOALS[connection.vendor])
    return [Figure("bookkeeping of a chunk (ms)", median(around), median(within), "its bulk_create", goal)]


def chunk(copies: int) -> tuple[float, float]:
    """Return the milliseconds that an average chunk of a run took beside its effects, and for them."""
    CopyInPython.chunks, CopyInPython.seconds = 0, 0.0
    run = start(CopyInPython, objects=Note.all_objects.all(), params={"copies": copies})
    with mock.patch("time.sleep", Pauses()) as pauses:
        started = time.perf_counter()
        perform(run)
        took = time.perf_counter() - started - pauses.seconds
    assert_succeeded(run)
    chunks, effects = CopyInPython.chunks, CopyInPython.seconds
    return 1000 * (took - effects) / chunks, 1000 * effects / chunks
