"""Exports: by a run, from its acceptance to the joined file, against `Resource.export` and its own writing of the file."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from bench import data
from bench.figures import Figure, at_least, at_most
from bench.memory import ALLOWED, GROWTH, child
from bench.world import World
from console.engine.acceptance import start
from console.engine.files import output_of
from console.testing import assert_succeeded, perform
from notes.models import Note
from notes.operations import ExportNotes
from notes.resources import NoteResource

FASTER = 3
KINDS = ("csv", "xlsx")


def measure(world: World) -> list[Figure]:
    """Measure exports of notes with their authors and tags, in rows a second, and the memory they take."""
    return [*_speed(world), *_memory(world)]


def _speed(world: World) -> list[Figure]:
    count = world.sizes.exported

    def on_notes(export: Callable[[QuerySet[Note]], int]) -> float:
        make_tagged_notes(count)
        started = time.perf_counter()
        rows = export(Note.all_objects.order_by("pk"))
        assert rows == count
        return count / (time.perf_counter() - started)

    found = world.medians(
        {
            **{f"run, {kind}": partial(on_notes, partial(by_run, kind)) for kind in KINDS},
            **{f"import-export, {kind}": partial(on_notes, partial(by_import_export, kind)) for kind in KINDS},
            "import-export, csv, helped": partial(on_notes, partial(helped, "csv")),
        }
    )
    return [
        *(
            Figure(
                f"exports as {kind.upper()} (rows/s)",
                found[f"run, {kind}"],
                found[f"import-export, {kind}"],
                "django-import-export",
                at_least(FASTER),
            )
            for kind in KINDS
        ),
        Figure(
            "exports as CSV (rows/s)",
            found["run, csv"],
            found["import-export, csv, helped"],
            "django-import-export, relations prefetched by hand",
        ),
    ]


def _memory(world: World) -> list[Figure]:
    idle: list[float] = []

    def peak(kind: str, count: int) -> float:
        make_tagged_notes(count)
        connection.close()
        before, after = child(ExportNotes.name, {"format": kind})
        idle.append(before)
        return after

    few, many = world.sizes.exported, world.sizes.exported_many
    peaks = world.medians(
        {
            "few": partial(peak, "csv", few),
            "many": partial(peak, "csv", many),
            "many, xlsx": partial(peak, "xlsx", many),
        }
    )
    base = sorted(idle)[len(idle) // 2]
    allowed = f"{ALLOWED:g} MB"
    return [
        Figure("memory over idle, CSV of 200,000 rows (MB)", peaks["many"] - base, ALLOWED, allowed, at_most(1)),
        Figure("memory over idle, XLSX of 200,000 rows (MB)", peaks["many, xlsx"] - base, ALLOWED, allowed, at_most(1)),
        Figure("memory, CSV of 200,000 rows (MB)", peaks["many"], peaks["few"], "20,000 rows", at_most(GROWTH)),
    ]


def make_tagged_notes(count: int) -> None:
    """Have `count` notes with an author, and three tags each."""
    data.make_notes(count)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO notes_note_tags (note_id, tag_id) SELECT note.id, tag.id FROM notes_note note "
            "JOIN notes_tag tag ON tag.id % 3 = note.id % 3 WHERE NOT EXISTS (SELECT 1 FROM notes_note_tags old "
            "WHERE old.note_id = note.id)"
        )
    data.analyze()


def by_run(kind: str, notes: QuerySet[Note]) -> int:
    """Export by a run of ours."""
    run = start(ExportNotes, objects=notes, params={"format": kind})
    assert_succeeded(perform(run))
    file: Any = output_of(run)
    return int(file.rows)


def by_import_export(kind: str, notes: QuerySet[Note]) -> int:
    """Export as django-import-export does."""
    table = NoteResource().export(notes)
    assert table.export(kind)
    return len(table)


def helped(kind: str, notes: QuerySet[Note]) -> int:
    """The same, on a query that reads what belongs to the notes at once."""
    return by_import_export(kind, notes.select_related("author").prefetch_related("tags"))
