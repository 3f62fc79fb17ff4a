"""What a line of a log belongs to: the run, the partition and the attempt in hand, added by a filter to every record.

In the project's settings: ``"filters": {"at_work": {"()": "console.logs.AtWork"}}``, named by each handler; ``{at_work}`` in a format
is then “ [run 17, partition 21, attempt 40]” while a worker is at one, and nothing elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

NAMES = ("run", "partition", "attempt")
_in_hand: ContextVar[tuple[int, int, int] | None] = ContextVar("console_in_hand", default=None)


@contextmanager
def at_work(run_id: int, partition_id: int, attempt_id: int) -> Iterator[None]:
    """Let every record of the block carry these ids, whoever logs it."""
    token = _in_hand.set((run_id, partition_id, attempt_id))
    try:
        yield
    finally:
        _in_hand.reset(token)


class AtWork(logging.Filter):
    """Gives each record `run`, `partition`, `attempt` (None where nothing is in hand) and `at_work`, the same in words."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add them; every record passes."""
        ids = _in_hand.get()
        for place, name in enumerate(NAMES):
            setattr(record, name, ids[place] if ids else None)
        told = ", ".join(f"{name} {number}" for name, number in zip(NAMES, ids or (), strict=False))
        record.at_work = f" [{told}]" if told else ""
        return True
