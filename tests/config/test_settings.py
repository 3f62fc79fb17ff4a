"""The settings that the engine's promises rest on, as Celery and Django see them."""

import pytest
from celery.fixups.django import DjangoWorkerFixup
from django.conf import settings
from django.db import connection
from django.test import Client

from config.celery import app
from console.conf import ConsoleSettings


def test_celery_keeps_database_connections_between_tasks() -> None:
    """A new connection for each task would cost four times the task (CELERY_DB_REUSE_MAX)."""
    assert DjangoWorkerFixup(app).db_reuse_max == settings.CELERY_DB_REUSE_MAX > 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_acks_late", False),
        ("task_ignore_result", True),
        ("task_publish_retry", False),
        ("task_default_queue", "control"),
        ("worker_disable_prefetch", True),
        ("worker_prefetch_multiplier", 1),
        ("broker_connection_max_retries", None),
        ("accept_content", ["json"]),
        ("beat_max_loop_interval", 1),
        ("timezone", "UTC"),
    ],
)
def test_celery_is_set_as_the_protocol_needs_it(name: str, value: object) -> None:
    """A message is a nudge: acknowledged early, never prefetched, never retried by Celery."""
    assert app.conf[name] == value


def test_every_key_of_the_console_can_come_from_the_environment() -> None:
    """The settings read as many keys as the console knows."""
    assert {key.lower() for key in settings.CONSOLE_KEYS} == set(ConsoleSettings.__dataclass_fields__)


@pytest.mark.django_db
def test_sqlite_waits_for_its_turn_to_write() -> None:
    """WAL and IMMEDIATE transactions: without them a fifth of the transactions fail at once (measured)."""
    if connection.vendor == "sqlite":
        assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert cursor.execute("PRAGMA foreign_keys").fetchone() == (1,)


@pytest.mark.django_db
def test_pages_allow_nothing_inline() -> None:
    """The policy admits this site's own files alone."""
    policy = Client().get("/admin/login/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
