"""A column of a file, read into the values of a field, many at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db.models.fields import NOT_PROVIDED
from django.utils import timezone
from import_export import widgets
from import_export.fields import Field

from console.imports.outcomes import Row


class Bad:
    """Stands for a value that could not be read, or that a field refuses: the row path says why."""

    def __repr__(self) -> str:
        return "<bad>"


BAD = Bad()
# Their `clean` looks at the value alone, so that equal values are read once.
PURE = frozenset(
    {
        widgets.Widget,
        widgets.CharWidget,
        widgets.IntegerWidget,
        widgets.FloatWidget,
        widgets.DecimalWidget,
        widgets.BooleanWidget,
        widgets.DateWidget,
        widgets.DateTimeWidget,
        widgets.TimeWidget,
        widgets.DurationWidget,
        widgets.JSONWidget,
        widgets.SimpleArrayWidget,
    }
)
ISO_DATE, ISO_DATETIME = "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"


def is_plain(field: Field) -> bool:
    """Tell whether django-import-export's own `Field.clean` reads the column."""
    return type(field).clean is Field.clean


class Column:
    """Reads a column into the values that `Field.clean` would return."""

    def __init__(self, field: Field) -> None:
        self.field, self.name = field, str(field.column_name)
        self.default = field.default

    def read(self, rows: Sequence[Row]) -> list[Any]:
        """Return a value for each row; `BAD` for those that cannot be read."""
        if not (is_plain(self.field) and type(self.field.widget) in PURE):
            return [self._by_row(row) for row in rows]
        values = self.converted([row.values[self.name] for row in rows])
        if self.default is NOT_PROVIDED:
            return values
        return [self._or_default(value) if value is None or value == "" else value for value in values]

    def converted(self, values: list[Any]) -> list[Any]:
        """Return what the widget makes of the values."""
        widget = self.field.widget
        kind = type(widget)
        if kind is widgets.Widget:
            return values
        if kind is widgets.CharWidget:
            one = widget.clean
            return [value if type(value) is str else one(value) for value in values]
        return remembered(_quick(widget) or widget.clean, values)

    def _or_default(self, value: Any) -> Any:
        return self.default() if callable(self.default) else self.default

    def _by_row(self, row: Row) -> Any:
        try:
            return self.field.clean(dict(row.values))
        except Exception:  # noqa: BLE001 - whatever it is, the row path meets it again and tells it
            return BAD


def remembered(one: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    """Return `one` of each value, asked once for equal ones; `BAD` where it raises."""
    known: dict[Any, Any] = {}
    found = []
    for value in values:
        key = value if type(value) is str else (type(value), value)
        try:
            result = known[key]
        except KeyError:
            result = known[key] = attempted(one, value)
        except TypeError:  # a list or a dictionary
            result = attempted(one, value)
        found.append(result)
    return found


def attempted(one: Callable[[Any], Any], value: Any) -> Any:
    """Return `one` of a value, or `BAD`."""
    try:
        return BAD if value is BAD else one(value)
    except Exception:  # noqa: BLE001 - whatever it is, the row path meets it again and tells it
        return BAD


def _quick(widget: Any) -> Callable[[Any], Any] | None:
    """Return a reader of ISO dates and times that is many times faster than ``strptime`` and falls back to the widget."""
    if type(widget) is widgets.DateTimeWidget and widget.formats[0] == ISO_DATETIME:
        zone = timezone.get_current_timezone() if settings.USE_TZ else None
        return lambda text: (
            datetime.fromisoformat(text).replace(tzinfo=zone) if _is_moment(text) else widget.clean(text)
        )
    if type(widget) is widgets.DateWidget and widget.formats[0] == ISO_DATE:
        return lambda text: date.fromisoformat(text) if _is_date(text, 10) else widget.clean(text)
    return None


def _is_date(text: Any, length: int) -> bool:
    return type(text) is str and len(text) == length and text[4] == text[7] == "-" and text[:4].isdecimal()


def _is_moment(text: Any) -> bool:
    return _is_date(text, 19) and text[10] == " " and text[13] == text[16] == ":"
