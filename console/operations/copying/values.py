"""The values that a copy does not share with its original."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Field
from django.utils import timezone

SUFFIX = "-copy-"


def numbered(value: str, number: int, length: int | None) -> str:
    """Return `value` with the copy's number, cut so that no more than `length` characters remain.

    >>> numbered("news", 2, None)
    'news-copy-2'
    >>> numbered("very-long-news", 12, 15)
    'very-lo-copy-12'
    """
    suffix = f"{SUFFIX}{number}"
    if length is None:
        return value + suffix
    return (value[: max(0, length - len(suffix))] + suffix)[-length:]


def time_of(field: Field[Any, Any], now: datetime) -> Any:
    """Return `now` as a field with ``auto_now`` or ``auto_now_add`` stores it: a date or a time is the site's own."""
    if isinstance(field, models.DateTimeField):
        return now
    local = timezone.localtime(now, timezone.get_default_timezone()) if timezone.is_aware(now) else now
    return local.date() if isinstance(field, models.DateField) else local.time()
