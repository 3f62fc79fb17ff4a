"""The page of a large run against that of a small one, its progress, and the page of an object with a long past."""

from __future__ import annotations

from bench.browser import LIST
from bench.figures import Figure, at_most
from bench.lists import RUNS, fill_many, page
from bench.world import World
from console.models import Run
from notes.models import Note

TIMES = 1.5


def measure(world: World) -> list[Figure]:
    """Measure milliseconds; all is read from one database."""
    many = world.aside("many", lambda: fill_many(world))
    world.visit(many)
    large, small = Run.objects.order_by("-pk").values_list("pk", flat=True)[:2]
    past = Note.all_objects.order_by("-pk")[world.sizes.notes // 2].pk
    addresses = {
        "large": f"{RUNS}{large}/change/",
        "small": f"{RUNS}{small}/change/",
        "large progress": f"{RUNS}{large}/progress/",
        "small progress": f"{RUNS}{small}/progress/",
        "long past": f"{LIST}{past}/change/",
        "short past": f"{LIST}{past + 1}/change/",
    }
    found = world.medians({name: page(world, many, address) for name, address in addresses.items()}, fresh=False)
    goal = at_most(TIMES)
    return [
        Figure(
            "page of a run of 1,000,000, 100,000 failed (ms)", found["large"], found["small"], "of 10, 3 failed", goal
        ),
        Figure("its progress (ms)", found["large progress"], found["small progress"], "of 10, 3 failed", goal),
        Figure("page of a note with 1,000 runs (ms)", found["long past"], found["short past"], "with 10 runs", goal),
    ]
