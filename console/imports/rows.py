"""The row path: the resource does each row as django-import-export would."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from django.db import IntegrityError, connections, transaction
from import_export.results import RowResult

from console.exceptions import ObjectHeld
from console.imports.batches import Batch, overrides
from console.imports.differences import Difference, NoDifference
from console.imports.outcomes import Kind, Outcome, Row
from console.imports.passing import raise_passing
from console.imports.paths import Held, Path, Show
from console.imports.reasons import is_expected, label_of, reasons_of
from console.imports.telling import make_telling

KINDS = {
    RowResult.IMPORT_TYPE_NEW: Kind.NEW,
    RowResult.IMPORT_TYPE_UPDATE: Kind.CHANGED,
    RowResult.IMPORT_TYPE_DELETE: Kind.DELETED,
    RowResult.IMPORT_TYPE_SKIP: Kind.SKIPPED,
}


class RowPath(Path):
    """Writes rows one at a time, each behind a savepoint: a row that fails leaves nothing behind."""

    in_bulk = False

    def __init__(self, resource: Any, kwargs: Mapping[str, Any], why: tuple[str, ...] = ()) -> None:
        super().__init__(resource, kwargs, why)
        make_telling(resource)
        resource._meta = meta = copy(resource._meta)
        self._find, self._found = resource.get_or_init_instance, None
        resource.get_or_init_instance = self._remember
        self._keeps_result = bool(overrides(resource, "after_import_row", "import_row"))
        meta.use_bulk = False  # which loses the row of an error, and many-to-many relations
        self._showing = False
        self._difference: Difference | None = None
        meta.skip_html_diff = meta.skip_html_diff or not self._keeps_result
        resource.get_diff_class = lambda: self._compare
        self._compares = meta.skip_unchanged or bool(overrides(resource, "skip_row"))
        self._skips_diff = meta.skip_diff
        self._skips_unchanged = meta.skip_unchanged and not overrides(resource, "skip_row")

    def write(
        self,
        rows: Sequence[Row],
        *,
        dry_run: bool = False,
        held: Held | None = None,
        show: Show | None = None,
    ) -> list[Outcome]:
        """Write the rows of one chunk; see `Path.write`. Holds are the guard's affair here: rows are saved one by one."""
        if not rows:
            return []
        batch = Batch(self.resource, rows, self.kwargs, dry_run=dry_run)
        batch.before()
        outcomes = self.write_batch(batch, batch.rows, show)
        batch.after(outcomes)
        return outcomes

    def write_batch(self, batch: Batch, rows: Sequence[Row], show: Show | None = None) -> list[Outcome]:
        """Write some rows of a batch, without what is done once for all of it."""
        loader = self._loader(batch)
        try:
            with transaction.atomic(using=self.using):
                outcomes = [self._alone(batch, loader, row, show) for row in rows]
                self._check_deferred()
        except IntegrityError:
            outcomes = [self._alone(batch, loader, row, show, checking=True) for row in rows]
        return outcomes

    def _loader(self, batch: Batch) -> Any:
        kind = self.resource._meta.instance_loader_class
        return kind(self.resource, batch.as_dataset())

    def _alone(self, batch: Batch, loader: Any, row: Row, show: Show | None, *, checking: bool = False) -> Outcome:
        values = OrderedDict(row.values)
        self._prepare(show)
        self._found = None
        try:
            with transaction.atomic(using=self.using):
                result = self.resource.import_row(values, loader, row_number=row.number, **batch.row_kwargs)
                error = result.validation_error or (result.errors[0].error if result.errors else None)
                raise_passing(error)
                if error is not None:
                    transaction.set_rollback(True, using=self.using)
                elif checking:
                    self._check_deferred()
        except IntegrityError as refused:  # of a deferred constraint
            error = refused
        if error is not None:
            return self._failure(row, error)
        return self._told(row, result, show)

    def _failure(self, row: Row, error: BaseException) -> Outcome:
        """Return the outcome of a row that met `error`, with its object if that exists."""
        reasons = reasons_of(error, self.resource, row.values)
        outcome = Outcome(row.number, Kind.FAILED, reasons=reasons, error=None if is_expected(error) else error)
        outcome.held_by = error.run_id if isinstance(error, ObjectHeld) else None
        if self._found is not None:
            outcome.pk, outcome.label = self._found.pk, label_of(self._found)
        return outcome

    def _remember(self, *args: Any) -> Any:
        instance, new = self._find(*args)
        self._found = None if new else instance
        return instance, new

    def _prepare(self, show: Show | None) -> None:
        """Let the resource compare only what somebody will look at: it copies and renders the object twice."""
        self._showing, self._difference = any((show or {}).values()), None
        if not self._keeps_result:
            self.resource._meta.skip_diff = self._skips_diff or not (self._showing or self._compares)

    def _compare(self, resource: Any, original: Any, new: bool) -> Any:  # noqa: FBT001 - as the resource calls it
        if not (self._showing or self._keeps_result):
            return NoDifference()
        self._difference = Difference(resource, original, new)
        return self._difference

    def _told(self, row: Row, result: RowResult, show: Show | None) -> Outcome:
        kind = KINDS[result.import_type]
        if kind is Kind.SKIPPED and self._skips_unchanged and result.object_id is not None:
            kind = Kind.UNCHANGED
        outcome = Outcome(row.number, kind, pk=result.object_id, label=str(result.object_repr or "")[:200])
        if show and show.get(kind, 0) > 0:
            show[kind] -= 1
            outcome.changes = self._difference.changes() if self._difference else ()
        return outcome

    def _check_deferred(self) -> None:
        """Raise now what COMMIT would raise. SQLite's own check scans every table: there COMMIT tells."""
        connection = connections[self.using]
        if connection.vendor == "postgresql":
            connection.check_constraints()
