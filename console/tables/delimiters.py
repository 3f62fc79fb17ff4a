"""Which character stands between two values: the one that gives the lines the same width."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from typing import Final

from console.tables.delimited import split
from console.tables.formats import DELIMITERS, TSV, Format

LINES: Final = 60
_DECLARED = "sep="  # the first line that tells Excel its delimiter


def declared(lines: Sequence[str]) -> str:
    """Return the delimiter that a first line such as ``sep=;`` declares; empty if none does."""
    first = lines[0].rstrip("\r\n").strip('"') if lines else ""
    return first[len(_DECLARED) :] if first.lower().startswith(_DECLARED) and len(first) == len(_DECLARED) + 1 else ""


def detect(lines: Sequence[str], promised: Format | None) -> str:
    """Return the delimiter of the first lines of a file.

    Args:
        lines: The first lines, with their ends.
        promised: The format that the file's name promises: it breaks a tie, no more.
    """
    if found := declared(lines):
        return found
    usual = "\t" if promised is TSV else ","
    scored = [(_evenness(lines, delimiter), delimiter == usual, delimiter) for delimiter, _label in DELIMITERS]
    best, _tie, delimiter = max(scored)
    return delimiter if best else usual


def _evenness(lines: Sequence[str], delimiter: str) -> float:
    """Return how well the lines agree on more than one column: their share with the usual width, a little more for wider."""
    try:
        widths = [len(row) for row in split(lines[:LINES], delimiter) if row]
    except csv.Error:
        return 0.0
    if not widths:
        return 0.0
    ((width, count),) = Counter(widths).most_common(1)
    return 0.0 if width == 1 else count / len(widths) + min(width, 20) / 100
