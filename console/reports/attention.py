"""What the header counts: runs that work, and runs that need somebody."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet
from django.utils import timezone

from console.states import ACTIVE, State

if TYPE_CHECKING:
    from console.models import Run

WITHIN = timedelta(hours=24)


def active(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return those of `runs` that have not ended."""
    return runs.filter(state__in=sorted(ACTIVE))


def attention(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return those of `runs` that failed, or ended with failures, within a day, and that nobody has retried."""
    trouble = Q(state=State.FAILED) | Q(failed__gt=0)
    return runs.filter(trouble, ended_at__gte=timezone.now() - WITHIN, retries=None, dry_run=False)


def counts(runs: QuerySet[Run]) -> tuple[int, int]:
    """Return how many of `runs` are active, and how many need attention."""
    return active(runs).count(), attention(runs).count()
