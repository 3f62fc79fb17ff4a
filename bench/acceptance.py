"""Acceptance: of one object, against the bare sending of a task; of a large selection, against one raw statement."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from django.db import connection

from bench import data
from bench.figures import Figure, at_least, at_most
from bench.operations import Touch
from bench.tasks import idle
from bench.world import World
from console.engine.acceptance import new_run, start
from console.engine.holds import identity_type
from console.models import Target
from notes.models import Note


def measure(world: World) -> list[Figure]:
    """Measure both: milliseconds of a request, targets a second of a selection."""
    one = world.medians(
        {
            "one object": lambda: one_object(world.sizes.accepted),
            "apply_async": lambda: apply_async(world.sizes.accepted),
        }
    )
    many = world.medians(
        {
            "selection": lambda: selection(world.sizes.selected),
            "INSERT … SELECT": lambda: insert_select(world.sizes.selected),
        }
    )
    return [
        Figure("acceptance of one object (ms)", one["one object"], one["apply_async"], "apply_async", at_most(4)),
        Figure(
            "acceptance of a selection (targets/s)",
            many["selection"],
            many["INSERT … SELECT"],
            "one INSERT … SELECT",
            at_least(0.5),
        ),
    ]


def one_object(times: int) -> float:
    """Return the milliseconds of one request: run, target, hold, wake-up, commit, send."""
    data.make_notes(times + 1)
    first, *notes = Note.all_objects.order_by("pk")[: times + 1]
    start(Touch, objects=[first])
    return median(milliseconds(lambda note=note: start(Touch, objects=[note])) for note in notes)


def apply_async(times: int) -> float:
    """Return the milliseconds of sending a task."""
    idle.apply_async()
    return median(milliseconds(idle.apply_async) for _time in range(times))


def selection(size: int) -> float:
    """Return how many objects a second one request takes."""
    data.make_notes(size)
    return 1000 * size / milliseconds(lambda: start(Touch, objects=Note.all_objects.all()))


def insert_select(size: int) -> float:
    """Return how many targets a second one statement writes, without locks or a look at holds."""
    data.make_notes(size)
    run = new_run(Touch(), by=None, source="bench", dry_run=False)
    run.save()
    statement = (
        f"INSERT INTO {Target._meta.db_table} "
        "(run_id, content_type_id, object_id, hold, withdrawn, first_part, parts) "
        f"SELECT %s, %s, CAST(id AS {'varchar' if connection.vendor == 'postgresql' else 'text'}), %s, %s, 0, NULL "
        "FROM notes_note ORDER BY id"
    )
    params = [run.pk, identity_type(Note).pk, run.hold, False]
    with connection.cursor() as cursor:
        return 1000 * size / milliseconds(lambda: cursor.execute(statement, params))


def milliseconds(act: Callable[[], Any]) -> float:
    """Return how long `act` takes."""
    started = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - started)
