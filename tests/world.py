"""Fixtures of the tests that drive the engine by its own functions: a broker that is a list, operations declared at will."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from console.engine import wakeups
from console.models import Partition
from console.operations import BaseOperation
from console.testing import declared
from notes.models import Note
from tests.engine.kit import mark

Declare = Callable[..., type[BaseOperation]]


@dataclass
class ListBroker:
    """Takes wake-ups into a list; can be down, and can be asked how much waits in its queues."""

    sent: list[tuple[int, int, int]] = field(default_factory=list)
    down: bool = False
    waiting: int | None = None
    on_send: Callable[[Partition], None] | None = None

    def send(self, partition: Partition) -> bool:
        """Take one wake-up, unless down."""
        if self.on_send is not None:
            self.on_send(partition)
        if self.down:
            return False
        self.sent.append((partition.run_id, partition.pk, partition.token))
        return True

    def depth(self, _queue: str) -> int | None:
        """Tell how many messages wait, or None: the broker does not answer."""
        return None if self.down else self.waiting


@pytest.fixture(autouse=True)
def broker(monkeypatch: pytest.MonkeyPatch) -> ListBroker:
    """Put a list in the place of the broker."""
    made = ListBroker()
    monkeypatch.setattr(wakeups, "send", made.send)
    monkeypatch.setattr(wakeups, "depth", made.depth)
    return made


@pytest.fixture
def declare() -> Iterator[Declare]:
    """Declare operations on notes (or on `model`) for the time of a test; by default they leave marks."""
    with ExitStack() as stack:

        def declare_one(process: Callable[..., Any] | None = mark, *, model: Any = Note, **attributes: Any) -> Any:
            return stack.enter_context(declared(model, process, **attributes))

        yield declare_one


@pytest.fixture
def configure(settings: Any) -> Callable[..., None]:
    """Change settings of the console by keyword, such as ``slice=0``."""

    def change(**values: Any) -> None:
        settings.CONSOLE = {**settings.CONSOLE, **{name.upper(): value for name, value in values.items()}}

    return change
