"""The console's settings: one ``CONSOLE`` dict in the project's settings, with a default for every key.

All durations are seconds. Read them through `settings`; it follows Django's ``override_settings``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from django.conf import settings as django_settings
from django.core.signals import setting_changed

from console.exceptions import UnknownSetting


@dataclass(frozen=True)
class ConsoleSettings:
    """Every setting of the console, with its default.

    `slice` is how long a worker stays with one partition before it yields; `timeout` is the longest that one item may
    take where its operation says nothing; `margin` lies between the soft and the hard time limit, and again between
    the hard limit and the lease's end. `keep_files` is how long uploads and exports are kept; `import_max_bytes` how many bytes
    an upload may have; `import_all_or_nothing` how many rows one transaction imports at most; a preview of a file of at most
    `import_at_once` bytes is made by the request that asks for it. A probe goes through every queue each `probe` seconds; one
    that takes more than `queue_late` is told, more than `queue_dead` urgently; so is a disk of which less than `disk_low` is free.
    `metrics_token` is the bearer token that ``/metrics`` asks for, if any.
    """

    slice: float = 10.0
    timeout: float = 15.0
    margin: float = 5.0
    redelivery: float = 30.0
    redelivery_max: float = 900.0
    lost_after: float = 5.0
    sweep: float = 1.0
    sweep_limit: int = 500
    heartbeat: float = 5.0
    probe: float = 10.0
    queue_late: float = 60.0
    queue_dead: float = 600.0
    disk_low: float = 0.1
    chunk_time: float | None = None
    chunk_size: int = 100
    chunk_size_max: int = 20_000
    prepare_above: int | None = None
    prepare_batch: int = 2000
    paused_max: float = 7 * 86400.0
    form_key_max_age: float = 86400.0
    guard_lock_timeout: float = 3.0
    keep_files: float = 7 * 86400.0
    import_max_bytes: int = 200 * 1024 * 1024
    broker_timeout: float = 2.0
    import_max_rows: int = 10_000_000
    import_max_short_rows: int = 10_000
    import_max_columns: int = 1000
    import_max_cell: int = 2_000_000
    import_max_sheet_cells: int = 2_000_000
    import_max_unpacked: int = 256 * 1024 * 1024
    import_all_or_nothing: int = 5000
    import_at_once: int = 50_000
    contact: str = "an administrator"
    sync_schedules: bool = True
    metrics_token: str = ""

    def lease(self, timeout: float | None) -> float:
        """Return the length of a lease in seconds, for items that take at most `timeout` seconds."""
        return self.hard_limit(timeout) + self.margin

    def hard_limit(self, timeout: float | None) -> float:
        """Return Celery's hard time limit of a wake-up in seconds."""
        return self.soft_limit(timeout) + self.margin

    def soft_limit(self, timeout: float | None) -> float:
        """Return Celery's soft time limit of a wake-up in seconds."""
        return self.slice + (self.timeout if timeout is None else timeout)


@lru_cache(maxsize=1)
def _load() -> ConsoleSettings:
    given = {key.lower(): value for key, value in getattr(django_settings, "CONSOLE", {}).items()}
    known = {field.name for field in fields(ConsoleSettings)}
    unknown = sorted(given.keys() - known)
    if unknown:
        raise UnknownSetting(unknown[0], known)
    return ConsoleSettings(**given)


class _Settings:
    """Attribute access to the current `ConsoleSettings`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_load(), name)


settings = _Settings()


def _forget(*, setting: str, **_: object) -> None:
    if setting == "CONSOLE":
        _load.cache_clear()


setting_changed.connect(_forget, dispatch_uid="console.conf")
