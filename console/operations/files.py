"""Operations that write a file: each chunk a part of it, joined when all items are done. The engine keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from console.operations.base import Operation


class FileOperation(Operation):
    """Writes a file: `process` gathers what a chunk adds to it, and the engine stores that in the checkpoint.

    A part counts only if its checkpoint commits, so whatever happens to a worker, each item is in the file once. A dry
    run writes nothing.

    Attributes:
        media_type: The MIME type of the file.
    """

    partitions: ClassVar[int] = 1  # parts follow each other in the order of their checkpoints

    @property
    def media_type(self) -> str:
        """The MIME type of the file."""
        return "application/octet-stream"

    def take_part(self, before: int) -> tuple[bytes, int]:
        """Return what was gathered since the last call, and how many rows it is.

        Args:
            before: How many rows the parts before it have.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement take_part(before).")

    def joined(self, parts: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
        """Yield the whole file, of its parts in their order; no transaction is open, and memory stays constant."""
        for part in parts:
            yield from part

    def file_name(self) -> str:
        """Return what the file is called, for people."""
        return self.name

    def file_note(self) -> str:
        """Return what whoever downloads the file should know of it; may be empty."""
        return ""
