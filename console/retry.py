"""When to try again: a frozen policy that answers one question. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass

from console.exceptions import InvalidOperation


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential back-off with full jitter.

    The delay before try ``n + 1`` is drawn evenly from 0 to ``min(cap, base * 2 ** (n - 1))`` seconds, the “full
    jitter” of the AWS Architecture Blog's “Exponential Backoff and Jitter”.

    Args:
        tries: How many claims without progress are allowed before the item in question is given up; at least 1.
        base: Upper bound of the first delay, in seconds.
        cap: Upper bound of every delay, in seconds.

    Raises:
        InvalidOperation: The numbers cannot work.
    """

    tries: int = 5
    base: float = 2.0
    cap: float = 600.0

    def __post_init__(self) -> None:
        if self.tries < 1 or self.base <= 0 or self.cap < self.base:
            raise InvalidOperation(
                f"{self} cannot work: give tries >= 1 and 0 < base <= cap (seconds), for example "
                "RetryPolicy(tries=5, base=2, cap=600)."
            )

    def bound(self, tries: int) -> float:
        """Return the longest delay after `tries` tries, in seconds.

        >>> [RetryPolicy(base=2, cap=20).bound(n) for n in (1, 2, 3, 4, 5, 5000)]
        [2.0, 4.0, 8.0, 16.0, 20.0, 20.0]
        """
        return float(min(self.cap, self.base * 2 ** min(max(tries, 1) - 1, 60)))

    def delay(self, tries: int, after: float | None = None) -> float:
        """Return the delay in seconds after `tries` tries, at least `after` where the other side named a time."""
        return max(random.uniform(0, self.bound(tries)), after or 0.0)  # noqa: S311 - jitter, not cryptography


def redelivery(sends: int, first: float, longest: float) -> float:
    """Return how many seconds an unanswered wake-up waits before it is sent again, doubling from `first` to `longest`.

    >>> [redelivery(n, 30, 900) for n in (0, 1, 2, 3, 9, 5000)]
    [30.0, 30.0, 60.0, 120.0, 900.0, 900.0]
    """
    return float(min(longest, first * 2 ** min(max(sends, 1) - 1, 60)))
