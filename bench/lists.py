"""The list of runs, with many and with few of them, against the stock list of Celery's results; the list of notes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from django.db import connection

from bench import data, history
from bench.browser import LIST, Staff
from bench.figures import Figure, at_least, at_most
from bench.world import World
from notes.models import Note

RUNS = "/admin/console/run/"
STOCK = "/stock/django_celery_results/taskresult/"
PLAIN = "/plain/notes/note/"
FILTERS = (
    "state=attention",
    "state=active",
    "state=failed",
    "who=me",
    "operation=notes.copy",
    "when=hour",
    "model=notes.note",
)
PENDING = ("locked", "pending", "none", "failed")
SMALL = (10, 3)  # targets and failures of a run that others are compared with
QUERIES, MORE = 8, 2


def measure(world: World) -> list[Figure]:
    """Measure pages of a hundred rows, in milliseconds and in queries, on two databases in turn."""
    few, many = world.aside("few", lambda: fill_few(world)), world.aside("many", lambda: fill_many(world))
    cases = {
        "many runs": page(world, many, RUNS),
        "few runs": page(world, few, RUNS),
        "stock": page(world, many, STOCK),
        "a filter": worst(world, many, [f"{RUNS}?{chosen}" for chosen in FILTERS]),
        "a search": page(world, many, f"{RUNS}?q=reason+7"),
        "the header": page(world, many, f"{RUNS}summary/"),
        "the header, few runs": page(world, few, f"{RUNS}summary/"),
        "notes": page(world, many, LIST),
        "plain notes": page(world, many, PLAIN),
        "pending": worst(world, many, [f"{LIST}?pending_work={choice}" for choice in PENDING]),
    }
    found = world.medians(cases, fresh=False)
    world.visit(many)
    staff = Staff()
    more = staff.queries(LIST) - staff.queries(PLAIN)
    return [
        Figure("list of 1,000,000 runs (queries)", staff.queries(RUNS), QUERIES, "8 queries", at_most(1)),
        Figure("list of 1,000,000 runs (ms)", found["many runs"], found["few runs"], "of 10,000 runs", at_most(1.5)),
        Figure(
            "list of 1,000,000 runs (pages/s)",
            1000 / found["many runs"],
            1000 / found["stock"],
            "stock list of results",
            at_least(8),
        ),
        Figure("its slowest filter (ms)", found["a filter"], found["many runs"], "the list"),
        Figure("its search (ms)", found["a search"], found["many runs"], "the list"),
        Figure("counts of the header (ms)", found["the header"], found["the header, few runs"], "with 10,000 runs"),
        Figure("list of notes with pending work (queries more)", more, MORE, "2 queries", at_most(1)),
        Figure(
            "list of notes with pending work (ms)", found["notes"], found["plain notes"], "plain list", at_most(1.2)
        ),
        Figure("its slowest filter by pending work (ms)", found["pending"], found["notes"], "the list"),
    ]


def fill_few(world: World) -> None:
    """Write the database with few runs."""
    data.make_notes(world.sizes.notes // 100)
    history.make_history(world.sizes.history_few, world.sizes.notes // 100)


def fill_many(world: World) -> None:
    """Write the database with many runs, two of them to be looked at, and a note with a long past."""
    sizes = world.sizes
    data.make_notes(sizes.notes)
    history.make_history(sizes.history, sizes.notes)
    history.make_past(Note.all_objects.order_by("-pk")[sizes.notes // 2], sizes.past)
    history.make_run(*SMALL)
    history.make_run(sizes.targets, sizes.failures)


def page(world: World, database: str, address: str) -> Callable[[], float]:
    """Return what measures the milliseconds of a page that has been loaded before, in a thread as a web server has them.

    Python keeps its frames in pieces of memory, and deep inside another program's calls a page's may lie across two of
    them: it then takes a fifth longer, or not, by luck.
    """

    def loads() -> float:
        world.visit(database)
        staff = Staff()
        staff.milliseconds(address)
        found = median(staff.milliseconds(address) for _load in range(world.sizes.loads))
        connection.close()
        return found

    def measured() -> float:
        with ThreadPoolExecutor(1) as server:
            return server.submit(loads).result()

    return measured


def worst(world: World, database: str, addresses: list[str]) -> Callable[[], float]:
    """Return what measures the slowest of some pages."""
    return lambda: max(page(world, database, address)() for address in addresses)
