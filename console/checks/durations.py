"""Checks of the numbers in ``CONSOLE``: leases, slices and waiting times that have to fit each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from django.core.checks import CheckMessage, Error, register

from console.conf import ConsoleSettings, settings

OTHERS = {"contact", "metrics_token", "sync_schedules"}
# What may not be larger than what, and why.
ORDER = (
    ("redelivery", "redelivery_max", "waiting grows from the one to the other"),
    ("sweep", "redelivery", "a message would be sent again before anybody looks"),
    ("chunk_size", "chunk_size_max", "chunks grow from the one to the other"),
    ("queue_late", "queue_dead", "a queue is late before it counts as dead"),
    ("chunk_time", "slice", "a slice holds several chunks"),
)


@register("console")
def check_durations(**_: Any) -> list[CheckMessage]:
    """Check that each number is positive, and that they fit each other."""
    numbers = {
        field.name: value
        for field in fields(ConsoleSettings)
        if field.name not in OTHERS and (value := getattr(settings, field.name)) is not None
    }
    wrong = list(_not_positive(numbers))
    return wrong or list(_out_of_order(numbers))


def _not_positive(numbers: dict[str, Any]) -> Iterator[CheckMessage]:
    for name, value in numbers.items():
        if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
            yield Error(
                f"CONSOLE[{name.upper()!r}] is {value!r}, which is not a number above 0.",
                hint=f"Remove it, or set CONSOLE[{name.upper()!r}] = {getattr(ConsoleSettings(), name)!r}, the default. "
                "The margin keeps the lease longer than the hard time limit, and that longer than the soft one.",
                id="console.E006",
            )


def _out_of_order(numbers: dict[str, Any]) -> Iterator[CheckMessage]:
    for small, large, why in ORDER:
        if small in numbers and large in numbers and numbers[small] > numbers[large]:
            yield Error(
                f"CONSOLE[{small.upper()!r}] ({numbers[small]:g}) is larger than CONSOLE[{large.upper()!r}] "
                f"({numbers[large]:g}): {why}.",
                hint=f"Lower {small.upper()} or raise {large.upper()}.",
                id="console.E008",
            )
