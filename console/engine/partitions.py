"""The only writer of a partition: mark what is sent, claim, checkpoint, yield, back off, park, end.

Each write is fenced by the token. Claiming, parking and ending need the Run's lock, which is taken first; a checkpoint
takes it only when it ends its partition or stops the run (PROTOCOL H6).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Greatest

from console.conf import settings
from console.engine import attempts
from console.engine.clock import after, now
from console.engine.leases import Lease
from console.engine.statements import Bound, Given, Plus, Rows, insert
from console.engine.transitions import OPEN, UNLEASED
from console.exceptions import LeaseLost
from console.models import Attempt, Partition, Run
from console.retry import redelivery

if TYPE_CHECKING:
    from datetime import datetime

    from console.engine.chunks import Outcome

ONE_LESS = Greatest(F("tries") - 1, Value(0))

_ONE = Rows(lambda: Partition.objects.filter(pk=Given("partition")))
_CLAIMABLE = Rows(
    lambda: Partition.objects.select_for_update(no_key=True).filter(
        OPEN, UNLEASED, pk=Given("partition"), run=Given("run"), token=Given("token")
    )
)
_MINE = Rows(lambda: Partition.objects.filter(OPEN, pk=Given("partition"), token=Given("token")))
_FENCED = Rows(
    lambda: Partition.objects.filter(
        OPEN, pk=Given("partition"), token=Given("token"), position=Given("position"), part=Given("part")
    )
)


def open_of(run: Run) -> QuerySet[Partition]:
    """Return the run's open partitions."""
    return Partition.objects.filter(OPEN, run=run)


def create(run: Run, *, kind: str = Partition.Kind.WORK, sent: bool, **fields: Any) -> Partition:
    """Add a partition, with its first wake-up owed: now, or after the redelivery time if it is sent at commit."""
    wait = redelivery(1, settings.redelivery, settings.redelivery_max)
    partition = Partition(
        run=run,
        kind=kind,
        queue=run.queue,
        chunk_size=settings.chunk_size,
        wake_at=after(wait) if sent else now(),
        sends=1 if sent else 0,
        sent_at=now() if sent else None,
        **fields,
    )
    insert(partition)
    return partition


def count_skipped(partition: Partition, items: int) -> None:
    """Count items that were left out at acceptance."""
    Partition.objects.filter(pk=partition.pk).update(skipped=F("skipped") + items)


# --- wake-ups


def mark_sent(partition: Partition) -> datetime | None:
    """Note, before the send, when the wake-up is owed again; returns that moment, or None if somebody was faster."""
    delay = redelivery(partition.sends + 1, settings.redelivery, settings.redelivery_max)
    seen = Partition.objects.filter(OPEN, pk=partition.pk, token=partition.token, wake_at=partition.wake_at)
    if not seen.update(wake_at=after(delay), sends=F("sends") + 1, sent_at=now(), backing_off=False):
        return None
    return Partition.objects.values_list("wake_at", flat=True).get(pk=partition.pk)


def mark_unsent(partition_id: int, token: int, wake_at: datetime | None) -> None:
    """Owe the wake-up now: its send is known to have failed. Only while the row is as the sender wrote it."""
    same = Partition.objects.filter(OPEN, pk=partition_id, token=token, lease_until=None)
    if wake_at is not None:
        same = same.filter(wake_at=wake_at)
    same.update(wake_at=now(), sends=Greatest(F("sends") - 1, Value(0)), sent_at=None)


def mark_lost(partition_ids: Iterable[int]) -> int:
    """Owe the wake-ups now of partitions whose messages are known to be nowhere (PROTOCOL H2)."""
    lost = Partition.objects.filter(OPEN, pk__in=list(partition_ids), lease_until=None, sent_at__isnull=False)
    return lost.update(wake_at=now(), sent_at=None)


def mark_admissible(partition_ids: Iterable[int]) -> None:
    """Owe the wake-ups now of partitions that were refused, and may be claimed since."""
    refused = Partition.objects.filter(
        OPEN, pk__in=list(partition_ids), lease_until=None, sent_at=None, backing_off=False
    )
    refused.update(wake_at=now())


# --- a claim and its end


def claimable(run_id: int, partition_id: int, token: int) -> Partition | None:
    """Lock the partition and return it, if it is open, has no live lease, and still has this token."""
    partition: Partition | None = _CLAIMABLE.first(partition=partition_id, run=run_id, token=token)
    return partition


def lease(partition: Partition, seconds: float, *first: Bound, task_id: str, worker: str, **narrowed: int) -> Lease:
    """Give the partition to a worker: token and tries grow, and what was open before it is lost.

    Args:
        partition: The partition, claimable and locked.
        seconds: The length of the lease.
        first: Statements to execute before.
        task_id: Celery's id of the delivery.
        worker: The worker's name.
        narrowed: Its new caution and chunk size, where they change.
    """
    if partition.lease_until is not None:
        attempts.lose(Partition.objects.filter(pk=partition.pk))
    if partition.token:
        attempts.forget_yielded(partition)
    leasing = _ONE.updating(
        {"partition": partition.pk},
        token=Plus(1),
        tries=Plus(1),
        lease_until=after(seconds),
        wake_at=after(seconds),
        sends=0,
        sent_at=None,
        backing_off=False,
        **narrowed,
    )
    partition.token += 1
    partition.tries += 1
    for name, value in narrowed.items():
        setattr(partition, name, value)
    attempt = attempts.begin(partition, *first, leasing, task_id=task_id, worker=worker)
    return Lease(partition.run_id, partition.pk, partition.token, attempt.pk, seconds, partition)


def refuse(partition: Partition) -> None:
    """Send the claim away for now; it counts as no try."""
    Partition.objects.filter(OPEN, pk=partition.pk).update(wake_at=after(settings.redelivery), sent_at=None)


