"""The numbers for Prometheus, read from the database when they are asked for: the same from every web process.

Ended runs are counted over the last day by an index, so that a scrape costs the same however long the history is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q, Sum
from django.utils import timezone

from console.exceptions import MetricsMissing
from console.models import FAILS, FailureGroup, Partition, Run, Target
from console.monitoring.findings import Severity
from console.monitoring.rules import OVERDUE
from console.monitoring.scene import Scene, look
from console.monitoring.signs import VERSION
from console.monitoring.watching import listed
from console.states import ACTIVE

try:
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
    from prometheus_client.core import GaugeMetricFamily
    from prometheus_client.registry import Collector
except ImportError:  # the extra “metrics” is not installed
    Collector = object  # type: ignore[assignment, misc]
    CollectorRegistry = None  # type: ignore[assignment, misc]

DAY = timedelta(days=1)


def exposition() -> tuple[bytes, str]:
    """Return the numbers as Prometheus' text, and its content type.

    Raises:
        MetricsMissing: Its library is not installed.
    """
    if CollectorRegistry is None:
        raise MetricsMissing
    registry = CollectorRegistry()
    registry.register(_Numbers())
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Numbers(Collector):
    """Collects each family at the moment of the question."""

    def describe(self) -> Iterable[Any]:
        """Promise nothing beforehand: nothing is asked of the database when it is registered."""
        return ()

    def collect(self) -> Iterator[Any]:
        """Yield every family."""
        scene, now = look(), timezone.now()
        yield _gauge("console_info", "The version of the console.", ("version",), [((VERSION,), 1)])
        yield from _runs(now)
        yield from _queues(scene)
        yield from _processes(scene)
        yield from _troubles(now)


def _runs(now: datetime) -> Iterator[Any]:
    active = Run.objects.filter(state__in=sorted(ACTIVE)).order_by().values_list("operation", "state")
    yield _counted("console_runs_active", "Runs that have not ended.", ("operation", "state"), active)
    ended = Run.objects.filter(ended_at__gte=now - DAY).order_by()
    states = ended.values_list("operation", "state")
    yield _counted("console_runs_ended_last_day", "Runs that ended within a day.", ("operation", "state"), states)
    took = ExpressionWrapper(F("ended_at") - F("started_at"), output_field=DurationField())
    rows = ended.exclude(started_at=None).values_list("operation").annotate(mean=Avg(took))
    seconds = [((name,), mean.total_seconds()) for name, mean in rows if mean is not None]
    yield _gauge(
        "console_run_mean_seconds_last_day", "How long runs took from first claim to end.", ("operation",), seconds
    )
    retries = ended.exclude(retry_of=None).values_list("operation")
    yield _counted("console_run_retries_last_day", "Ended runs that were retries of others.", ("operation",), retries)


def _queues(scene: Scene) -> Iterator[Any]:
    queues = scene.queues.values()
    depth = [((queue.name,), queue.depth) for queue in queues if queue.depth is not None]
    yield _gauge("console_queue_depth", "Messages that wait in the broker.", ("queue",), depth)
    waiting = [((queue.name,), scene.waiting.get(queue.name, (0, None))[0]) for queue in queues]
    yield _gauge("console_queue_runs_waiting", "Runs that wait for a worker.", ("queue",), waiting)
    latency = [((queue.name,), seconds) for queue in queues if (seconds := scene.latency(queue)) is not None]
    yield _gauge("console_queue_round_trip_seconds", "How long a probe takes to a worker.", ("queue",), latency)
    workers = [((queue.name,), len(scene.serving(queue.name))) for queue in queues]
    yield _gauge("console_queue_workers", "Living workers that serve the queue.", ("queue",), workers)


def _processes(scene: Scene) -> Iterator[Any]:
    beats = [*scene.living, *scene.silent]
    ages = [((beat.kind, beat.name), max(0.0, (scene.now - beat.seen_at).total_seconds())) for beat in beats]
    yield _gauge("console_heartbeat_age_seconds", "Since the newest sign of life.", ("kind", "name"), ages)
    busy = [((name,), count) for name, count in scene.busy.items()]
    yield _gauge("console_worker_busy", "Partitions that the worker has in hand.", ("worker",), busy)


def _troubles(now: datetime) -> Iterator[Any]:
    failed = Run.objects.filter(Q(failed__gt=0), ended_at__gte=now - DAY, dry_run=False)
    groups = FailureGroup.objects.filter(run__in=failed.values("pk"), kind__in=sorted(FAILS)).order_by()
    rows = groups.values_list("run__operation", "kind").annotate(items=Sum("items"))
    items = [((operation, kind), count) for operation, kind, count in rows]
    yield _gauge("console_failed_items_last_day", "Items that could not be done.", ("operation", "kind"), items)
    open_ = Partition.objects.filter(outcome=None, run__state__in=sorted(ACTIVE)).order_by()
    facts = open_.aggregate(
        backing_off=Count("pk", filter=Q(backing_off=True)), overdue=Count("pk", filter=Q(wake_at__lt=now - OVERDUE))
    )
    yield _gauge(
        "console_partitions_backing_off", "Partitions that wait to try again.", (), [((), facts["backing_off"])]
    )
    yield _gauge("console_wakeups_overdue", "Wake-ups that nobody sends.", (), [((), facts["overdue"])])
    held = Target.objects.filter(run__state__in=sorted(ACTIVE), hold__isnull=False).order_by().values_list("hold")
    yield _counted("console_held_objects", "Objects with pending work.", ("hold",), held)
    severities = [finding.severity for finding in listed()]
    found = [((severity.name.lower(),), severities.count(severity)) for severity in Severity]
    yield _gauge("console_findings", "Findings that hold.", ("severity",), found)


def _counted(name: str, told: str, labels: tuple[str, ...], rows: Any) -> Any:
    """Return a family that counts `rows`, a query of the values of the labels."""
    counted = rows.annotate(console_count=Count("pk"))
    return _gauge(name, told, labels, [(row[:-1], row[-1]) for row in counted])


def _gauge(name: str, told: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[Any, ...], float]]) -> Any:
    family = GaugeMetricFamily(name, told, labels=labels)
    for labelled, value in values:
        family.add_metric([str(label) for label in labelled], value)
    return family
