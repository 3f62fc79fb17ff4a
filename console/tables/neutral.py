"""Text that a spreadsheet would take for a formula: made harmless in what is downloaded, restored in what is uploaded."""

from __future__ import annotations

import re
from typing import Any

_FORMULA = re.compile(r"\s*[=+\-@\t\r＝＋－＠]")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


def neutral(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe.

    Text that is such a formula behind apostrophes gets one more, so that `restored` gives back each cell exactly.

    >>> neutral("=1+1"), neutral("-5"), neutral("-5+2"), neutral(7), neutral("'=1"), neutral("'n Note")
    ("'=1+1", '-5', "'-5+2", 7, "''=1", "'n Note")
    """
    return f"'{cell}" if isinstance(cell, str) and _looks_computed(cell) else cell


def restored(cell: Any) -> Any:
    """Return the cell that `neutral` made harmless.

    >>> restored("'=1+1"), restored("''=1"), restored("'n Note"), restored("=1")
    ('=1+1', "'=1", "'n Note", '=1')
    """
    return cell[1:] if isinstance(cell, str) and cell[:1] == "'" and _looks_computed(cell) else cell


def _looks_computed(text: str) -> bool:
    bare = text.lstrip("'")
    return _FORMULA.match(bare) is not None and not _PLAIN_NUMBER.fullmatch(bare)
