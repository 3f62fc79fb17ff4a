"""What a benchmark says: ours against a rival, and the goal; as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

HEAD = ("bench", "database", "ours", "against", "rival", "ratio", "goal", "met")


@dataclass(frozen=True)
class Goal:
    """The bound of a ratio: at least, or at most, so much."""

    sign: str
    bound: float

    def is_met(self, ratio: float) -> bool:
        """Say whether the ratio keeps to it."""
        return ratio >= self.bound if self.sign == ">=" else ratio <= self.bound

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"


def at_least(bound: float) -> Goal:
    """Return the goal of a ratio that should be high."""
    return Goal(">=", bound)


def at_most(bound: float) -> Goal:
    """Return the goal of a ratio that should be low."""
    return Goal("<=", bound)


@dataclass(frozen=True)
class Figure:
    """One line of the table; without a goal it is there to be known."""

    bench: str
    ours: float
    against: float
    rival: str
    goal: Goal | None = None

    @property
    def ratio(self) -> float:
        """Ours to the rival's."""
        return self.ours / self.against

    def row(self, database: str) -> dict[str, Any]:
        """Return what ``results.json`` keeps of it."""
        ratio = rounded(self.ratio)
        return {
            "bench": self.bench,
            "database": database,
            "ours": rounded(self.ours),
            "against": rounded(self.against),
            "rival": self.rival,
            "ratio": ratio,
            "goal": str(self.goal) if self.goal else None,
            "met": self.goal.is_met(ratio) if self.goal else None,
        }


def rounded(number: float) -> float:
    """Return the number with three significant digits: more would be noise."""
    return float(f"{number:.3g}")


def table(rows: Iterable[dict[str, Any]]) -> str:
    """Return the rows as a table in Markdown, which a terminal shows well too."""
    lines = [HEAD, *([_word(row[name]) for name in HEAD] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    texts = [_line(line, widths) for line in lines]
    return "\n".join([texts[0], _line(["-" * width for width in widths], widths), *texts[1:]])


def _line(words: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(word.ljust(width) for word, width in zip(words, widths, strict=True)) + " |"


def _word(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "NO"
        case float():
            return f"{value:,.0f}" if value >= 100 else f"{value:g}"
    return str(value)
