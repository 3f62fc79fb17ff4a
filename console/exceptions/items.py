"""What an operation may raise for its items, and what ends the work on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class LeaseLost(Exception):
    """The fence refused a checkpoint: another claim owns the partition now, or it has ended. Never shown."""


class Overtaken(Exception):
    """While a chunk waited for the database its run was told to stop: nothing was done, the runner looks again. Never shown."""


class Retry(Exception):
    """Raised by an operation: outside trouble that will pass; roll back, and try again later.

    Args:
        reason: What went wrong, in words for staff.
        after: Seconds before which trying again is pointless (a service's ``Retry-After``), if it said so.
    """

    def __init__(self, reason: str | _StrPromise = "", after: float | None = None) -> None:
        self.reason, self.after = reason, after
        super().__init__(str(reason))


class ItemOutcome(Exception):
    """Base of the outcomes that an operation may raise, or return, for one item."""

    def __init__(self, obj: Any, reason: str | _StrPromise, data: dict[str, Any] | None = None) -> None:
        self.obj, self.reason, self.data = obj, reason, data or {}
        super().__init__(str(reason))


class ItemFailed(ItemOutcome):
    """One item could not be done; the others can. Becomes a Failure with this reason."""


class Skip(ItemOutcome):
    """One item was left out on purpose (unchanged, not applicable); counted as skipped, with its reason."""
