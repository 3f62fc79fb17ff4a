"""Workers that are killed, stopped, frozen."""

from __future__ import annotations

import os
import signal
import threading

import billiard
import pytest

from console.engine.acceptance import start
from console.engine.files import open_file, output_of
from console.models import Attempt, Partition
from console.monitoring.heartbeats import Pulse
from console.monitoring.signs import Sign
from notes.models import Note, Tag
from tests.faults.runs import (
    a_slice_begins,
    begin,
    counts,
    declaring,
    done,
    in_the_middle,
    make,
    outcomes,
    succeeded,
    told_of,
)
from tests.polling import until
from tests.processes import Processes, freeze_between_chunks

pytestmark = pytest.mark.processes

COPIES = 20_000
PACE = 2_000
PACE_OF_ITEMS = 100
ROWS, PACE_OF_ROWS = 1_000, 200
PATIENCE = 10


@pytest.fixture
def tea() -> Note:
    """A note with a tag and an attachment."""
    note = Note.objects.create(title="Tea", slug="tea", body="At four.")
    note.tags.add(Tag.objects.create(name="Ideas", slug="ideas"))
    note.attachments.create(name="list.txt", content="cups")
    return note


@pytest.mark.slow
@pytest.mark.parametrize("whole", [False, True], ids=["its child", "its main process"])
def test_a_worker_killed_in_mid_run_repeats_and_skips_nothing(processes: Processes, tea: Note, *, whole: bool) -> None:
    """Twenty thousand copies are twenty thousand, with all that belongs to them; the run goes on by itself."""
    processes.broker.start()
    worker = processes.worker()
    with declaring("notes.copy", pace=PACE):
        run = start("notes.copy", objects=[tea], params={"copies": COPIES})
    until(lambda: done(run) > COPIES // 4)
    a_slice_begins(run)
    if whole:
        worker.signal(signal.SIGKILL)
        worker.wait()
        worker.start()
    else:
        (child,) = worker.children()
        os.kill(child, signal.SIGKILL)
    assert Partition.objects.get(run=run).outcome is None
    succeeded(run, 90)
    assert run.done == COPIES
    copies = Note.all_objects.exclude(pk=tea.pk)
    assert copies.count() == COPIES
    assert Note.tags.through.objects.filter(note__in=copies).count() == COPIES
    assert tea.attachments.model.objects.filter(note__in=copies).count() == COPIES
    assert Attempt.Outcome.LOST in outcomes(run)


def test_an_export_whose_worker_is_killed_again_and_again_has_each_row_once(processes: Processes) -> None:
    """What a dead worker wrote without its checkpoint does not count, and the next goes on where that was."""
    Note.all_objects.bulk_create([Note(title=f"note {n}", slug=f"note-{n}") for n in range(ROWS)])
    processes.broker.start()
    worker = processes.worker()
    with declaring("notes.export", pace=PACE_OF_ROWS):
        run = start("notes.export", objects=Note.all_objects.all(), params={"format": "csv"})
    for share in (1, 2, 3):
        until(lambda reached=ROWS * share // 5: done(run) >= reached)  # type: ignore[misc]
        (child,) = worker.children()
        os.kill(child, signal.SIGKILL)
    succeeded(run, 90)
    file = output_of(run)
    assert file is not None
    with open_file(file) as content:
        lines = content.read().decode("utf-8-sig").splitlines()
    assert [line.partition(",")[0] for line in lines] == ["slug", *(f"note-{n}" for n in range(ROWS))]


def test_a_frozen_worker_that_wakes_up_too_late_changes_nothing(processes: Processes) -> None:
    """Another worker does the rest when the lease has ended; the late one finds its right gone."""
    make(400)
    processes.broker.start()
    late = processes.worker()
    run = begin(pace=PACE_OF_ITEMS)
    in_the_middle(run)
    freeze_between_chunks(late)
    frozen = Attempt.objects.get(run=run, outcome=None)
    processes.worker(name="rescuer")
    succeeded(run)
    (child,) = late.children()
    os.kill(child, signal.SIGCONT)  # before its main process, which would end it for the time it took
    until(lambda: told_of(frozen))
    assert told_of(frozen) == Attempt.Outcome.FENCED
    late.signal(signal.SIGCONT)
    assert counts() == {1}
    assert run.done == 400
    frozen.refresh_from_db()
    assert frozen.outcome == Attempt.Outcome.LOST


def test_a_worker_told_to_stop_finishes_its_slice_and_costs_no_try(processes: Processes) -> None:
    """A warm shutdown in mid-run loses nothing, and the next worker goes on at once."""
    make(400)
    processes.broker.start()
    worker = processes.worker()
    run = begin(pace=PACE_OF_ITEMS)
    in_the_middle(run)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    partition = Partition.objects.get(run=run)
    assert (partition.outcome, partition.lease_until, partition.tries, partition.caution) == (None, None, 0, 0)
    worker.start()
    succeeded(run)
    assert counts() == {1}
    assert not {Attempt.Outcome.LOST, Attempt.Outcome.BACKED_OFF} & set(outcomes(run))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_is_forked_between_two_doings_of_the_pulse() -> None:
    """In the middle of one it would inherit a lock that nobody opens, such as SQLite's, and hang at its first query."""
    begun, over = threading.Event(), threading.Event()
    done = []

    def work() -> None:
        begun.set()
        done.append(over.wait(PATIENCE))

    threading.Thread(target=Pulse(Sign)._do, args=[work]).start()
    begun.wait(PATIENCE)
    threading.Timer(0.1, over.set).start()
    child = billiard.Process(target=lambda: os._exit(len(done)))
    child.start()  # waits for the pulse
    child.join(PATIENCE)
    assert child.exitcode == 1
