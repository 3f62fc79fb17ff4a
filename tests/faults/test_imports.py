"""Workers that are killed in the middle of an import."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import pytest

from console.models import Attempt, Partition, Run
from notes.models import Note
from tests.faults.runs import declaring, ended, outcomes
from tests.imports.files import as_csv, importing, rows_of_notes
from tests.polling import until
from tests.processes import Process, Processes

pytestmark = [pytest.mark.processes, pytest.mark.slow]

ROWS = 50_000
KILLS = 9
PACE = 6_000  # so that ten moments of its work can be told apart


def rows_done(run: Run) -> int:
    """Return how many rows are done and committed."""
    return sum(Partition.objects.filter(run=run, kind=Partition.Kind.WORK).values_list("done", flat=True))


def is_held(run: Run) -> bool:
    """Tell whether a worker is at the rows now."""
    return Partition.objects.filter(run=run, outcome=None, lease_until__isnull=False).exists()


def kill_child(worker: Process) -> None:
    """Kill the process that does the work; the main one starts another."""
    for child in worker.children():
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def test_an_import_whose_workers_are_killed_has_every_row_once(processes: Processes) -> None:
    """The child nine times, the main process once, at moments all over the file: no row twice, and none left out.

    A row that took effect twice would be counted as changed the second time: effect and count commit together.
    """
    with declaring("notes.import", pace=PACE):
        run = importing(as_csv(rows_of_notes(ROWS)))
    processes.broker.start()
    worker = processes.worker(CONSOLE_CHUNK_SIZE_MAX="1000")
    for kill in range(1, KILLS + 2):
        wanted = kill * ROWS // (KILLS + 3)
        until(lambda wanted=wanted: rows_done(run) >= wanted and is_held(run), 60)  # type: ignore[misc]
        if kill <= KILLS:
            kill_child(worker)
        else:
            worker.signal(signal.SIGKILL)
            worker.wait()
            worker.start()
    ended(run, 90)
    assert (run.state, run.done, run.failed) == ("succeeded", ROWS, 0)
    (work,) = Partition.objects.filter(run=run, kind=Partition.Kind.WORK)
    assert work.tally == {"new": ROWS}
    assert Note.all_objects.count() == ROWS
    assert outcomes(run).count(Attempt.Outcome.LOST) >= KILLS // 2
