"""From the POST of an action to the first chunk's start, by a worker that is waiting."""

from __future__ import annotations

import time
from statistics import median

from bench.browser import Staff
from bench.figures import Figure, at_most
from bench.processes import until
from bench.world import World, tell
from console.models import Partition, Run
from console.states import State
from notes.models import Note

SELECTED = 10


def measure(world: World) -> list[Figure]:
    """Measure the milliseconds of POSTs, and of what they start."""
    posts: list[float] = []
    starts: list[float] = []
    for _round in range(world.sizes.rounds):
        world.fresh()
        with world.worker("bulk", world.hands):
            staff, notes = Staff(), list(Note.objects.order_by("pk")[:SELECTED])
            sample(staff, notes)  # until the worker is up
            for _post in range(world.sizes.posts):
                post, begun = sample(staff, notes)
                posts.append(post)
                starts.append(begun)
        tell(f"  POST: {median(posts):.3g} ms, first chunk: {median(starts):.3g} ms")
    return [Figure("POST to the first chunk (ms)", median(starts), median(posts), "the POST itself", at_most(1.5))]


def sample(staff: Staff, notes: list[Note]) -> tuple[float, float]:
    """Return how long a POST took, and how long after its beginning the first chunk began."""
    form = staff.form("bench.touch", notes)
    posted = time.monotonic()
    answer = staff.client.post("/admin/notes/note/", form)
    answered = time.monotonic()
    assert answer.status_code == 302, answer.content.decode()
    run = Run.objects.latest("pk")
    until(lambda: Run.objects.filter(pk=run.pk, state=State.SUCCEEDED).exists())
    begun = float(Partition.objects.get(run=run).sample[0]["text"])
    return 1000 * (answered - posted), 1000 * (begun - posted)
