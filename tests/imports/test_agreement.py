"""In bulk, row by row and by `Resource.import_data`: the same table and the same report, whatever resource and file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tablib import Dataset

from console.imports import Kind, Path, Row, plan
from console.imports.rows import RowPath
from tests.imports.worlds import WORLDS, Values, World, imports

pytestmark = pytest.mark.django_db

LEFT_OUT = "left out"
EXAMPLES = settings.default.max_examples // 4  # of each world: one is three imports
KINDS = {
    "new": "new",
    "update": "changed",
    "delete": "deleted",
    "skip": LEFT_OUT,
    "error": "failed",
    "invalid": "failed",
}
Made = tuple[list[str], list[Any]]  # what came of each row, and the table in the end


@contextmanager
def undone() -> Iterator[None]:
    """Forget what happens inside."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def plainly(world: World, resource: Any, rows: list[Values]) -> Made:
    """Import as `import_data` does, but without its rolling back everything for one error."""
    headers = list(rows[0])
    dataset = Dataset(*[tuple(row[name] for name in headers) for row in rows], headers=headers)
    result = resource.import_data_inner(dataset, False, False, True, False)  # noqa: FBT003 - their own signature
    assert not result.base_errors
    return [KINDS[row.import_type] for row in result.rows], world.table()


def by(world: World, path: Path, rows: list[Values], size: int) -> Made:
    """Import by a path, in chunks."""
    kinds = []
    for start in range(0, len(rows), size):
        chunk = [Row(number, row) for number, row in enumerate(rows[start : start + size], start + 1)]
        outcomes = path.write(chunk)
        assert [outcome.row for outcome in outcomes] == [row.number for row in chunk]
        assert all(bool(outcome.reasons) == (outcome.kind is Kind.FAILED) for outcome in outcomes)
        kinds += [LEFT_OUT if one.kind in {Kind.UNCHANGED, Kind.SKIPPED} else str(one.kind.value) for one in outcomes]
    return kinds, world.table()


@pytest.mark.parametrize("name", WORLDS)
def test_all_ways_agree(name: str) -> None:
    """Duplicates of a key, clashes, bad values, empty ones, hooks and deletions included."""
    world = WORLDS[name]

    @settings(suppress_health_check=[HealthCheck.too_slow], max_examples=EXAMPLES)
    @given(imports(world), st.sampled_from([5, 12, 50]))
    def agree(asked: tuple[type[Any], list[Values]], size: int) -> None:
        kind, rows = asked
        with undone():
            world.populate()
            with undone():
                expected = plainly(world, kind(), rows)
            with undone():
                assert by(world, RowPath(kind(), {}), rows, size) == expected
            path = plan(kind())
            assert path.in_bulk
            with undone():
                assert by(world, path, rows, size) == expected

    agree()
