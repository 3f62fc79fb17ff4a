"""What is wrong with how a project declares its settings and operations."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from console.exceptions.base import ConsoleError


class UnknownSetting(ImproperlyConfigured):
    """``CONSOLE`` holds a key that the console does not know."""

    def __init__(self, key: str, known: Iterable[str]) -> None:
        near = get_close_matches(key, known, 1)
        hint = f" Did you mean {near[0].upper()!r}?" if near else ""
        super().__init__(f"CONSOLE[{key.upper()!r}] is not a setting of the console.{hint}")


class NoStorage(ImproperlyConfigured):
    """There is no private place for the console's files."""

    def __init__(self) -> None:
        super().__init__(
            "STORAGES names no “console”, and without MEDIA_ROOT there is no default place for the console's files. "
            'Set STORAGES["console"] = {"BACKEND": "console.storage.PrivateStorage", "OPTIONS": {"location": …}}.'
        )


class InvalidOperation(ImproperlyConfigured):
    """A declared operation breaks a rule: no name, a name that is taken, a policy that cannot work."""


class MetricsMissing(ConsoleError):
    """Numbers for Prometheus were asked for, and its library is not there."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "There are no metrics, for prometheus_client is not installed: pip install django-operations-console[metrics]"
            )
        )
