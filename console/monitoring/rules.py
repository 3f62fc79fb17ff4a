"""The rules: what in a scene is not as it should be. Each yields what it finds; whoever watches keeps since when."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.core import checks
from django.core.files.storage import storages
from django.db import connections, router
from django.db.models import Count, Min
from django.db.models.functions import Now
from django.utils import timezone

from console.conf import settings
from console.engine import wakeups
from console.models import Heartbeat, Partition, Queue, Run, Schedule
from console.monitoring.findings import Finding, Severity
from console.monitoring.scene import Scene
from console.monitoring.signs import VERSION
from console.operations.registry import is_registered
from console.states import ACTIVE

OVERDUE = timedelta(seconds=30)
LATE_SCHEDULE = timedelta(seconds=60)
CLOCK_DRIFT = 2.0
DEEP = 1000
NEARLY_FULL = 0.3  # of the space below which a disk is told of: from there on it is urgent
NAMED = 10  # runs or schedules in an evidence
URGENT, SOON, NOTE = Severity.URGENT, Severity.SOON, Severity.NOTE


def broken_settings() -> Iterator[Finding]:
    """Yield what the system checks of the console say; they need no database."""
    for message in checks.run_checks(tags=["console"]):
        if not message.is_silenced():
            facts = {"message": str(message.msg), "hint": str(message.hint or ""), "id": str(message.id)}
            yield Finding(
                "setting", URGENT if message.is_serious() else SOON, f"{message.id} {message.msg}"[:200], facts
            )


def troubles(scene: Scene) -> Iterator[Finding]:
    """Yield all that is not as it should be; without workers, broker and scheduler only what concerns none of them."""
    yield from clocks(scene)
    if not wakeups.is_eager():
        yield from _broker(scene)
        yield from _queues(scene)
        yield from _workers(scene)
        yield from _scheduler(scene)
        yield from _silent(scene)
        yield from _overdue()
        yield from _late_schedules()
    yield from _stranded()
    yield from _unknown()
    yield from _disks()


def clocks(scene: Scene) -> Iterator[Finding]:
    """Yield the clocks that differ from the database's: that of this process, and of each that gives a sign of life."""
    here = (timezone.now() - scene.now).total_seconds()
    if abs(here) > CLOCK_DRIFT:
        yield Finding("clock", SOON, facts={"drift": here})
    for beat in scene.living:
        drift = (beat.own_at - beat.seen_at).total_seconds() if beat.own_at else 0
        if abs(drift) > CLOCK_DRIFT:
            yield Finding("clock", SOON, beat.name, {"drift": drift})


def _broker(scene: Scene) -> Iterator[Finding]:
    away = [queue for queue in scene.queues.values() if scene.is_fresh(queue) and queue.depth is None]
    if away:
        yield Finding("broker", URGENT, facts={"queue": away[0].name})
    for queue in scene.queues.values():
        if scene.is_fresh(queue) and (queue.depth or 0) > DEEP:
            yield Finding("deep queue", SOON, queue.name, {"depth": queue.depth})


def _queues(scene: Scene) -> Iterator[Finding]:
    for queue in scene.queues.values():
        if not scene.serving(queue.name):
            yield _unserved(scene, queue)
            continue
        latency = scene.latency(queue)
        if latency is None or latency < settings.queue_late:
            continue
        urgency = URGENT if latency >= settings.queue_dead else SOON
        yield Finding("slow queue", urgency, queue.name, {"latency": round(latency)})
        if idle := _idle_elsewhere(scene, queue):
            yield Finding("unbalanced queues", NOTE, queue.name, {"idle": idle})


def _unserved(scene: Scene, queue: Queue) -> Finding:
    runs = scene.waiting.get(queue.name, (0, None))[0]
    signs = [beat.seen_at for beat in scene.silent if queue.name in beat.queues]
    return Finding(
        "unserved queue", URGENT if runs else SOON, queue.name, {"runs": runs}, since=max(signs) if signs else None
    )


