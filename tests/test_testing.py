"""The helpers for tests of operations do what docs/testing.md says of them."""

from __future__ import annotations

from typing import Any

import pytest

from console.engine import control
from console.engine.acceptance import start
from console.exceptions import ItemFailed, ObjectHeld, Retry
from console.models import Partition, Run
from console.operations import BaseOperation, ExternalOperation, Hold, RetryPolicy
from console.operations.registry import is_registered
from console.states import State
from console.testing import assert_succeeded, declared, hold, perform, run_pending
from notes.models import Note

pytestmark = pytest.mark.django_db


@pytest.fixture
def notes() -> list[Note]:
    """Three notes."""
    return [Note.objects.create(title=f"Note {n}", slug=f"note-{n}") for n in range(3)]


def archive(_operation: BaseOperation, objects: list[Note]) -> None:
    """Put a mark on each note."""
    Note.objects.filter(pk__in=[note.pk for note in objects]).update(title="Seen")


def refuse(_operation: BaseOperation, objects: list[Note]) -> None:
    """Fail."""
    raise ItemFailed(objects[0], "It cannot be done.")


def away(_operation: BaseOperation, _objects: list[Note]) -> None:
    """Meet outside trouble."""
    raise Retry("The service does not answer.")


def test_perform_carries_a_run_out_to_its_end(notes: list[Note]) -> None:
    """Every object, by the engine's own claims and checkpoints."""
    with declared(Note, archive) as operation:
        run = start(operation, objects=notes)
        assert perform(run) is run
        assert_succeeded(run)
    assert run.done == Note.objects.filter(title="Seen").count() == len(notes)
    assert run.attempts.count() == 1


def test_perform_goes_through_yields(notes: list[Note], settings: Any) -> None:
    """A slice that is over is followed by the next one, without a message."""
    settings.CONSOLE = {**settings.CONSOLE, "SLICE": 1e-6, "CHUNK_SIZE": 1}
    with declared(Note, archive) as operation:
        run = perform(start(operation, objects=notes))
    assert_succeeded(run)
    assert run.partitions.get().token > 1  # a claim and a yield each add one


def test_perform_leaves_a_run_that_backs_off(notes: list[Note]) -> None:
    """No time passes in a test; a person's “retry now” makes it due."""
    with declared(Note, away, retry=RetryPolicy(tries=2)) as operation:
        run = perform(start(operation, objects=notes))
        assert run.state == State.WAITING
        assert Partition.objects.get(run=run).tries == 1
        perform(control.resume(run.pk))
        assert run.attempts.count() == 2


def test_perform_does_not_wait_for_a_pace(notes: list[Note]) -> None:
    """An item a day would be a slow test."""
    with declared(Note, archive, pace=1 / 86400) as operation:
        assert_succeeded(perform(start(operation, objects=notes)))


def test_run_pending_performs_all_that_waits_for_a_worker(notes: list[Note]) -> None:
    """Oldest first; paused runs stay paused."""
    with declared(Note, archive, hold=Hold.SHARED) as operation:
        first, paused, last = (start(operation, objects=notes) for _ in range(3))
        control.pause(paused.pk)
        assert run_pending() == [first, last]
    paused.refresh_from_db()
    assert paused.state == State.PAUSED


def test_assert_succeeded_tells_why_not(notes: list[Note]) -> None:
    """A failing test shows the reason, not just a state."""
    with declared(Note, refuse) as operation:
        run = perform(start(operation, objects=notes[:1]))
    assert_succeeded(run, failures=1)
    with pytest.raises(AssertionError, match=r"It cannot be done\."):
        assert_succeeded(run)
    with declared(Note, away) as operation:
        waiting = perform(start(operation, objects=notes[:1]))
        with pytest.raises(AssertionError, match="waiting"):
            assert_succeeded(waiting)


def test_a_declared_operation_is_gone_after_its_block() -> None:
    """No test sees another's operation."""
    with declared(Note) as operation:
        assert is_registered(operation.name)
    assert not is_registered(operation.name)


def test_an_external_operation_is_declared_by_its_call(notes: list[Note]) -> None:
    """The base and any attribute may be given."""
    called: list[str] = []

    def call(_operation: BaseOperation, note: Note, _key: str) -> None:
        called.append(note.slug)

    with declared(Note, base=ExternalOperation, call=call) as operation:
        assert_succeeded(perform(start(operation, objects=notes)))
    assert called == [note.slug for note in notes]


def test_hold_holds_for_the_length_of_its_block(notes: list[Note]) -> None:
    """Held inside, free outside; a run that ended meanwhile is left as it is."""
    with hold(notes[0], label="Archive") as run, pytest.raises(ObjectHeld, match="Archive"):
        notes[0].save()
    notes[0].save()
    run.refresh_from_db()
    assert run.state == State.CANCELLED
    with hold(notes[0], Hold.SHARED) as performed:
        perform(performed)
    assert Run.objects.get(pk=performed.pk).state == State.SUCCEEDED
