"""The doctor: asks the settings, the database, the broker and the signs of life whether work can get done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core import checks
from django.db import DatabaseError, connections, router
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.conf import settings
from console.engine import wakeups
from console.models import Heartbeat, Partition, Run
from console.monitoring.findings import Finding, Severity, by_urgency
from console.monitoring.heartbeats import VERSION
from console.operations import operations
from console.operations.registry import is_registered
from console.reports.words import number, span
from console.states import ACTIVE, State

SILENT_BEATS = 3
OVERDUE = timedelta(seconds=30)
CLOCK_DRIFT = timedelta(seconds=2)
DEEP = 1000
URGENT, SOON, NOTE = Severity.URGENT, Severity.SOON, Severity.NOTE


@dataclass(frozen=True)
class Scene:
    """What the doctor reads once: the clock, the signs of life, and the queues that have, or may get, work."""

    now: datetime
    living: list[Heartbeat]
    silent: list[Heartbeat]
    waiting: dict[str, tuple[int, datetime]]
    queues: list[str]

    def of(self, kind: Heartbeat.Kind) -> list[Heartbeat]:
        """Return the living processes of a kind."""
        return [beat for beat in self.living if beat.kind == kind]


def examine() -> list[Finding]:
    """Return every finding, urgent ones first; an empty list means that all is well."""
    findings = list(_settings())
    try:
        findings += _migrations() or _live()
    except DatabaseError as error:
        findings.append(
            Finding(
                URGENT,
                _("The database does not answer."),
                _("Nothing can be accepted or carried out; what was accepted goes on when it is back."),
                _("Start the database, and check DATABASES."),
                evidence=str(error).strip(),
            )
        )
    return by_urgency(findings)


def _settings() -> Iterator[Finding]:
    for message in checks.run_checks(tags=["console"]):
        if not message.is_silenced():
            yield Finding(
                URGENT if message.is_serious() else SOON,
                str(message.msg),
                _("A setting or an operation breaks a promise of the console."),
                str(message.hint or ""),
                evidence=str(message.id),
            )


def _migrations() -> list[Finding]:
    executor = MigrationExecutor(connections[router.db_for_write(Run)])
    ours = [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] == Run._meta.app_label]
    missing = executor.migration_plan(ours)
    if not missing:
        return []
    return [
        Finding(
            URGENT,
            _("The database lacks migrations of the console."),
            _("Pages and workers fail as soon as they meet a table that is not there."),
            "python manage.py migrate",
            evidence=", ".join(f"{migration.app_label}.{migration.name}" for migration, _backwards in missing),
        )
    ]


def _live() -> list[Finding]:
    scene = _look()
    return [
        *_clocks(scene),
        *_broker(scene),
        *_workers(scene),
        *_scheduler(scene),
        *_silent(scene),
        *_overdue(),
        *_stranded(),
        *_unknown(),
    ]


def _look() -> Scene:
    beats = list(Heartbeat.objects.annotate(clock=Now()).order_by("kind", "name"))
    now = beats[0].clock if beats else timezone.now()
    oldest = now - timedelta(seconds=max(settings.heartbeat * SILENT_BEATS, settings.heartbeat + OVERDUE.seconds / 2))
    due = Partition.objects.filter(outcome=None, run__state__in=ACTIVE - {State.PAUSED}).order_by()
    waiting = {
        row["queue"]: (row["runs"], row["oldest"])
        for row in due.values("queue").annotate(runs=Count("run", distinct=True), oldest=Min("run__accepted_at"))
    }
    declared = {operation.queue for operation in operations()}
    return Scene(
        now=now,
        living=[beat for beat in beats if beat.seen_at >= oldest],
        silent=[beat for beat in beats if beat.seen_at < oldest],
        waiting=waiting,
        queues=sorted(declared | waiting.keys()),
    )


def _clocks(scene: Scene) -> Iterator[Finding]:
    drift = abs(timezone.now() - scene.now)
    if drift > CLOCK_DRIFT:
        yield Finding(
            SOON,
            _("This machine's clock differs from the database's by %(time)s.") % {"time": span(drift.total_seconds())},
            _("Leases are safe, for they use the database's clock; times on pages and in logs mislead."),
            _("Keep both clocks by NTP: timedatectl set-ntp true"),
        )


def _broker(scene: Scene) -> Iterator[Finding]:
    for queue in scene.queues:
        depth = wakeups.depth(queue)
        if depth is None:
            yield Finding(
                URGENT,
                _("The broker does not answer."),
                _("What staff ask for is accepted and safe, and starts when the broker is back."),
                _("Start the broker, and check CELERY_BROKER_URL."),
                evidence=_("asked for the length of the queue “%(queue)s”") % {"queue": queue},
            )
            return
        if depth > DEEP:
            yield Finding(
                SOON,
                _("%(count)s messages wait in the queue “%(queue)s”.") % {"count": number(depth), "queue": queue},
                _("New work waits behind them."),
                _("Start more workers: celery -A <project> worker -Q %(queue)s") % {"queue": queue},
            )


def _workers(scene: Scene) -> Iterator[Finding]:
    workers = scene.of(Heartbeat.Kind.WORKER)
    served = {queue for worker in workers for queue in worker.queues}
    for queue in scene.queues:
        if queue not in served:
            runs, oldest = scene.waiting.get(queue, (0, None))
            wait = ngettext("%(count)s run waits.", "%(count)s runs wait.", runs) % {"count": number(runs)}
            yield Finding(
                URGENT if runs else SOON,
                _("No worker serves the queue “%(queue)s”.") % {"queue": queue},
                wait if runs else _("What staff start there will wait."),
                f"celery -A <project> worker -Q {queue} -n {queue}@%h",
                since=oldest,
            )
    for worker in workers:
        yield from _worker(worker)


def _worker(worker: Heartbeat) -> Iterator[Finding]:
    if worker.pool and worker.pool != "prefork":
        yield Finding(
            SOON,
            _("The worker %(name)s runs a %(pool)s pool.") % {"name": worker.name, "pool": worker.pool},
            _("Soft time limits need prefork: an item that hangs blocks the worker."),
            _("Start it without -P."),
        )
    if worker.version != VERSION:
        yield Finding(
            NOTE,
            _("The worker %(name)s runs version %(theirs)s of the console; here it is %(ours)s.")
            % {"name": worker.name, "theirs": worker.version, "ours": VERSION},
            _("It may not know the newest operations; their runs try again until it is replaced."),
            _("Restart it with the current code."),
            since=worker.started_at,
        )


def _scheduler(scene: Scene) -> Iterator[Finding]:
    schedulers = scene.of(Heartbeat.Kind.SCHEDULER)
    if not schedulers:
        workers = scene.of(Heartbeat.Kind.WORKER)
        yield Finding(
            SOON if workers else URGENT,
            _("No scheduler process is alive."),
            _("Lost messages, retries and rescues wait for a worker's own look; nothing starts by the clock."),
            "celery -A <project> beat",
        )
    if len(schedulers) > 1:
        yield Finding(
            NOTE,
            _("%(count)s scheduler processes are alive.") % {"count": number(len(schedulers))},
            _("Work of the console still starts once; tasks of other apps start once for each of them."),
            _("Stop all but one."),
            evidence=", ".join(beat.name for beat in schedulers),
        )


def _silent(scene: Scene) -> Iterator[Finding]:
    for beat in scene.silent:
        yield Finding(
            NOTE,
            _("%(name)s gives no sign of life.") % {"name": beat.name},
            _("It was killed, hangs, or cannot reach the database. Its work is taken over when its leases end."),
            _("Look at its log, and restart it. After an hour it is forgotten."),
            evidence=_("last sign %(time)s ago") % {"time": span((scene.now - beat.seen_at).total_seconds())},
            since=beat.seen_at,
        )


def _overdue() -> Iterator[Finding]:
    late = Partition.objects.filter(outcome=None, run__state__in=ACTIVE, wake_at__lt=Now() - OVERDUE)
    found = late.aggregate(count=Count("pk"), oldest=Min("wake_at"))
    if found["count"]:
        yield Finding(
            URGENT,
            ngettext(
                "%(count)s wake-up is overdue: nobody sends what is owed.",
                "%(count)s wake-ups are overdue: nobody sends what is owed.",
                found["count"],
            )
            % {"count": number(found["count"])},
            _("Runs do not start, retry or recover."),
            _("Start celery beat; at once: python manage.py console sweep"),
            since=found["oldest"],
        )


def _stranded() -> Iterator[Finding]:
    runs = Run.objects.filter(state__in=ACTIVE, changed_at__lt=Now() - OVERDUE).exclude(partitions__outcome=None)
    stranded = list(runs.order_by("pk").values_list("pk", flat=True)[:10])
    if stranded:
        yield Finding(
            SOON,
            _("Active runs have no open partition."),
            _("They hold their objects until the next sweep ends them."),
            "python manage.py console sweep",
            evidence=", ".join(str(pk) for pk in stranded),
        )


def _unknown() -> Iterator[Finding]:
    names = Run.objects.filter(state__in=ACTIVE).order_by("operation").values_list("operation", flat=True).distinct()
    for name in names:
        if not is_registered(name):
            yield Finding(
                SOON,
                _("Active runs ask for “%(name)s”, which this code does not know.") % {"name": name},
                _("They try again until their tries are used up, then fail."),
                _("Deploy the code that has the operation, or cancel the runs."),
            )
