"""The operations that are measured, beside those of the notes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar

from console.operations import Copy, Hold, Operation, Span, register
from console.operations.base import Results
from notes.forms import CopyForm
from notes.models import Note


@register(Note)
class CopyBare(Copy):
    """Copy notes alone, inside the database."""

    name = "bench.copy"
    form = CopyForm
    cleared = ("trashed_at", "archived_at", "published_at")


@register(Note)
class CopyInPython(CopyBare):
    """Copy notes alone, with a hook that needs Python; keeps how long the chunks' effects took."""

    name = "bench.copy-in-python"
    chunks: ClassVar[int] = 0
    seconds: ClassVar[float] = 0.0

    def copy_instance(self, original: Note, copy: Note, number: int) -> None:
        """Give the copy a title of its own."""
        copy.title = f"{original.title} ({number})"

    def process_spans(self, spans: Sequence[Span]) -> Results:
        """Copy, with a look at the clock."""
        started = time.perf_counter()
        results = super().process_spans(spans)
        CopyInPython.chunks += 1
        CopyInPython.seconds += time.perf_counter() - started
        return results


@register(Note)
class Touch(Operation):
    """Do nothing with notes, and say when."""

    name = "bench.touch"
    hold = Hold.EXCLUSIVE

    def process(self, notes: Sequence[Note]) -> Results:
        """Return the moment as the first note's result."""
        return {notes[0].pk: repr(time.monotonic())}


@register()
class Idle(Operation):
    """Do nothing with nothing."""

    name = "bench.idle"
    selection = None
    permission = None

    def process(self, objects: Sequence[Any]) -> None:
        """Do nothing."""
