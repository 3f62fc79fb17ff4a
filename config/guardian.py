"""A process that outlives the supervisor by a moment, to leave no orphan behind.

It reads ``+pid`` and ``-pid`` from a pipe that only the supervisor holds open: the process groups now alive. When the
pipe ends, however the supervisor ended, it kills what is left, workers of workers included. It is run as a plain
script, so that it costs no import of the project.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable

PATIENCE = 3.0


def left_over(lines: Iterable[str]) -> set[int]:
    """Return the process groups that were announced and never taken back."""
    groups: set[int] = set()
    for line in lines:
        change = groups.add if line.startswith("+") else groups.discard
        change(int(line[1:]))
    return groups


def signalled(group: int, number: int) -> bool:
    """Send a signal to a process group; say whether there was one."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def clear(groups: set[int]) -> None:
    """Kill the groups and see them gone, or at least dead and left for the system to reap."""
    alive = {group for group in groups if signalled(group, signal.SIGKILL)}
    deadline = time.monotonic() + PATIENCE
    while alive and time.monotonic() < deadline:
        alive = {group for group in alive if signalled(group, 0)}
        time.sleep(0.01)


if __name__ == "__main__":
    clear(left_over(sys.stdin))