def checkpoint(
    lease: Lease,
    start: tuple[int, int],
    end: tuple[int, int],
    outcome: Outcome,
    *,
    closes: str = "",
    items: int = 0,
    **fields: Any,
) -> None:
    """Move the cursor from `start` to `end`. The fence: the last statement of the chunk.

    Args:
        lease: The right under which the chunk was done.
        start: The cursor that the chunk began at.
        end: The cursor after it.
        outcome: What to add to the counters.
        closes: The partition's outcome, where this checkpoint ends it, and the attempt with it; then the caller holds
            the Run's lock.
        items: How many items the attempt did in all, where it ends.
        fields: Further columns to write.

    Raises:
        LeaseLost: Somebody else owns the partition, or this chunk was committed already.
    """
    counters = {
        name: Plus(count)
        for name, count in (("done", outcome.done), ("failed", outcome.failed), ("skipped", outcome.skipped))
        if count
    }
    right = _closed(closes) if closes else {"lease_until": after(lease.seconds), "wake_at": after(lease.seconds)}
    moving = _FENCED.updating(
        {**lease.right, "position": start[0], "part": start[1]},
        position=end[0],
        part=end[1],
        tries=0,
        progress_at=now(),
        **counters,
        **right,
        **fields,
    )
    ending = [attempts.ending(lease.attempt_id, Attempt.Outcome.DONE, items=items)] if closes else []
    if not moving.after(*ending).run():
        raise LeaseLost


def yield_(lease: Lease) -> bool:
    """Give the partition back at the end of a slice; its next wake-up is sent after the commit.

    Returns:
        Whether it was still ours.
    """
    wait = redelivery(1, settings.redelivery, settings.redelivery_max)
    return _give_back(lease, wake_at=after(wait), sends=1, sent_at=now(), tries=ONE_LESS)


def hold_back(lease: Lease, delay: float) -> bool:
    """Give the partition back until the run's pace allows the next items, in `delay` seconds."""
    return _give_back(lease, wake_at=after(delay), sends=0, sent_at=None, tries=ONE_LESS)


def back_off(lease: Lease, delay: float, error: str) -> bool:
    """Give the partition back until `delay` seconds from now, after outside trouble. The try counts."""
    return _give_back(lease, wake_at=after(delay), backing_off=True, error=error, sends=0, sent_at=None)


def park(lease: Lease) -> bool:
    """Give the partition back for a pause; tries are as before the claim."""
    return _give_back(lease, wake_at=None, tries=ONE_LESS, sends=0, sent_at=None)


def end(lease: Lease, outcome: str, error: str = "") -> bool:
    """End the partition before its last item."""
    return _give_back(lease, wake_at=None, outcome=outcome, **({"error": error} if error else {}))


def _give_back(lease: Lease, **fields: Any) -> bool:
    return bool(_MINE.update(lease.right, token=Plus(1), lease_until=None, **fields))


def be_careful(lease: Lease, items: int) -> None:
    """Do the next `items` items one a checkpoint (PROTOCOL H4, H5)."""
    _MINE.update(lease.right, caution=items, chunk_size=1)


def step_over(partition: Partition, end: tuple[int, int], outcome: Outcome, *, closes: str = "") -> None:
    """Move the cursor past an item that was given up, in the claim's own transaction (PROTOCOL H3)."""
    closed = _closed(closes) if closes else {}
    Partition.objects.filter(OPEN, pk=partition.pk).update(
        position=end[0],
        part=end[1],
        tries=0,
        caution=Greatest(F("caution") - 1, Value(1)),
        given_up=F("given_up") + 1,
        failed=F("failed") + outcome.failed,
        skipped=F("skipped") + outcome.skipped,
        **closed,
    )


def fail(partition: Partition, error: str) -> None:
    """End a partition that nobody has leased as failed."""
    Partition.objects.filter(OPEN, pk=partition.pk).update(
        token=F("token") + 1, error=error, **_closed(Partition.Outcome.FAILED)
    )


def _closed(outcome: str) -> dict[str, Any]:
    """Return the columns of a partition that has ended."""
    return {"outcome": outcome, "lease_until": None, "wake_at": None}


def end_attempt(lease: Lease, outcome: str, *, items: int, error: str = "", traceback: str = "") -> None:
    """Close the record of the lease's attempt."""
    attempts.ending(lease.attempt_id, outcome, items=items, error=error, traceback=traceback).run()


def release_lost(task_id: str) -> int:
    """Let the lease of a worker process that is known to be dead lapse now (PROTOCOL H8).

    The attempt stays open, so that the next claim finds it lost and is careful.
    """
    return sum(
        Partition.objects.filter(OPEN, pk=pk, token=token, lease_until__gt=now()).update(
            lease_until=now(), wake_at=now()
        )
        for pk, token in attempts.open_of(task_id)
    )


# --- verbs and sweeps; the caller holds the Run's lock


def stop_unleased(run: Run, outcome: str | None) -> bool:
    """End (with `outcome`) or park (None) every open partition without a live lease; tells whether a live one is left."""
    stopped = open_of(run).filter(UNLEASED)
    attempts.lose(stopped.filter(lease_until__isnull=False))
    stopped.update(
        token=F("token") + 1, lease_until=None, wake_at=None, outcome=outcome, backing_off=False, sends=0, sent_at=None
    )
    return open_of(run).filter(lease_until__gt=now()).exists()


def wake_parked(run: Run) -> None:
    """Owe the wake-ups now of every open partition without a lease; a person's act gives them all their tries back."""
    open_of(run).filter(lease_until=None).update(wake_at=now(), tries=0, sends=0, sent_at=None, backing_off=False)
