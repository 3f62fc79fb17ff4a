"""Checks of how the project answers requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register  # noqa: A004 - Django's own name
from django.utils.module_loading import import_string

MIDDLEWARE = "console.middleware.HeldObjectMiddleware"


@register("console")
def check_web(**_: Any) -> list[CheckMessage]:
    """Check the middleware."""
    return list(check_middleware(settings.MIDDLEWARE))


def check_middleware(paths: list[str]) -> Iterator[CheckMessage]:
    """Yield what is missing among the middleware."""
    if not any(is_ours(path) for path in paths):
        yield Warning(
            "HeldObjectMiddleware is not in MIDDLEWARE: a view, or a ModelAdmin without OperationsMixin, that saves or "
            "deletes an object held by a run answers with a server error.",
            hint=f"Add {MIDDLEWARE!r} to MIDDLEWARE, after AuthenticationMiddleware.",
            id="console.W015",
        )


def is_ours(path: str) -> bool:
    """Tell whether `path` names the console's middleware, or a class that inherits from it."""
    if path == MIDDLEWARE:
        return True
    try:
        found: object = import_string(path)
    except ImportError:
        return False
    return any(f"{base.__module__}.{base.__qualname__}" == MIDDLEWARE for base in getattr(found, "__mro__", ()))
