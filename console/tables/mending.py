"""The failed rows of an import as a table to be mended and uploaded again: its own columns, and two more at their end.

The first holds what was wrong. The second holds the row's number in the original file, and its heading says of which run
they are, signed: a heading is what every spreadsheet program keeps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from django.utils.crypto import constant_time_compare, salted_hmac

from console.tables.headings import Column

ERROR: Final = "error"
ORIGIN: Final = "origin"  # the roles of the two columns
_SIGNED: Final = 12
_ORIGIN_HEADING = re.compile(rf"row of run (\d{{1,18}}) \[([0-9a-f]{{{_SIGNED}}})\]")


def headings(originals: Sequence[str], run_id: int) -> list[str]:
    """Return the headings of the report of a run's failed rows: the original ones, and those of the two columns."""
    taken = ERROR in {heading.casefold() for heading in originals}
    return [*originals, _error_of(run_id) if taken else ERROR, f"row of run {run_id} [{_signature(run_id)}]"]


def mended_row(values: Sequence[Any], width: int, error: str, number: int) -> list[Any]:
    """Return a failed row under these headings; values beyond the last column stay behind the two, to be seen.

    Args:
        values: The original values.
        width: How many columns the original has.
        error: What was wrong.
        number: The row's number in the original file.
    """
    blanks = [""] * (width - len(values))
    return [*values[:width], *blanks, error, number, *values[width:]]


def recognise(columns: Sequence[Column]) -> int | None:
    """Return the run whose failed rows a table with these columns holds, and mark the two columns; None if of none."""
    for column in columns:
        found = _ORIGIN_HEADING.fullmatch(column.heading)
        if found and constant_time_compare(found[2], _signature(int(found[1]))):
            run_id = int(found[1])
            column.role = ORIGIN
            errors = [each for each in columns if each.heading in {ERROR, _error_of(run_id)}]
            if errors:
                errors[-1].role = ERROR
            return run_id
    return None


def _error_of(run_id: int) -> str:
    return f"error of run {run_id}"


def _signature(run_id: int) -> str:
    return salted_hmac("console.tables.mending", str(run_id)).hexdigest()[:_SIGNED]
