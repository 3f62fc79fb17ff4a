"""Logs: what a worker's line belongs to is in the record, for people and for programs."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest

from console.engine.acceptance import start
from console.logs import AtWork
from console.models import Attempt
from console.operations import Operation
from console.testing import declared, perform
from notes.models import Note
from tests.admin.running import make_notes

logger = logging.getLogger("tests.logs")


def _tell(_operation: Operation, _notes: Sequence[Note]) -> None:
    logger.warning("in hand")


@pytest.mark.django_db(transaction=True)
def test_a_line_logged_at_work_names_the_run_the_partition_and_the_attempt(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever logs it, an operation of the project too; before and after the work nothing is named."""
    caplog.handler.addFilter(added := AtWork())
    try:
        with declared(Note, _tell) as operation:
            logger.warning("before")
            run = perform(start(operation, objects=make_notes(1)))
            logger.warning("after")
    finally:
        caplog.handler.removeFilter(added)
    attempt = Attempt.objects.get(run=run)
    lines = {record.getMessage(): record for record in caplog.records if record.name == "tests.logs"}
    assert [(lines[name].run, lines[name].at_work) for name in ("before", "after")] == [(None, ""), (None, "")]  # type: ignore[attr-defined]
    told = lines["in hand"]
    assert (told.run, told.partition, told.attempt) == (run.pk, attempt.partition_id, attempt.pk)  # type: ignore[attr-defined]
    assert told.at_work == f" [run {run.pk}, partition {attempt.partition_id}, attempt {attempt.pk}]"  # type: ignore[attr-defined]
