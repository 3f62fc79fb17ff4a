"""Effects outside the database: a remote service that fails, hangs, refuses and loses answers."""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.request import Request, urlopen

import pytest

from config.ports import free_port
from console.engine import control
from console.engine.acceptance import start
from console.models import Attempt, Failure
from notes.models import Note
from tests.faults.runs import outcomes, succeeded
from tests.polling import until
from tests.processes import Processes

pytestmark = [pytest.mark.processes, pytest.mark.slow]

PATIENCE = 10


class Service:
    """The stand-in newsletter service, as a process of its own."""

    def __init__(self, processes: Processes) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        process = processes.run("newsletter", [sys.executable, "-m", "notes.newsletter", "--port", str(port)])
        until(lambda: "newsletter on" in process.printed())

    def misbehave(self, **fault: Any) -> None:
        """Tell it how to behave from now on."""
        with urlopen(Request(f"{self.url}/control", json.dumps(fault).encode()), timeout=PATIENCE):  # noqa: S310
            pass

    def log(self) -> dict[str, Any]:
        """Return what it has received."""
        with urlopen(f"{self.url}/log", timeout=PATIENCE) as answer:  # noqa: S310
            content: dict[str, Any] = json.load(answer)
            return content

    def answers(self, slug: str) -> list[Any]:
        """Return how the requests for one note were answered, in order."""
        return [line["answer"] for line in self.log()["requests"] if line["slug"] == slug]

    def keys(self, slug: str) -> set[str]:
        """Return the keys under which one note was sent."""
        return {line["key"] for line in self.log()["requests"] if line["slug"] == slug}


def test_trouble_outside_is_tried_again_and_every_note_is_published_once(processes: Processes) -> None:
    """A 503 twice, a hang, a lost answer: the same key again, later. A 422: a Failure, and no second try."""
    service = Service(processes)
    service.misbehave(fail=503, times=2, slug="tea")
    service.misbehave(hang=60, times=1, slug="rain")
    service.misbehave(lose=True, times=1, slug="moss")
    service.misbehave(reject=True, times=1, slug="dust")
    processes.broker.start()
    processes.worker(NOTES_NEWSLETTER_URL=service.url)
    notes = [Note.objects.create(title=slug.title(), slug=slug) for slug in ("tea", "rain", "moss", "dust", "fern")]

    run = succeeded(start("notes.publish", objects=notes), 90)
    assert (run.done, run.failed) == (4, 1)
    assert service.answers("tea") == [503, 503, 200]
    assert service.answers("rain") == [None, 200]
    assert service.answers("moss") == ["lost", 200]
    assert service.answers("dust") == [422]
    assert service.answers("fern") == [200]
    assert all(len(service.keys(note.slug)) == 1 for note in notes)
    assert service.log()["published"] == 4
    assert outcomes(run).count(Attempt.Outcome.BACKED_OFF) == 4
    failure = Failure.objects.get(run=run)
    assert (failure.object_label, failure.kind) == ("Dust", Failure.Kind.FAILED)
    assert "422" in failure.reason
    assert list(Note.objects.filter(published_at=None)) == [notes[3]]

    again = succeeded(control.retry(run.pk, only="failed").run)
    assert again.done == 1
    assert len(service.keys("dust")) == 1
    assert service.log()["published"] == 5
