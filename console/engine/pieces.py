"""What a chunk is made of: pieces of targets, items, rows; and the cursor after each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from console.models import Target
from console.operations.base import Span


@dataclass(frozen=True)
class Piece:
    """The parts `first` to `last` (both included) of one target, or one item of an operation without a selection.

    `end` is the cursor after it.
    """

    position: int
    first: int
    last: int
    end: tuple[int, int]
    target: Target | None = None
    obj: Any = None

    @property
    def items(self) -> int:
        """How many items the piece counts."""
        return self.last - self.first + 1

    @property
    def is_gone(self) -> bool:
        """Whether the object no longer exists."""
        return self.target is not None and self.obj is None

    @property
    def span(self) -> Span:
        """What the operation gets to see."""
        return Span(self.obj, self.first, self.last)

    def split(self, before: tuple[int, int]) -> Iterator[Piece]:
        """Yield a piece for each part; `before` is the cursor before this piece."""
        for part in range(self.first, self.last + 1):
            end = self.end if part == self.last else (before[0], part + 1)
            yield replace(self, first=part, last=part, end=end)


@dataclass(frozen=True)
class Chunk:
    """The pieces between two checkpoints, and whether nothing follows them: no further item, and no file to be made."""

    start: tuple[int, int]
    pieces: Sequence[Piece]
    is_last: bool

    @property
    def end(self) -> tuple[int, int]:
        """The cursor after the chunk."""
        return self.pieces[-1].end if self.pieces else self.start

    @property
    def items(self) -> int:
        """How many items the chunk counts."""
        return sum(piece.items for piece in self.pieces)

    def up_to(self, items: int) -> Chunk:
        """Return the chunk as far as `items` items of it were done."""
        return self if items >= self.items else Chunk(self.start, self.singles()[:items], is_last=False)

    def singles(self) -> list[Piece]:
        """Return the chunk's items one by one."""
        singles: list[Piece] = []
        before = self.start
        for piece in self.pieces:
            singles += piece.split(before)
            before = piece.end
        return singles
