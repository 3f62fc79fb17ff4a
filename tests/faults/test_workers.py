"""Workers that are killed, stopped, frozen."""

from __future__ import annotations

import os
import signal

import pytest

from console.engine.acceptance import start
from console.models import Attempt, Partition
from notes.models import Note, Tag
from tests.faults.runs import declaring, done, outcomes, succeeded
from tests.polling import until
from tests.processes import Processes

pytestmark = pytest.mark.processes

COPIES = 20_000
PACE = 2_000


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
