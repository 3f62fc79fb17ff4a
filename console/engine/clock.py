"""The database's clock: every lease, wake-up and settlement reads this one, never a worker's own."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.expressions import Combinable
from django.db.models.functions import Now


def now() -> Combinable:
    """Return the moment of the statement, as an expression.

    SQLite's own text of a moment has fewer digits than the one that Django compares with; with a duration added,
    even of 0, Django writes it, so that a moment read back equals the one that was written.
    """
    return after(0)


def after(seconds: float) -> Combinable:
    """Return the moment `seconds` after the statement, as an expression."""
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())
