"""The demonstration data in the test database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management import call_command

from tests import emptying

DEMO = Path(__file__).parents[2] / "fixtures" / "demo.json"

_loaded: list[tuple[list[Any], emptying.Rows]] = []


def load_demo() -> None:
    """Load the data into an empty database: the first time from the file, later the rows that came of it, which is sooner."""
    assert not emptying.with_rows()
    rests_on = emptying.filled_by_django()  # groups have permissions, by number
    if not _loaded or _loaded[0][0] != rests_on:
        call_command("loaddata", str(DEMO), verbosity=0)
        _loaded[:] = [(rests_on, emptying.taken())]
    else:
        emptying.put(_loaded[0][1])