def _idle_elsewhere(scene: Scene, queue: Queue) -> list[str]:
    """Return the workers that have nothing in hand and serve only queues in which nobody waits."""
    return [
        worker.name
        for worker in scene.of(Heartbeat.Kind.WORKER)
        if queue.name not in worker.queues
        and not scene.busy.get(worker.name)
        and not any(other in scene.waiting for other in worker.queues)
    ]


def _workers(scene: Scene) -> Iterator[Finding]:
    for worker in scene.of(Heartbeat.Kind.WORKER):
        if not worker.queues:
            yield Finding("aimless worker", SOON, worker.name)
        if worker.pool and worker.pool != "prefork":
            yield Finding("pool", SOON, worker.name, {"pool": worker.pool})
        if worker.version != VERSION:
            facts = {"theirs": worker.version, "ours": VERSION}
            yield Finding("version", NOTE, worker.name, facts, since=worker.started_at)


def _scheduler(scene: Scene) -> Iterator[Finding]:
    names = [beat.name for beat in scene.of(Heartbeat.Kind.SCHEDULER)]
    if not names:
        signs = [beat.seen_at for beat in scene.silent if beat.kind == Heartbeat.Kind.SCHEDULER]
        urgency = SOON if scene.of(Heartbeat.Kind.WORKER) else URGENT
        yield Finding("no scheduler", urgency, since=max(signs) if signs else None)
    if len(names) > 1:
        yield Finding("schedulers", NOTE, facts={"names": names})


def _silent(scene: Scene) -> Iterator[Finding]:
    for beat in scene.silent:
        yield Finding("silent process", SOON if scene.is_dead(beat) else NOTE, beat.name, since=beat.seen_at)


def _overdue() -> Iterator[Finding]:
    late = Partition.objects.filter(outcome=None, run__state__in=sorted(ACTIVE), wake_at__lt=Now() - OVERDUE)
    found = late.aggregate(count=Count("pk"), oldest=Min("wake_at"))
    if found["count"]:
        yield Finding("overdue wake-ups", URGENT, facts={"count": found["count"]}, since=found["oldest"])


def _late_schedules() -> Iterator[Finding]:
    late = Schedule.objects.filter(next_at__lt=Now() - LATE_SCHEDULE)
    found = late.aggregate(count=Count("pk"), oldest=Min("next_at"))
    if found["count"]:
        names = list(late.order_by("next_at").values_list("task__name", flat=True)[:NAMED])
        facts = {"count": found["count"], "names": names}
        yield Finding("overdue schedules", SOON, facts=facts, since=found["oldest"])


def _stranded() -> Iterator[Finding]:
    runs = Run.objects.filter(state__in=sorted(ACTIVE), changed_at__lt=Now() - OVERDUE).exclude(
        partitions__outcome=None
    )
    stranded = list(runs.order_by("pk").values_list("pk", flat=True)[:NAMED])
    if stranded:
        yield Finding("stranded runs", SOON, facts={"runs": stranded})


def _unknown() -> Iterator[Finding]:
    active = Run.objects.filter(state__in=sorted(ACTIVE)).order_by("operation")
    for name in active.values_list("operation", flat=True).distinct():
        if not is_registered(name):
            yield Finding("unknown operation", SOON, name)


def _disks() -> Iterator[Finding]:
    for folder in _folders():
        usage = shutil.disk_usage(folder)
        free = usage.free / usage.total
        if free < settings.disk_low:
            urgency = URGENT if free < settings.disk_low * NEARLY_FULL else SOON
            yield Finding("disk", urgency, str(folder), {"free": round(free, 2)})


def _folders() -> list[Path]:
    """Return the folders of this machine that the console fills: that of its files, and that of SQLite's database."""
    paths = [getattr(storages["console"], "location", "")] if "console" in storages.backends else []
    database = connections[router.db_for_write(Run)]
    if database.vendor == "sqlite":
        paths.append(str(Path(str(database.settings_dict["NAME"])).parent))
    return sorted({_existing(Path(path)) for path in paths if path})


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest above it where it has not been made yet: they share a disk."""
    return next(above for above in (folder, *folder.absolute().parents) if above.is_dir())
