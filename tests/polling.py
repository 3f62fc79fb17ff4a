"""Waiting for something to happen in another process."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(look: Callable[[], T], seconds: float = 30) -> T:
    """Look until there is something to see, and return it.

    Raises:
        AssertionError: the time is up.
    """
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"It did not happen in {seconds:g} s."
        time.sleep(0.05)
    return seen
