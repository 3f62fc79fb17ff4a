"""Caution: after a chunk was lost, so many items are done in small chunks that do not grow (PROTOCOL H4)."""

from __future__ import annotations

from console.models import Partition

NARROWER = 16


def narrowed(partition: Partition, limit: int) -> dict[str, int]:
    """Return the caution and the chunk size of the next claim, where there is reason to change them.

    After a lost attempt one item of its chunk may be to blame: as many items are done in chunks of a sixteenth, which
    do not grow. A worker that merely died thus costs little, and an item that kills its worker each time stands alone
    after a few losses. With all tries used up, and for the last try after a loss, they are done one by one.
    """
    lost, size = partition.lease_until is not None, max(partition.chunk_size, 1)
    if partition.tries >= limit - lost:
        return {"caution": max(partition.caution, size), "chunk_size": 1}
    return {"caution": size, "chunk_size": max(1, size // NARROWER)} if lost else {}


def stands_alone(partition: Partition) -> bool:
    """Tell whether the next item of the partition is being tried alone."""
    return partition.caution > 0 and partition.chunk_size == 1


def left(partition: Partition, items: int) -> int:
    """Return the caution that is left after `items` careful items."""
    return max(0, partition.caution - items)


def next_size(partition: Partition, items: int) -> int:
    """Return the size of the chunk after a careful one of `items`: what was narrowed stays so until the caution is over."""
    return partition.chunk_size * NARROWER if partition.caution <= items else partition.chunk_size
