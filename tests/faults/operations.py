"""Operations that go wrong in the ways that real ones do, at the items named "poison"."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress

from celery.contrib import rdb
from celery.exceptions import SoftTimeLimitExceeded
from django.db.models import F

from console.operations import Operation, RetryPolicy, register
from tests.faults.models import Item

POISON = "poison"
LONG = 600


class Counting(Operation):
    """Add one to the count of each item: an item that is done twice shows it."""

    timeout = 1
    retry = RetryPolicy(tries=1, base=0.1, cap=0.1)

    def process(self, items: Sequence[Item]) -> None:
        """Count, then meet the poison."""
        Item.objects.filter(pk__in=[item.pk for item in items]).update(count=F("count") + 1)
        if any(item.name == POISON for item in items):
            self.suffer()

    def suffer(self) -> None:
        """Do what the poison does."""


@register(Item)
class Count(Counting):
    """Count, and meet no harm."""

    name = "faults.count"


@register(Item)
class Die(Counting):
    """Die of the poison, as of a crash in a library."""

    name = "faults.die"

    def suffer(self) -> None:
        """Kill this process."""
        os.kill(os.getpid(), signal.SIGKILL)


@register(Item)
class Hang(Counting):
    """Hang at the poison, as at a lock that is never released."""

    name = "faults.hang"

    def suffer(self) -> None:
        """Wait for nothing."""
        time.sleep(LONG)


@register(Item)
class HangOn(Counting):
    """Hang at the poison, and ignore the soft time limit, as code that catches everything does."""

    name = "faults.hang-on"

    def suffer(self) -> None:
        """Wait for nothing, whatever happens."""
        while True:
            with suppress(SoftTimeLimitExceeded):
                time.sleep(LONG)


@register(Item)
class Debug(Counting):
    """Stop in the remote debugger at the poison."""

    name = "faults.debug"
    timeout = LONG

    def suffer(self) -> None:
        """Listen for a debugger."""
        rdb.set_trace()  # noqa: T100 - what is tested
