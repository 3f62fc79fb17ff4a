"""Helpers for tests of operations: carry runs out in the test's own process, declare operations, hold objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from uuid import uuid4

from django.db.models import Model

from console.engine import control, guard
from console.engine.acceptance import accept
from console.engine.runner import carry_out
from console.engine.selection import Selection
from console.models import Partition, Run
from console.operations import BaseOperation, Hold, Operation, register
from console.operations.registry import unregister
from console.states import ACTIVE, CLAIMABLE, State

WORKER = "testing"


def perform(run: Run) -> Run:
    """Carry a run out in this process, slice by slice, until it ends or waits.

    The engine does the work, as in a worker: claims, chunks, checkpoints, yields. Nothing is sent and no time passes: a
    run that backs off after an error is left waiting; `control.resume` makes it due again.

    Args:
        run: The run; it is refreshed from the database.

    Returns:
        The same run.
    """
    while _step(run):
        pass
    run.refresh_from_db()
    return run


def run_pending() -> list[Run]:
    """Carry out every run that is queued or running, oldest first, and return them all."""
    pending = list(Run.objects.filter(state__in={State.QUEUED, State.RUNNING}).order_by("pk"))
    return [perform(run) for run in pending]


def assert_succeeded(run: Run, *, failures: int = 0) -> None:
    """Assert that a run has succeeded, with so many failed items.

    Raises:
        AssertionError: It has not; the message tells its state, its reason and its first failures.
    """
    run.refresh_from_db()
    told = "; ".join(str(failure) for failure in run.failures.all()[:5])
    if run.state != State.SUCCEEDED:
        raise AssertionError(f"{run} is {run.state}, not succeeded. {run.why} {told}".strip())
    if run.failed != failures:
        raise AssertionError(f"{run} has {run.failed} failed items, not {failures}. {told}".strip())


@contextmanager
def declared(
    model: type[Model] | None,
    process: Callable[..., Any] | None = None,
    *,
    base: type[BaseOperation] = Operation,
    **attributes: Any,
) -> Iterator[type[BaseOperation]]:
    """Declare an operation for the time of a ``with`` block.

    Args:
        model: The model it works on; None for no objects.
        process: Its ``process`` method, called with the operation and the chunk's objects; by default it does nothing.
        base: What it inherits from.
        attributes: Further attributes and methods, such as ``hold``, ``retry``, ``call``; a ``name`` is made up if
            there is none.

    Yields:
        The operation's class.
    """
    names = {"name": f"testing.{uuid4().hex}", "permission": None, "__doc__": "For a test.", **attributes}
    if process is not None or base is Operation:
        names["process"] = process or _nothing
    operation: type[BaseOperation] = register(model)(cast("type[BaseOperation]", type("TestOperation", (base,), names)))
    guard.install()
    try:
        yield operation
    finally:
        unregister(operation.name)


@contextmanager
def hold(obj: Model, how: Hold = Hold.EXCLUSIVE, **attributes: Any) -> Iterator[Run]:
    """Hold an object by a pending run for the time of a ``with`` block; the run is cancelled at its end.

    Args:
        obj: The object; of a model that has operations.
        how: Shared or exclusive.
        attributes: Further attributes of the operation, such as ``label`` or ``free_fields``.

    Yields:
        The run that holds it.
    """
    model = type(obj)
    with declared(model, hold=how, **attributes) as operation:
        run = accept(operation, by=None, selection=Selection.of_objects(model, [obj]), params={}, source="testing").run
        try:
            yield run
        finally:
            run.refresh_from_db()
            if run.state in ACTIVE:
                control.cancel(run.pk)


def _nothing(_operation: BaseOperation, _objects: Any) -> None:
    """Do nothing to the objects of a chunk."""


def _step(run: Run) -> bool:
    """Give each open partition one slice; tell whether anything moved and the run may go on."""
    before = _marks(run)
    for partition in Partition.objects.filter(run=run, outcome=None, lease_until=None, backing_off=False):
        carry_out(run.pk, partition.pk, partition.token, task_id=str(uuid4()), worker=WORKER)
    run.refresh_from_db()
    return run.state in CLAIMABLE and _marks(run) != before


def _marks(run: Run) -> list[tuple[Any, ...]]:
    marks = ("pk", "token", "position", "part", "outcome")
    return list(Partition.objects.filter(run=run).order_by("pk").values_list(*marks))
