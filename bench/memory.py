"""The memory of a process that carries a run out: its peak over what it has when idle, for a few copies and for many."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from bench.figures import Figure, at_most
from bench.world import World

ALLOWED = 25.0
GROWTH = 1.1


def measure(world: World) -> list[Figure]:
    """Measure peaks in MB, in a fresh process each."""
    idle: list[float] = []

    def peak(operation: str, copies: int) -> float:
        before, after = child(operation, {"copies": copies})
        idle.append(before)
        return after

    few, many = world.sizes.few, world.sizes.many
    peaks = world.medians(
        {
            "few": lambda: peak("bench.copy", few),
            "many": lambda: peak("bench.copy", many),
            "hook": lambda: peak("bench.copy-in-python", few),
        }
    )
    base = sorted(idle)[len(idle) // 2]
    allowed = f"{ALLOWED:g} MB"
    return [
        Figure("memory over idle, 1,000,000 copies (MB)", peaks["many"] - base, ALLOWED, allowed, at_most(1)),
        Figure("memory over idle, 10,000 copies with a hook (MB)", peaks["hook"] - base, ALLOWED, allowed, at_most(1)),
        Figure("memory, 1,000,000 copies (MB)", peaks["many"], peaks["few"], "10,000 copies", at_most(GROWTH)),
    ]


def child(operation: str, params: dict[str, Any]) -> tuple[float, float]:
    """Return the MB of a process when idle, and at its peak after the run."""
    command = [sys.executable, "-m", "bench.child", operation, json.dumps(params)]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return answer["idle"], answer["peak"]
