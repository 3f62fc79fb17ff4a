"""Every address of the admin, and which of them are the console's: for tests that may leave none out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import get_resolver


def routes() -> Iterator[tuple[str, str]]:
    """Return (route, where its view is written) of every address of the admin, but for redirects to a page."""

    def walk(patterns: list[Any], before: str) -> Iterator[tuple[str, str]]:
        for pattern in patterns:
            route = before + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns, route)
            else:
                yield route, pattern.callback.__module__

    return walk(get_resolver().url_patterns, "")


def is_ours(route: str, module: str) -> bool:
    """Tell whether an address of the admin belongs to the console: to its own models, or to a view that it wrote for others."""
    own = (
        "admin/console/",
        "admin/django_celery_results/taskresult/",
        "admin/django_celery_beat/periodictask/",
    )
    return route.startswith(own) or (route.startswith("admin/") and module.startswith("console."))
