"""The bulk path of a resource whose hooks need an object of each row: objects are made one by one and written together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import Model, prefetch_related_objects
from django.db.models.expressions import DatabaseDefault
from import_export.results import RowResult

from console.imports.batches import Batch, overrides
from console.imports.bulk import BulkPath
from console.imports.collecting import Collected, Collector
from console.imports.effects import Effects
from console.imports.existing import Existing
from console.imports.outcomes import Kind, Row
from console.imports.prefetched import prefetched
from console.imports.sheets import Layout, Sheet
from console.imports.waves import Values, Wave

if TYPE_CHECKING:
    from console.imports.shapes import Shape

COMPARING = ("skip_row",)


class HookedPath(BulkPath):
    """Runs the resource's hooks for each row, and writes what they leave in bulk."""

    def __init__(self, resource: Any, kwargs: Mapping[str, Any], why: tuple[str, ...] = ()) -> None:
        super().__init__(resource, kwargs, why)
        self.collector = Collector(resource)

    def finder(self, columns: Sequence[str]) -> Existing:
        """Return what finds objects, by columns too that ``before_import_row`` may add."""
        return super().finder(
            list(dict.fromkeys([*columns, *(one.column_name for one in self.resource.fields.values())]))
        )

    def finder_of(self, layout: Layout) -> Existing:
        """Return what finds whole objects."""
        return Existing(layout, whole=True)

    def sheet(self, batch: Batch, layout: Layout, rows: Sequence[Row]) -> Sheet:
        """Return the rows as ``before_import_row`` leaves them."""
        return HookedSheet(batch, layout, rows)

    def effects(self, finder: Existing, wave: Wave) -> Effects:
        """Return what the rows are going to do."""
        assert isinstance(wave.sheet, HookedSheet)
        return HookedEffects(self, finder, wave)


class HookedSheet(Sheet):
    """Rows after ``before_import_row``; its values are read when their objects are made."""

    def __init__(self, batch: Batch, layout: Layout, rows: Sequence[Row]) -> None:
        self.batch = batch
        self.key_columns = [column.name for column in layout.keys.values()]
        self.refused: set[int] = set()
        super().__init__(layout, [self._tidied(place, row) for place, row in enumerate(rows)])
        self.tidied, self.rows = self.rows, rows
        self.loose |= self.refused
        self.fields = {
            name: prefetched(one, [row.values[one.column_name] for row in self.tidied if one.column_name in row.values])
            for name, one in batch.resource.fields.items()
        }

    def read(self) -> None:
        """Read only what finds the objects."""
        self.values, self.many, self.checked = {}, [], {}

    def _tidied(self, place: int, row: Row) -> Row:
        values = OrderedDict(row.values)
        try:
            self.batch.resource.before_import_row(values, row_number=row.number, **self.batch.row_kwargs)
        except Exception:  # noqa: BLE001 - whatever it is, the row path meets it again and tells it
            self.refused.add(place)
        for column in self.key_columns:
            values.setdefault(column, None)
        return Row(row.number, values)


@dataclass
class HookedWave(Wave):
    """Rows with the objects that hooks have left."""

    collected: list[Collected] = field(default_factory=list)

    def only(self, wanted: Sequence[int]) -> HookedWave:
        """Return a part of the wave."""
        part = super().only(wanted)
        return HookedWave(part.sheet, part.places, part.known, [self.collected[n] for n in wanted])

    def many(self, place: int) -> list[Any]:
        """Return what the hooks have left of a many-to-many column; None where they have left nothing."""
        name = self.sheet.layout.many[place].field.attribute
        return [one.many.get(name) for one in self.collected]

    def column(self, target: Any) -> list[Any]:
        """Return the values that a field is to have."""
        return [getattr(one.instance, target.attname) for one in self.collected]


class HookedEffects(Effects):
    """What hooked rows are going to do."""

    wave: HookedWave

    def __init__(self, path: HookedPath, finder: Existing, wave: Wave) -> None:
        collected = _collect(path, wave)
        whole = HookedWave(wave.sheet, wave.places, wave.known, collected)
        failing = {n for n, one in enumerate(collected) if one.error is not None}
        super().__init__(path, finder, whole.only([n for n in range(len(collected)) if n not in failing]))
        self.failing = [wave.places[n] for n in sorted(failing)]

    @cached_property
    def kinds(self) -> list[Kind]:
        """What each row is going to be."""
        resource = self.path.resource
        skipped = Kind.UNCHANGED
        if overrides(resource, *COMPARING) or not resource._meta.skip_unchanged:
            skipped = Kind.SKIPPED
        kinds = {
            RowResult.IMPORT_TYPE_NEW: Kind.NEW,
            RowResult.IMPORT_TYPE_UPDATE: Kind.CHANGED,
            RowResult.IMPORT_TYPE_DELETE: Kind.DELETED,
            RowResult.IMPORT_TYPE_SKIP: skipped,
        }
        return [
            Kind.SKIPPED if one.existing is None and one.kind == RowResult.IMPORT_TYPE_SKIP else kinds[one.kind]
            for one in self.wave.collected
        ]

    def invalid(self, wave: Wave) -> set[int]:
        """Return nothing: each object has been validated."""
        return set()

    def fields(self, wave: Wave, *, adding: bool) -> list[Any]:
        """Return every field, as ``save()`` writes them, but for those that the database gives a value."""
        fields = [one for one in self.shape.fields if one is not self.shape.key]
        return [one for one in fields if not (adding and isinstance(wave.column(one)[0], DatabaseDefault))]

    def column(self, wave: Wave, target: Any, *, adding: bool) -> list[Any]:
        """Return the values of a field as ``save()`` would write them."""
        assert isinstance(wave, HookedWave)
        return [target.pre_save(one.instance, adding) for one in wave.collected]

    def given_keys(self, wave: Wave) -> list[Any]:
        """Return the keys that the objects have before they are written."""
        return wave.column(self.shape.key)


def _collect(path: HookedPath, wave: Wave) -> list[Collected]:
    """Do the rows up to their writing."""
    sheet, resource = wave.sheet, path.resource
    assert isinstance(sheet, HookedSheet)
    instances = [
        None if known is None else instance_of(resource._meta.model, path.shape, known, path.using)
        for known in wave.known
    ]
    comparing = resource._meta.skip_unchanged or bool(overrides(resource, *COMPARING))
    existing = [instance for instance in instances if instance is not None]
    if comparing and existing:
        prefetch_related_objects(existing, *(column.field.attribute for column in sheet.layout.many))
    with path.collector.at_work(sheet.fields, comparing=comparing):
        return [
            path.collector.collect(
                sheet.tidied[place].values, instance, row_number=sheet.rows[place].number, **sheet.batch.row_kwargs
            )
            for place, instance in zip(wave.places, instances, strict=True)
        ]


def instance_of(model: type[Model], shape: Shape, known: Values, using: str) -> Model:
    """Return an object as the database returns it."""
    fields = [one for one in model._meta.concrete_fields if not one.generated]
    values = [known[one] if one in known else known[shape.key] for one in fields]
    return model.from_db(using, [one.attname for one in fields], values)
