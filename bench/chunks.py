"""The bookkeeping of a chunk: what the engine adds to the effects, its pause not counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any
from unittest import mock

from django.db import connection, connections

from bench.figures import Figure, at_most
from bench.operations import CopyInPython
from bench.world import World, tell
from console.engine.acceptance import start
from console.testing import assert_succeeded, perform
from notes.models import Note

GOALS = {"postgresql": 0.05, "sqlite": 0.25}


class Stopwatch:
    """Calls a function, and counts how long that takes."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.seconds, self._function = 0.0, function

    def __call__(self, *args: Any) -> Any:
        """Call it."""
        started = time.perf_counter()
        try:
            return self._function(*args)
        finally:
            self.seconds += time.perf_counter() - started


def measure(world: World) -> list[Figure]:
    """Measure the milliseconds of an average chunk, around and in its ``bulk_create``."""
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
    """Return the milliseconds that an average chunk of a run took beside its effects, and for them and their commit."""
    CopyInPython.chunks, CopyInPython.seconds = 0, 0.0
    run = start(CopyInPython, objects=Note.all_objects.all(), params={"copies": copies})
    pauses, whole = Stopwatch(time.sleep), Stopwatch(perform)
    commits, checks = Stopwatch(connection.commit), Stopwatch(connection.check_constraints)
    with (
        mock.patch("time.sleep", pauses),
        mock.patch.multiple(connections["default"], commit=commits, check_constraints=checks),
    ):
        whole(run)
    assert_succeeded(run)
    effects = CopyInPython.seconds + commits.seconds + checks.seconds  # foreign keys, which a commit would check
    bookkeeping = whole.seconds - pauses.seconds - effects
    return 1000 * bookkeeping / CopyInPython.chunks, 1000 * effects / CopyInPython.chunks
