"""Copies: as the engine makes them, checkpoints included, against ``bulk_create`` and one ``INSERT … SELECT``."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import connection, transaction

from bench import data
from bench.figures import Figure, at_least
from bench.operations import CopyBare, CopyInPython
from bench.world import SOURCES, World
from console.engine.acceptance import start
from console.operations import Copy
from console.testing import assert_succeeded, perform
from notes.models import Attachment, Note
from notes.operations import CopyNotes

BATCH = 1000
GOALS = {
    "postgresql": {"bulk": 3, "limit": 0.75, "python": 0.85, "related": 2.5},
    "sqlite": {"bulk": 2.5, "limit": 0.5, "python": 0.6, "related": 2.5},
}


def measure(world: World) -> list[Figure]:
    """Measure all ways of copying, in notes a second."""
    goals = GOALS[connection.vendor]
    copies, related = world.sizes.copies, world.sizes.related
    bare = world.medians(
        {
            "run": partial(rate, run_of(CopyBare), copies),
            "bulk_create": partial(rate, bulk_create, copies),
            "INSERT … SELECT": partial(rate, data.insert_select, copies),
            "run with a hook": partial(rate, run_of(CopyInPython), copies),
        }
    )
    whole = world.medians(
        {
            "run": partial(rate, run_of(CopyNotes), related),
            "bulk_create": partial(rate, bulk_create_whole, related),
        }
    )
    ours, bulk, limit = bare["run"], bare["bulk_create"], bare["INSERT … SELECT"]
    return [
        Figure("copies (notes/s)", ours, bulk, "bulk_create", at_least(goals["bulk"])),
        Figure("copies (notes/s)", ours, limit, "one INSERT … SELECT", at_least(goals["limit"])),
        Figure("copies with a hook (notes/s)", bare["run with a hook"], bulk, "bulk_create", at_least(goals["python"])),
        Figure(
            "copies with tags and attachments (notes/s)",
            whole["run"],
            whole["bulk_create"],
            "bulk_create with theirs",
            at_least(goals["related"]),
        ),
    ]


def rate(copy: Callable[[int], Any], copies: int) -> float:
    """Return how many notes a second `copy` makes of `copies` each."""
    started = time.perf_counter()
    copy(copies)
    took = time.perf_counter() - started
    assert Note.all_objects.count() == SOURCES * (copies + 1)
    return SOURCES * copies / took


def run_of(operation: type[Copy]) -> Callable[[int], None]:
    """Return what makes copies by a run: from its acceptance to its end."""

    def carry_out(copies: int) -> None:
        run = start(operation, objects=Note.all_objects.all(), params={"copies": copies})
        assert_succeeded(perform(run))

    return carry_out


def bulk_create(copies: int) -> list[Note]:
    """Copy the notes alone as one would by hand."""
    made = [
        Note(title=note.title, slug=f"{note.slug}-copy-{n}", body=note.body, author_id=note.author_id)
        for note in Note.all_objects.order_by("pk")
        for n in range(copies)
    ]
    return Note.all_objects.bulk_create(made, batch_size=BATCH)


@transaction.atomic
def bulk_create_whole(copies: int) -> None:
    """Copy the notes, their tags and their attachments as one would by hand."""
    originals = list(Note.all_objects.order_by("pk").prefetch_related("tags", "attachments"))
    made = bulk_create(copies)
    pairs = [(note, made[place * copies + n]) for place, note in enumerate(originals) for n in range(copies)]
    through = Note.tags.through
    through.objects.bulk_create(
        [through(note_id=copy.pk, tag_id=tag.pk) for note, copy in pairs for tag in note.tags.all()], batch_size=BATCH
    )
    Attachment.objects.bulk_create(
        [
            Attachment(note_id=copy.pk, name=one.name, content=one.content)
            for note, copy in pairs
            for one in note.attachments.all()
        ],
        batch_size=BATCH,
    )
