"""One-process mode: with CELERY_TASK_ALWAYS_EAGER a run is worked where it is asked for."""

from collections.abc import Iterator

import pytest
from celery import current_app

from console.engine import control, wakeups
from console.engine.acceptance import start
from console.engine.sweeps import sweep
from console.models import Run
from console.states import State
from notes.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _eager() -> Iterator[None]:
    """Set what the environment variable sets."""
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = False


def note(slug: str) -> Note:
    """Create a note."""
    return Note.objects.create(title=slug, slug=slug)


def ended(run: Run) -> Run:
    """Return the run as it is now."""
    run.refresh_from_db()
    return run


def test_the_whole_run_is_done_when_start_returns() -> None:
    """No worker and no broker: the copies are there, the run has ended, and nothing is held."""
    tea = note("tea")
    run = ended(start("notes.copy", objects=[tea], params={"copies": 1_000}))
    assert (run.state, run.done) == (State.SUCCEEDED, 1_000)
    assert Note.objects.count() == 1_001
    tea.delete()


def waiting() -> Run:
    """Return a run whose wake-up did not reach the broker."""
    current_app.conf.task_always_eager = False
    run = start("notes.copy", objects=[note("tea")], params={"copies": 3})
    current_app.conf.task_always_eager = True
    wakeups.breaker.reset()
    assert ended(run).state == State.QUEUED
    return run


def test_what_waits_is_worked_by_a_sweep() -> None:
    """Where no scheduler looks for what is owed, `manage.py console sweep` does."""
    run = waiting()
    sweep()
    assert ended(run).state == State.SUCCEEDED


def test_a_resumed_run_is_worked_by_whoever_resumes_it() -> None:
    """A verb that makes work due carries it out."""
    run = waiting()
    control.pause(run.pk)
    control.resume(run.pk)
    assert ended(run).state == State.SUCCEEDED
