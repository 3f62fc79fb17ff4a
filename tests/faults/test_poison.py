"""Items that kill their worker, or hang: the run ends all the same, and names them."""

from __future__ import annotations

from typing import Any

import pytest

from console.models import Attempt, Failure
from console.operations.base import OnError
from console.states import State
from tests.faults.models import Item
from tests.faults.operations import POISON
from tests.faults.runs import begin, ended, make, outcomes, succeeded
from tests.processes import Processes

pytestmark = pytest.mark.processes


def done() -> dict[str, int]:
    """Return how often each item was done."""
    return dict(Item.objects.values_list("name", "count"))


@pytest.mark.parametrize(
    ("operation", "reason", "margin"),
    [
        ("faults.die", "worker died", 1),
        ("faults.hang", "longer than it may", 10),  # a busy machine has time to obey the soft limit
        ("faults.hang-on", "stopped answering", 1),
    ],
)
def test_an_item_that_ends_its_worker_each_time_is_named_and_stepped_over(
    processes: Processes, settings: Any, operation: str, reason: str, margin: float
) -> None:
    """A crash, a hang, a hang that ignores the soft limit: one Failure, and every other item is done once."""
    make(10, POISON)
    settings.CONSOLE = {**settings.CONSOLE, "MARGIN": margin}
    processes.broker.start()
    processes.worker(CONSOLE_MARGIN=str(margin))
    run = succeeded(begin(operation))
    assert (run.done, run.failed) == (10, 1)
    failure = Failure.objects.get(run=run)
    assert (failure.object_label, failure.kind) == (POISON, Failure.Kind.GIVEN_UP)
    assert reason in failure.reason
    done = dict(Item.objects.values_list("name", "count"))
    assert done.pop(POISON) == 0
    assert set(done.values()) == {1}
    lost = Attempt.Outcome.LOST in outcomes(run)
    assert lost == (operation != "faults.hang")  # the soft limit costs no worker


def test_an_item_that_kills_its_worker_each_time_fails_a_run_that_stops(processes: Processes) -> None:
    """The items before it are done, those after it are not; the run says why."""
    make(3)
    make(3, POISON)
    processes.broker.start()
    processes.worker()
    run = ended(begin("faults.die", on_error=OnError.STOP))
    assert run.state == State.FAILED
    assert "worker died" in run.why
    assert Failure.objects.get(run=run).object_label == POISON
    assert list(Item.objects.order_by("pk").values_list("count", flat=True)) == [1, 1, 1, 0, 0, 0, 0]
