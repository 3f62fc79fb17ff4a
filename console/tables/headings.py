"""The row that names the columns: found, and made into columns that can be told apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from console.exceptions.tables import NoHeading, NoRows, TooManyColumns
from console.tables import limits

LOOKED_AT: Final = 25  # rows among which the heading is looked for
SAMPLES: Final = 3
SAMPLE_LENGTH: Final = 200
_BLANKS = re.compile(r"[\s\ufeff\u200b]+")
_VALUE = re.compile(r"[-+]?[\d.,:/\s%-]*\d[\d.,:/\s%-]*|true|false", re.IGNORECASE)
_MOSTLY = 0.5


@dataclass
class Column:
    """A column of a file.

    Args:
        index: Its place, from 0.
        heading: What the file calls it; empty if it has no name.
        name: The heading, told apart from the others: “title”, “title 2”, “column 3”.
        role: What it is in a report of failed rows, which no import reads: “error” or “origin”; else empty.
        samples: Its first values that differ, as text.
    """

    index: int
    heading: str
    name: str
    role: str = ""
    samples: list[str] = field(default_factory=list)

    @property
    def is_missing(self) -> bool:
        """Whether the file does not name it."""
        return not self.heading

    @property
    def is_duplicate(self) -> bool:
        """Whether a column before it has the same heading."""
        return bool(self.heading) and self.name != self.heading

    def show(self, value: Any) -> None:
        """Take `value` up among the samples, while there are few."""
        if len(self.samples) < SAMPLES and value not in (None, ""):
            text = str(value)[:SAMPLE_LENGTH]
            if text not in self.samples:
                self.samples.append(text)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def find(rows: Sequence[tuple[int, Sequence[Any]]]) -> int:
    """Return the number of the row that names the columns: the first as wide as the table that holds names.

    Args:
        rows: The first rows, as (number, values), empty ones too.

    Raises:
        NoHeading: The first row of the table's width holds values.
        NoRows: There is nothing but blanks.
    """
    counted = [
        (number, values, sum(value not in (None, "") for value in values)) for number, values in rows[:LOOKED_AT]
    ]
    filled = [each for each in counted if each[2]]
    if not filled:
        raise NoRows(has_heading=False)
    usual = sorted(count for _number, _values, count in filled)[len(filled) // 2]
    wide = [
        (number, values) for number, values, count in filled if count >= usual * _MOSTLY and (count > 1 or usual == 1)
    ]
    number, values = wide[0]
    if not _are_names(values):
        raise NoHeading(number, [str(value) for value in values if value not in (None, "")])
    return number


def _are_names(values: Sequence[Any]) -> bool:
    given = [value for value in values if value not in (None, "")]
    names = [value for value in given if isinstance(value, str) and not _VALUE.fullmatch(value.strip())]
    return len(names) > len(given) * _MOSTLY


def columns(values: Sequence[Any]) -> list[Column]:
    """Return the columns that a heading names; what follows the last name is none.

    Raises:
        TooManyColumns: There are more than a table may have.
    """
    headings = [tidy(value) for value in values]
    while headings and not headings[-1]:
        headings.pop()
    if len(headings) > limits.columns_max():
        raise TooManyColumns(len(headings), limits.columns_max())
    taken = set(headings)
    seen: set[str] = set()
    found = []
    for index, heading in enumerate(headings):
        name = heading
        if not heading or heading in seen:
            name = _unlike(heading or "column", index + 1 if not heading else 2, taken)
        seen.add(heading)
        taken.add(name)
        found.append(Column(index, heading, name))
    return found


def tidy(value: Any) -> str:
    """Return a heading in one line, without blanks around it."""
    return "" if value is None else _BLANKS.sub(" ", str(value)).strip()


def _unlike(word: str, number: int, taken: set[str]) -> str:
    while f"{word} {number}" in taken:
        number += 1
    return f"{word} {number}"
