"""Checks of Celery's settings, as the current Celery application sees them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from celery import current_app
from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own name
from kombu.utils.imports import symbol_by_name

from console.conf import settings
from console.operations import operations

SCHEDULER = "console.schedules.scheduler:Scheduler"
REDIS_SCHEMES = ("redis", "rediss", "valkey", "sentinel")
SOCKET_OPTIONS = ("socket_connect_timeout", "socket_timeout", "max_retries")
DEFAULT_VISIBILITY = 3600


@register("console")
def check_celery(**_: Any) -> list[CheckMessage]:
    """Check the installed apps and the settings of the current Celery application."""
    conf = current_app.conf
    return [*check_apps(), *check_delivery(conf), *check_broker(conf), *check_content(conf), *check_clock(conf)]


def check_apps() -> Iterator[CheckMessage]:
    """Yield what is wrong with the apps beside the console."""
    if not apps.is_installed("django_celery_beat"):
        yield Error(
            "django_celery_beat is not installed, so there is no scheduler process: lost messages wait for a worker's "
            "own look, and nothing starts by the clock.",
            hint="Add 'django_celery_beat' to INSTALLED_APPS and run manage.py migrate.",
            id="console.E001",
        )
    if not apps.is_installed("django_celery_results"):
        yield Warning(
            "django_celery_results is not installed: the page of a run cannot show Celery's result beside each attempt.",
            hint="Add 'django_celery_results' to INSTALLED_APPS, set CELERY_RESULT_BACKEND = 'django-db' and migrate; "
            "or add 'console.W010' to SILENCED_SYSTEM_CHECKS.",
            id="console.W010",
        )


def check_delivery(conf: Any) -> Iterator[CheckMessage]:
    """Yield what is wrong with how messages are sent, fetched and acknowledged."""
    if conf.task_acks_late:
        yield Warning(
            "Tasks are acknowledged late. Celery 5.7 workers that hold an unacknowledged message die when the broker "
            "goes away, and every task longer than the visibility timeout runs twice.",
            hint="Set CELERY_TASK_ACKS_LATE = False; the console needs no late acknowledgement: its leases rescue work.",
            id="console.W001",
        )
    if conf.task_always_eager and not django_settings.DEBUG:
        yield Warning(
            "Tasks run eagerly: bulk work is done inside the web request, and nothing wakes a run that waits.",
            hint="Remove CELERY_TASK_ALWAYS_EAGER outside development; to use it anyway, run manage.py console sweep "
            "every few seconds.",
            id="console.W002",
        )
    if not is_our_scheduler(conf.beat_scheduler):
        yield Warning(
            f"celery beat uses {conf.beat_scheduler}, not the console's scheduler: lost messages, retries and rescues "
            "wait for a worker's own look, and schedules of operations do not start.",
            hint=f"Set CELERY_BEAT_SCHEDULER = {SCHEDULER!r}, and start beat without another --scheduler.",
            id="console.W003",
        )
    if conf.task_publish_retry:
        yield Warning(
            "Sending a message is retried inside the web request: staff wait for a broker that is away.",
            hint="Set CELERY_TASK_PUBLISH_RETRY = False; what could not be sent is sent by the scheduler.",
            id="console.W009",
        )


def is_our_scheduler(path: str) -> bool:
    """Tell whether `path` names the console's scheduler, or a class that inherits from it."""
    if path.replace(":", ".") == SCHEDULER.replace(":", "."):
        return True
    try:
        scheduler: object = symbol_by_name(path)  # type: ignore[no-untyped-call]
    except (ImportError, AttributeError, ValueError, RuntimeError):
        return False
    return any(f"{base.__module__}:{base.__qualname__}" == SCHEDULER for base in getattr(scheduler, "__mro__", ()))


def check_broker(conf: Any) -> Iterator[CheckMessage]:
    """Yield what is wrong with the connection to a Redis or Valkey broker; other brokers have other options."""
    if not str(conf.broker_url or "").startswith(REDIS_SCHEMES):
        return
    options = conf.broker_transport_options or {}
    if not conf.worker_disable_prefetch:
        yield Warning(
            "Workers fetch messages ahead of their work: those wait behind a long slice while other workers are idle, "
            "and are stuck for the visibility timeout when the connection breaks.",
            hint="Set CELERY_WORKER_DISABLE_PREFETCH = True.",
            id="console.W004",
        )
    visibility = options.get("visibility_timeout", DEFAULT_VISIBILITY)
    longest = max((settings.hard_limit(operation.timeout) for operation in operations()), default=0)
    if visibility <= longest:
        yield Warning(
            f"The broker's visibility timeout ({visibility} s) is not longer than the longest wake-up ({longest:g} s): "
            "messages are delivered again while they are worked on.",
            hint="Set CELERY_BROKER_TRANSPORT_OPTIONS['visibility_timeout'] = 3600.",
            id="console.W005",
        )
    missing = [option for option in SOCKET_OPTIONS if options.get(option) is None]
    if missing:
        yield Warning(
            f"The broker's connection has no {', '.join(missing)}: a frozen broker hangs web requests and the sweep.",
            hint="Set CELERY_BROKER_TRANSPORT_OPTIONS = {'socket_connect_timeout': 2, 'socket_timeout': 5, "
            "'max_retries': 1, 'interval_start': 0, 'interval_step': 0.1, 'interval_max': 0.2}.",
            id="console.W006",
        )


def check_content(conf: Any) -> Iterator[CheckMessage]:
    """Yield what is wrong with the worker's pool, its database connections and the content of messages."""
    if not conf.get("CELERY_DB_REUSE_MAX"):
        yield Warning(
            "Workers open a new database connection around every task.",
            hint="Set CELERY_DB_REUSE_MAX = 1000 (its name is the same whatever your Celery namespace).",
            id="console.W007",
        )
    if {"pickle", "application/x-python-serialize"} & {
        *conf.accept_content,
        conf.result_serializer,
        conf.task_serializer,
    }:
        yield Warning(
            "Pickled messages are accepted: whoever can write to the broker can run code in the workers.",
            hint="Set CELERY_ACCEPT_CONTENT = ['json'] and CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = 'json'.",
            id="console.W008",
        )
    if conf.worker_pool not in {"prefork", "processes"}:
        yield Warning(
            f"The worker pool is {conf.worker_pool}: soft time limits need prefork, so an item that hangs blocks its "
            "worker, and its lease lapses while it still works.",
            hint="Remove CELERY_WORKER_POOL, and start workers without -P.",
            id="console.W014",
        )


def check_clock(conf: Any) -> Iterator[CheckMessage]:
    """Yield what is wrong with the time zones."""
    if not django_settings.USE_TZ:
        yield Error(
            "USE_TZ is False: leases and wake-ups are compared with the database's clock, which needs aware times.",
            hint="Set USE_TZ = True.",
            id="console.E005",
        )
    if not conf.enable_utc or str(conf.timezone or "UTC") != "UTC":
        yield Warning(
            f"Celery counts in {conf.timezone or 'local time'}: schedules shift, or run twice, when clocks change.",
            hint="Set CELERY_ENABLE_UTC = True and CELERY_TIMEZONE = 'UTC'; each crontab keeps its own time zone.",
            id="console.W011",
        )
