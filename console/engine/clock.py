"""The database's clock: every lease, wake-up and settlement reads this one, never a worker's own."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Expression

MICROSECONDS = 1_000_000
MOMENT = DateTimeField()


class Moment(Expression):
    """The moment so many microseconds after the statement.

    It has no parts, so that nothing is composed of it anew each time; a composed statement has the place of their number.
    """

    def __init__(self, microseconds: Any) -> None:
        super().__init__(output_field=MOMENT)
        self.microseconds = microseconds

    def resolve_expression(self, *args: Any, **kwargs: Any) -> Moment:
        """Return itself: it refers to no column."""
        return self

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        """Return PostgreSQL's expression."""
        return "(STATEMENT_TIMESTAMP() + %s * interval '1 microsecond')", (self.microseconds,)

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        """Return SQLite's expression.

        Its own text of a moment has fewer digits than the one that Django compares with; with a duration added, even
        of 0, Django writes it, so that a moment read back equals the one that was written.
        """
        return "django_format_dtdelta('+', STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW'), %s)", (self.microseconds,)


def now() -> Moment:
    """Return the moment of the statement, as an expression."""
    return Moment(0)


def after(seconds: float) -> Moment:
    """Return the moment `seconds` after the statement, as an expression."""
    return Moment(round(seconds * MICROSECONDS))
