"""The order in which the rows of a chunk are written: in bulk where nothing is in doubt, else one by one in their place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from console.imports.outcomes import Kind, Outcome, Reason, Row
from console.imports.reasons import held_words, label_of
from console.imports.waves import Wave, turns

if TYPE_CHECKING:
    from console.imports.batches import Batch
    from console.imports.bulk import BulkPath
    from console.imports.paths import Held, Show
    from console.imports.sheets import Sheet

MANY = 8  # if more than one row in so many is in doubt, all go one by one


class Writing:
    """One call of the bulk path: writes sheets of rows, and knows who asked for what."""

    def __init__(self, path: BulkPath, batch: Batch, held: Held | None, show: Show) -> None:
        self.path, self.batch, self.held, self.show = path, batch, held, show
        self.finder = path.finder(batch.columns)

    def write(self, rows: Sequence[Row]) -> list[Outcome]:
        """Write rows, and return what came of each, in their order.

        Raises:
            Exception: Whatever the database says against a part of them.
        """
        sheet = self.path.sheet(self.batch, self.finder.layout, rows)
        found: dict[int, Outcome] = {}
        for places, alone in self._parts(sheet):
            loose = [place for place in places if place in sheet.loose]
            certain = [place for place in places if place not in sheet.loose]
            waves = turns(sheet.keys, certain, in_order=self.finder.keeps_order)
            if len(waves) * MANY > len(places) and len(waves) > 1:
                self._alone(sheet, certain, found)
            else:
                for wave in waves:
                    self._wave(sheet, wave, found)
            self._alone(sheet, [*loose, *alone], found)
        return [found[place] for place in range(len(sheet.rows))]

    def one_by_one(self, rows: Sequence[Row]) -> list[Outcome]:
        """Write rows by the row path."""
        return self.path.rows.write_batch(self.batch, rows, self.show)

    def _parts(self, sheet: Sheet) -> Iterable[tuple[list[int], list[int]]]:
        """Yield places to be written, each time with those that must follow alone.

        A row that fails by itself may do so at any time, unless it shares its key with others.
        """
        if not sheet.loose:
            return [(list(range(len(sheet.rows))), [])]
        ordered = sheet.ordered
        ends = [*ordered, len(sheet.rows)]
        starts = [0, *(place + 1 for place in ordered)]
        pieces = [list(range(start, end)) for start, end in zip(starts, ends, strict=True)]
        return list(zip(pieces, [*([place] for place in ordered), []], strict=True))

    def _wave(self, sheet: Sheet, places: list[int], found: dict[int, Outcome]) -> None:
        """Write rows of which no two are about the same object."""
        keys = [sheet.keys[place] for place in places]
        existing = self.finder.find({key for key in keys if key is not None})
        if None in existing.values():  # one key, several objects
            doubtful = [p for p, key in zip(places, keys, strict=True) if key in existing and existing[key] is None]
            self._around(sheet, places, doubtful, found)
            return
        wave = Wave(sheet, places, [existing.get(key) for key in keys])
        wave = self._free(wave, found)
        effects = self.path.effects(self.finder, wave)
        if effects.doubtful:
            self._around(sheet, wave.places, effects.doubtful, found)
            return
        found.update(zip(effects.wave.places, effects.write(self.show), strict=True))
        self._alone(sheet, effects.failing, found)

    def _around(self, sheet: Sheet, places: list[int], doubtful: Iterable[int], found: dict[int, Outcome]) -> None:
        """Write the doubtful rows alone, and those between them in bulk, in the order of the file."""
        alone = sorted(doubtful)
        if len(alone) * MANY > len(places):
            self._alone(sheet, places, found)
            return
        for end in [*alone, None]:
            piece = [place for place in places if place not in found and (end is None or place < end)]
            if piece:
                self._wave(sheet, piece, found)
            if end is not None:
                self._alone(sheet, [end], found)

    def _alone(self, sheet: Sheet, places: Sequence[int], found: dict[int, Outcome]) -> None:
        if places:
            outcomes = self.one_by_one([sheet.rows[place] for place in places])
            found.update(zip(places, outcomes, strict=True))

    def _free(self, wave: Wave, found: dict[int, Outcome]) -> Wave:
        """Leave out the rows whose object another run holds, and tell about them."""
        key = self.path.shape.key
        pks = [known[key] for known in wave.known if known is not None]
        holders = self.held(pks) if self.held and pks else {}
        if not holders:
            return wave
        objects = self.path.shape.model._base_manager.using(self.path.using).in_bulk(list(holders))
        free = []
        for n, known in enumerate(wave.known):
            holder = holders.get(known[key]) if known else None
            if known is None or holder is None:
                free.append(n)
                continue
            obj: Any = objects[known[key]]
            found[wave.places[n]] = Outcome(
                wave.rows[n].number,
                Kind.FAILED,
                pk=obj.pk,
                label=label_of(obj),
                reasons=(Reason("", "", held_words(obj, holder)),),
                held_by=holder.run_id,
            )
        return wave.only(free)
