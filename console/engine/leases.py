"""The lease: what a claim wins, and what every write of the one who works is fenced by."""

from __future__ import annotations

from dataclasses import dataclass, field

from console.engine.statements import Given, Rows
from console.engine.transitions import OPEN
from console.models import Partition

_MINE = Rows(lambda: Partition.objects.filter(OPEN, pk=Given("partition"), token=Given("token")).select_related("run"))


@dataclass(frozen=True)
class Lease:
    """The right to work a partition, won by a claim; `claimed` is the partition as the claim left it, with its run."""

    run_id: int
    partition_id: int
    token: int
    attempt_id: int
    seconds: float
    claimed: Partition | None = field(default=None, compare=False, repr=False)

    @property
    def right(self) -> dict[str, int]:
        """What names the partition while it is ours: nobody has raised its token."""
        return {"partition": self.partition_id, "token": self.token}

    def look(self) -> Partition | None:
        """Return the partition as it is now, with its run, or None if it has ended or is no longer ours."""
        partition: Partition | None = _MINE.first(**self.right)
        return partition
