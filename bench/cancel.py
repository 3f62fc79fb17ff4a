"""From the POST that cancels a run to its end, in chunks, while another run is at work."""

from __future__ import annotations

from datetime import datetime
from statistics import median

from bench.browser import Staff
from bench.figures import Figure, at_most
from bench.processes import until
from bench.world import World, tell
from console.engine.clock import now
from console.engine.sizes import chunk_time
from console.models import Partition, Run
from console.states import ENDED, State
from notes.models import Note

HANDS = 2  # one for the run, one for the load
SELECTED = 5
LARGE = 20_000  # by then chunks have found their size


def measure(world: World) -> list[Figure]:
    """Measure the milliseconds from the POST to the last write, and those of a chunk."""
    waits: list[float] = []
    chunks: list[float] = []
    for _round in range(world.sizes.rounds):
        world.fresh()
        with world.worker("bulk", HANDS):
            staff, notes = Staff(), list(Note.objects.order_by("pk"))
            for n in range(world.sizes.cancels):
                chosen = notes[2 * n * SELECTED :][: 2 * SELECTED]
                wait, chunk = sample(staff, chosen, world.sizes.endless)
                waits.append(wait)
                chunks.append(chunk)
        tell(f"  cancel: {median(waits):.3g} ms, a chunk: {median(chunks):.3g} ms")
    return [Figure("POST of cancel to the last write (ms)", median(waits), median(chunks), "one chunk", at_most(2))]


def sample(staff: Staff, notes: list[Note], copies: int) -> tuple[float, float]:
    """Return how long after the POST began the run wrote last, and how long its chunks took by then."""
    half = len(notes) // 2
    load, run = (staff.start(staff.form("bench.copy", part, copies=copies)) for part in (notes[:half], notes[half:]))
    until(lambda: Partition.objects.get(run=run).done >= LARGE and Partition.objects.get(run=load).done)
    partition = Partition.objects.get(run=run)
    posted = clock(run)
    staff.cancel(run)
    staff.cancel(load)
    until(lambda: Run.objects.filter(pk__in=[run.pk, load.pk], state__in=ENDED).count() == 2)
    run.refresh_from_db()
    assert run.state == State.CANCELLED, "It ended by itself: nothing was cancelled, and nothing measured."
    assert run.ended_at is not None
    chunk = min(partition.chunk_size / (partition.rate or 1), chunk_time())  # the size is the next one's
    return 1000 * (run.ended_at - posted).total_seconds(), 1000 * chunk


def clock(run: Run) -> datetime:
    """Return the database's time."""
    return Run.objects.filter(pk=run.pk).values_list(now(), flat=True).get()
