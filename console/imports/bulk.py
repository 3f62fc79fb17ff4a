"""The bulk path: few statements for many rows, where the resource has no hook that needs its objects one by one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DatabaseError, IntegrityError, connections, transaction

from console.imports.batches import Batch
from console.imports.effects import Effects
from console.imports.existing import Existing
from console.imports.outcomes import Outcome, Row
from console.imports.passing import PASSING
from console.imports.paths import Held, Path, Show
from console.imports.rows import RowPath
from console.imports.shapes import Shape
from console.imports.sheets import Layout, Sheet
from console.imports.waves import Wave
from console.imports.writing import Writing

logger = logging.getLogger(__name__)

SIZE = 2000  # the most rows that share their statements; larger ones are no faster, and SQLite limits the parameters
FEW = 4  # so many rows of a part that failed go one by one; more are halved first


class BulkPath(Path):
    """Writes rows many at a time; those that cannot be written so are written by the row path, in their place."""

    in_bulk = True

    def __init__(self, resource: Any, kwargs: Mapping[str, Any], why: tuple[str, ...] = ()) -> None:
        super().__init__(resource, kwargs, why)
        self.rows = RowPath(resource, kwargs)
        self.shape = Shape(resource._meta.model)
        self._finders: dict[tuple[str, ...], Existing] = {}

    def finder(self, columns: Sequence[str]) -> Existing:
        """Return what finds objects for a file with these columns."""
        key = tuple(columns)
        if key not in self._finders:
            self._finders[key] = self.finder_of(Layout(self.resource, self.shape, columns))
        return self._finders[key]

    def finder_of(self, layout: Layout) -> Existing:
        """Return what finds objects for a file with this layout."""
        return Existing(layout)

    def sheet(self, batch: Batch, layout: Layout, rows: Sequence[Row]) -> Sheet:
        """Return the values of some rows."""
        return Sheet(layout, rows)

    def effects(self, finder: Existing, wave: Wave) -> Effects:
        """Return what rows are going to do to the database."""
        return Effects(self, finder, wave)

    def write(
        self,
        rows: Sequence[Row],
        *,
        dry_run: bool = False,
        held: Held | None = None,
        show: Show | None = None,
    ) -> list[Outcome]:
        """Write the rows of one chunk; see `Path.write`."""
        if not rows:
            return []
        batch = Batch(self.resource, rows, self.kwargs, dry_run=dry_run)
        batch.before()
        writing = Writing(self, batch, held, show if show is not None else {})
        shown = dict(writing.show)
        try:
            with transaction.atomic(using=self.using):
                pieces = (batch.rows[start : start + SIZE] for start in range(0, len(batch.rows), SIZE))
                outcomes = [outcome for piece in pieces for outcome in _write(writing, piece)]
                self._check_deferred()
        except IntegrityError:  # of a constraint that is checked at the end
            writing.show.update(shown)
            outcomes = self.rows.write_batch(batch, batch.rows, show)
        batch.after(outcomes)
        return outcomes

    def _check_deferred(self) -> None:
        if connections[self.using].vendor == "postgresql":
            connections[self.using].check_constraints()


def _write(writing: Writing, rows: Sequence[Row]) -> list[Outcome]:
    """Write rows in bulk; a part that fails is rolled back and halved, until what is left goes row by row."""
    shown = dict(writing.show)
    try:
        with transaction.atomic(using=writing.path.using):
            return writing.write(rows)
    except PASSING:
        raise
    except Exception as error:
        if not isinstance(error, DatabaseError):
            logger.warning("Rows could not be written in bulk, and go one by one.", exc_info=error)
        writing.show.update(shown)
    if len(rows) <= FEW:
        return writing.one_by_one(rows)
    half = len(rows) // 2
    return _write(writing, rows[:half]) + _write(writing, rows[half:])
