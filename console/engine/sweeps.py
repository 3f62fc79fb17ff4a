"""The sweep: whoever looks sends what is owed, and ends or settles what nobody works on. Safe to run many times at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from console.conf import settings
from console.engine import partitions, wakeups
from console.engine.admission import full_operations
from console.engine.clock import now
from console.engine.holds import release_ended
from console.engine.languages import speaking
from console.engine.obedience import obey
from console.engine.transactions import short_transaction
from console.engine.transitions import OPEN, UNLEASED, end, lock, move, record, settle
from console.models import Partition, Run
from console.states import ACTIVE, CLAIMABLE, STOPPING, State, Verb


@dataclass
class Swept:
    """What one sweep did."""

    sent: int = 0
    ended: int = 0
    settled: int = 0
    failed_sends: bool = False


def sweep() -> Swept:
    """Look once for everything that is owed; returns what was done. Reads before it opens a transaction."""
    swept = Swept()
    for run_id in _stopping():
        swept.ended += _obey(run_id)
    for run_id in _forgotten():
        swept.ended += _end_forgotten(run_id)
    for run_id in _without_open_partition():
        swept.settled += _settle(run_id)
    full = full_operations()
    _find_lost()
    swept.sent, swept.failed_sends = _send_due(full)
    release_ended()
    return swept


def due(full: set[str]) -> QuerySet[Partition]:
    """Return the partitions whose wake-up is owed and may be claimed, the oldest first."""
    owed = Partition.objects.filter(OPEN, UNLEASED, wake_at__lte=now(), run__state__in=CLAIMABLE)
    if full:
        owed = owed.filter(~Q(run__operation__in=full) | Q(run__state=State.RUNNING))
    return owed.select_related("run").order_by("wake_at")


def _send_due(full: set[str]) -> tuple[int, bool]:
    found = list(due(full)[: settings.sweep_limit])
    if not found or connection.vendor != "postgresql":
        return wakeups.send_owed(found)
    return wakeups.send_owed(_unlocked(found))


def _unlocked(found: list[Partition]) -> list[Partition]:
    """Leave out what another sweep, or a worker, has locked this moment: it is being looked after."""
    with transaction.atomic():
        free = Partition.objects.filter(pk__in=[p.pk for p in found]).select_for_update(no_key=True, skip_locked=True)
        keys = set(free.values_list("pk", flat=True))
    return [partition for partition in found if partition.pk in keys]


def _find_lost() -> None:
    """Owe wake-ups now that were sent a while ago into a queue that is empty (PROTOCOL H2)."""
    waiting = Partition.objects.filter(
        OPEN,
        wake_at__isnull=False,
        lease_until=None,
        sent_at__lte=now() - timedelta(seconds=settings.lost_after),
        run__state__in=CLAIMABLE,
    )
    for queue in list(waiting.order_by().values_list("queue", flat=True).distinct()):
        ids = list(waiting.filter(queue=queue).values_list("pk", flat=True)[: settings.sweep_limit])
        if wakeups.depth(queue) == 0:
            partitions.mark_lost(ids)


def _stopping() -> list[int]:
    left = Partition.objects.filter(OPEN, UNLEASED, run=OuterRef("pk"))
    return list(
        Run.objects.filter(Exists(left), state__in=STOPPING).values_list("pk", flat=True)[: settings.sweep_limit]
    )


@short_transaction
def _obey(run_id: int) -> bool:
    run = lock(run_id)
    if run.state not in STOPPING:
        return False
    obey(run)
    return True


def _forgotten() -> list[int]:
    over = Partition.objects.filter(OPEN, wake_at__lte=now(), run__state=State.PAUSED)
    return list(over.order_by().values_list("run", flat=True).distinct()[: settings.sweep_limit])


@short_transaction
def _end_forgotten(run_id: int) -> bool:
    """Cancel a run whose longest pause is over: its objects must not stay locked for ever (PROTOCOL M10)."""
    run = lock(run_id)
    if run.state != State.PAUSED or not partitions.open_of(run).filter(wake_at__lte=now()).exists():
        return False
    with speaking(run):
        why = _("It was paused for longer than a pause may last.")
    record(run, Verb.CANCEL, reason=why)
    move(run, State.PAUSED, why=why)
    partitions.stop_unleased(run, Partition.Outcome.CANCELLED)
    end(run, State.CANCELLED)
    return True


def _without_open_partition() -> list[int]:
    left = Partition.objects.filter(OPEN, run=OuterRef("pk"))
    return list(
        Run.objects.filter(~Exists(left), state__in=ACTIVE).values_list("pk", flat=True)[: settings.sweep_limit]
    )


@short_transaction
def _settle(run_id: int) -> bool:
    run = lock(run_id)
    if run.state not in ACTIVE or partitions.open_of(run).exists():
        return False
    settle(run)
    return True
