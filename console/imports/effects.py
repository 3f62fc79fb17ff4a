"""What a wave of rows does to the database, and what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from console.imports.checks import cleaner
from console.imports.columns import BAD
from console.imports.differences import Difference
from console.imports.links import Links
from console.imports.outcomes import Kind, Outcome
from console.imports.reasons import label_of
from console.imports.shapes import Table, moment
from console.imports.waves import Wave
from console.imports.writers import writer_for

if TYPE_CHECKING:
    from console.imports.bulk import BulkPath
    from console.imports.existing import Existing
    from console.imports.paths import Show


class Effects:
    """What a wave is going to do."""

    def __init__(self, path: BulkPath, finder: Existing, wave: Wave) -> None:
        self.path, self.finder, self.wave, self.layout = path, finder, wave, finder.layout
        self.shape, self.writer = path.shape, writer_for(path.using)
        self.failing: list[int] = []  # places of rows that failed already, and that the row path has to tell about

    @cached_property
    def owners(self) -> list[Any]:
        """The keys of the objects that exist, None for those to be made."""
        key = self.shape.key
        return [known and known[key] for known in self.wave.known]

    @cached_property
    def links(self) -> list[Links]:
        """The many-to-many relations that the file sets."""
        owners = [owner for owner in self.owners if owner is not None]
        return [Links(column, self.path.using, owners) for column in self.layout.many]

    @cached_property
    def kinds(self) -> list[Kind]:
        """What each row is going to be."""
        skips = self.path.resource._meta.skip_unchanged and not self.path.resource._meta.skip_diff
        kinds = [Kind.NEW if owner is None else Kind.CHANGED for owner in self.owners]
        if skips:
            for n in self._unchanged():
                kinds[n] = Kind.UNCHANGED
        return kinds

    def _unchanged(self) -> list[int]:
        same = [owner is not None for owner in self.owners]
        for field in self.layout.plain:
            for n, (value, known) in enumerate(zip(self.wave.given(field), self.wave.known, strict=True)):
                same[n] = same[n] and known is not None and self._equals(field, value, known[field])
        for place, links in enumerate(self.links):
            for n, owner in enumerate(self.owners):
                same[n] = same[n] and links.are(owner, self.wave.many(place)[n])
        return [n for n, is_same in enumerate(same) if is_same]

    def _equals(self, field: Any, value: Any, known: Any) -> bool:
        if value is None and not self.layout.plain[field].field.saves_null_values:
            return True
        return bool(value == known)

    @cached_property
    def doubtful(self) -> set[int]:
        """The places of rows that would break a rule, but that the row path can tell of in their order."""
        wave = self.writes
        return self.finder.taken(wave) | (self.invalid(wave) if self.layout.validates else set())

    @cached_property
    def writes(self) -> Wave:
        """The rows that write an object."""
        return self.wave.only([n for n, kind in enumerate(self.kinds) if kind in {Kind.NEW, Kind.CHANGED}])

    def invalid(self, wave: Wave) -> set[int]:
        """Return the places of rows whose object has invalid values that the file does not give."""
        new = {place for place, known in zip(wave.places, wave.known, strict=True) if known is None}
        old = [(place, known) for place, known in zip(wave.places, wave.known, strict=True) if known is not None]
        places: set[int] = set()
        for field in self.shape.fields:
            if field in self.layout.plain or field is self.shape.key:
                continue
            clean = cleaner(field)
            if new and clean([field.get_default()])[0] is BAD:
                places |= new
            if old and field in self.finder.loaded:
                stored = clean([known[field] for _place, known in old])
                places |= {place for (place, _known), value in zip(old, stored, strict=True) if value is BAD}
        return places

    def write(self, show: Show) -> list[Outcome]:
        """Write the rows and return what came of them."""
        kinds, shown = self.kinds, self._shown(show)
        before = self._objects([n for n in shown if self.owners[n] is not None])
        differences = {
            n: Difference(self.path.resource, before.get(self.owners[n], self.shape.model()), kinds[n] is Kind.NEW)
            for n in shown
        }
        new = [n for n, kind in enumerate(kinds) if kind is Kind.NEW]
        old = [n for n, kind in enumerate(kinds) if kind is Kind.CHANGED]
        pks = list(self.owners)
        self._delete([pks[n] for n, kind in enumerate(kinds) if kind is Kind.DELETED])
        if new:
            for n, pk in zip(new, self._insert(self.wave.only(new)), strict=True):
                pks[n] = pk
        if old:
            self._update(self.wave.only(old), [pks[n] for n in old])
        for place, links in enumerate(self.links):
            lists = self.wave.many(place)
            links.write(self.writer, [(pks[n], lists[n]) for n in sorted(new + old) if lists[n] is not None])
        outcomes = [Outcome(row.number, kind, pk) for row, kind, pk in zip(self.wave.rows, kinds, pks, strict=True)]
        self._tell(outcomes, differences)
        return outcomes

    def _shown(self, show: Show) -> list[int]:
        shown = []
        for n, kind in enumerate(self.kinds):
            if show.get(kind, 0) > 0:
                show[kind] -= 1
                shown.append(n)
        return shown

    def _tell(self, outcomes: Sequence[Outcome], differences: dict[int, Difference]) -> None:
        after = self._objects(list(differences), [outcome.pk for outcome in outcomes])
        for n, difference in differences.items():
            obj = after.get(outcomes[n].pk)
            difference.compare_with(self.path.resource, obj)
            outcomes[n].label = label_of(difference.before if obj is None else obj)
            outcomes[n].changes = difference.changes()

    def _objects(self, places: Sequence[int], pks: Sequence[Any] | None = None) -> dict[Any, Any]:
        wanted = [(self.owners if pks is None else pks)[n] for n in places]
        model = self.path.resource._meta.model
        return dict(model._base_manager.using(self.path.using).in_bulk(wanted)) if wanted else {}

    def _delete(self, pks: Sequence[Any]) -> None:
        if pks:
            self.shape.model._base_manager.using(self.path.using).filter(pk__in=pks).delete()

    def _insert(self, wave: Wave) -> list[Any]:
        """Write new objects and return their keys."""
        key, pks = self.shape.key, self._keys(wave)
        fields = self.fields(wave, adding=True)
        prepared = {field: self.writer.prepared(field, self.column(wave, field, adding=True)) for field in fields}
        prepared[key] = self.writer.prepared(key, pks)
        for table in self.shape.tables:
            names, columns = _of_table(table, prepared)
            self.writer.insert(table.name, [table.key.column, *names], zip(prepared[key], *columns, strict=True))
        return pks

    def _update(self, wave: Wave, pks: list[Any]) -> None:
        """Write what the rows change, and the times of the change."""
        fields = self.fields(wave, adding=False)
        prepared = {field: self.writer.prepared(field, self.column(wave, field, adding=False)) for field in fields}
        keys = self.writer.prepared(self.shape.key, pks)
        for table in self.shape.tables:
            names, columns = _of_table(table, prepared)
            if names:
                self.writer.update(table.name, table.key.column, names, zip(keys, *columns, strict=True))

    def _keys(self, wave: Wave) -> list[Any]:
        """Return the keys of new objects: those given, else the database's next."""
        key, given = self.shape.key, self.given_keys(wave)
        if not self.shape.counts_keys:
            return [key.to_python(value) for value in given]
        missing = given.count(None)
        taken = iter(self.writer.keys(key, missing) if missing else ())
        return [next(taken) if value is None else key.to_python(value) for value in given]

    def given_keys(self, wave: Wave) -> list[Any]:
        """Return the keys that new objects have before they are written."""
        counted = self.shape.counts_keys and self.shape.key not in self.layout.plain
        return [None] * len(wave.places) if counted else wave.column(self.shape.key)

    def fields(self, wave: Wave, *, adding: bool) -> list[Any]:
        """Return the fields to write, but for the key: of new objects all that have no default in the database."""
        given, key = self.layout.plain, self.shape.key
        fields = [field for field in self.shape.fields if field is not key]
        if adding:
            return [field for field in fields if field in given or not field.has_db_default()]
        finding = self.layout.keys
        return [
            field for field in fields if (field in given and field not in finding) or getattr(field, "auto_now", False)
        ]

    def column(self, wave: Wave, field: Any, *, adding: bool) -> list[Any]:
        """Return the values of a field as they are to be written."""
        time = moment(field, adding=adding)
        return wave.column(field) if time is None else [time] * len(wave.places)


def _of_table(table: Table, prepared: dict[Any, list[Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return the names of the columns of a table, and their values."""
    fields = [field for field in table.fields if field in prepared]
    return [field.column for field in fields], [prepared[field] for field in fields]
