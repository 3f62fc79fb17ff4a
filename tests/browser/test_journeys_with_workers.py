"""Journeys with a real broker and real workers, which go away while a member of staff watches."""

from __future__ import annotations

import os
import signal

import pytest
from playwright.sync_api import expect

from console.models import Attempt, Run
from console.reports.waiting import is_served
from notes.models import Note
from tests.admin.running import make_notes, page_of
from tests.browser.staff import Visitor
from tests.faults.runs import a_slice_begins, declaring, outcomes
from tests.polling import until
from tests.processes import Processes

pytestmark = [pytest.mark.browser, pytest.mark.processes]

PACE = 30  # copies a second
COPIES = 120


def copy_a_note(visitor: Visitor, copies: int) -> Run:
    """Ask for copies of one note, from the list to the run's page."""
    visitor.choose("notes.copy", make_notes(1))
    visitor.page.get_by_label("Copies").fill(str(copies))
    visitor.press("Copy 1 note")
    run = Run.objects.get()
    expect(visitor.page).to_have_url(visitor.server + page_of(run))
    return run


def test_a_broker_that_is_away_costs_nothing_but_time(processes: Processes, visitor: Visitor) -> None:
    """Accepted and safe, says the page; the broker comes back, the worker does it, the page follows to the end."""
    processes.broker.start()
    processes.worker()
    until(lambda: is_served("bulk"))
    processes.broker.signal(signal.SIGKILL)
    processes.broker.wait()

    run = copy_a_note(visitor, 3)
    page = visitor.page
    expect(page.locator(".messagelist")).to_contain_text(
        f"Run {run.pk} is accepted and safe. The message broker is away"
    )
    expect(page.locator("[data-field=sentence]")).to_contain_text("The message broker is away")

    processes.broker.start()

    expect(page.locator(".console-facts .console-chip")).to_have_text("Succeeded", timeout=60_000)
    expect(page.locator("[data-field=sentence]")).to_contain_text("All 3 done")
    assert Note.objects.count() == 4


def test_a_worker_killed_while_somebody_watches_is_relieved(processes: Processes, visitor: Visitor) -> None:
    """The bar goes on from where it stood, to the end; the attempt that lost its worker is in the history."""
    processes.broker.start()
    worker = processes.worker()
    with declaring("notes.copy", pace=PACE):
        run = copy_a_note(visitor, COPIES)
    page = visitor.page
    page.wait_for_function("() => document.querySelector('[data-field=bar]').value >= 20", timeout=60_000)
    a_slice_begins(run)
    (child,) = worker.children()
    os.kill(child, signal.SIGKILL)

    expect(page.locator(".console-facts .console-chip")).to_have_text("Succeeded", timeout=60_000)
    expect(page.locator("#attempts")).to_contain_text("lost its worker")
    assert Note.objects.count() == 1 + COPIES
    assert Attempt.Outcome.LOST in outcomes(run)
