"""Which field each heading of a file names: whatever its case, accents and punctuation, and with a slip of the pen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Final

ALIKE: Final = 0.84  # from here on two names are taken for the same: author and authors, not first name and last name
CLEARLY: Final = 0.05  # by which the best must be better than the next
SHORTEST: Final = 3


def match(headings: Sequence[str], names: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the field that each heading names; empty where none does. A field is named once, by its first heading.

    Args:
        headings: The headings, in order.
        names: For each field what it is called, the surest first.

    >>> match(["Título", "AUTHOR", "Slgu", "note"], {"title": ["título"], "author": ["authors"], "slug": ["slug"]})
    ['title', 'author', '', '']
    """
    known: dict[str, str] = {}
    for field, words in names.items():
        for word in words:
            known.setdefault(plain(word), field)
    known.pop("", None)
    found = [""] * len(headings)
    for place, heading in enumerate(headings):
        field = known.get(plain(heading), "")
        found[place] = "" if field in found else field
    for place, heading in enumerate(headings):
        if not found[place]:
            found[place] = _likeliest(plain(heading), {word: key for word, key in known.items() if key not in found})
    return found


def plain(name: str) -> str:
    """Return a name without what people write differently: case, accents, spaces, punctuation."""
    letters = unicodedata.normalize("NFKD", str(name))
    return re.sub(r"[\W_]+", "", "".join(each for each in letters if not unicodedata.combining(each))).casefold()


def _likeliest(word: str, known: Mapping[str, str]) -> str:
    """Return the field whose name is clearly more alike than those of the others, if it is alike enough."""
    scores: dict[str, float] = {}
    for name, field in known.items():
        if min(len(word), len(name)) >= SHORTEST and word[0] == name[0]:
            scores[field] = max(scores.get(field, 0.0), SequenceMatcher(None, word, name, autojunk=False).ratio())
    best, *others = sorted(scores, key=lambda field: -scores[field]) or [""]
    if not best or scores[best] < ALIKE or (others and scores[best] - scores[others[0]] < CLEARLY):
        return ""
    return best
