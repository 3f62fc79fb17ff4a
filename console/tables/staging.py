"""The staged form: a line of JSON for each row, with its number, its problem and its values, dates kept as dates."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, Any, Final

from console.tables.layouts import Cursor, Layout, Row

_KINDS: Final[dict[str, Callable[[Any], Any]]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "seconds": lambda seconds: timedelta(seconds=seconds),
    "decimal": Decimal,
}


def line_of(number: int, values: list[Any], problem: str) -> bytes:
    """Return a row as a line of the staged file."""
    return _encode([number, problem, values]).encode() + b"\n"


def rows(file: IO[bytes], layout: Layout, cursor: Cursor | None = None) -> Iterator[Row]:
    """Yield the rows after `cursor`.

    Args:
        file: The staged file, open and seekable.
        layout: What the survey found.
        cursor: The cursor of any row; None begins at the first.
    """
    offset = (cursor or layout.start).offset
    file.seek(offset)
    for line in file:
        offset += len(line)
        number, problem, values = json.loads(line)
        if b"{" in line:
            values = [_unpacked(value) if isinstance(value, dict) else value for value in values]
        if len(values) < layout.width:
            values += [None] * (layout.width - len(values))
        yield Row(number, values, problem, Cursor(number, offset))


def _packed(value: Any) -> dict[str, Any]:
    if isinstance(value, timedelta):
        return {"seconds": value.total_seconds()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    kind = next(name for name, of in (("datetime", datetime), ("date", date), ("time", time)) if isinstance(value, of))
    return {kind: value.isoformat()}


_encode = json.JSONEncoder(default=_packed, separators=(",", ":")).encode


def _unpacked(value: dict[str, Any]) -> Any:
    ((kind, told),) = value.items()
    return _KINDS[kind](told)
