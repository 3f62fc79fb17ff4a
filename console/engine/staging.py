"""Making a file ready to be read from any place: surveyed once, and where its format asks for it staged (DESIGN §8)."""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import Any

from django.db import transaction
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from console import tables
from console.engine import partitions
from console.engine.chunks import Outcome
from console.engine.files import keep, open_file
from console.engine.leases import Lease
from console.engine.obedience import obey
from console.engine.preparing import open_work
from console.engine.rows import KIND, described
from console.engine.transitions import lock, move, record, settle
from console.exceptions import FileGone
from console.models import File, Partition, Run
from console.operations import Import
from console.operations.base import BaseOperation
from console.states import STOPPING, State


def is_ready(run: Run) -> bool:
    """Tell whether the run's file can be read row by row."""
    return bool(described(run))


def stage(lease: Lease, run: Run, operation: BaseOperation) -> bool:
    """Survey the run's file, no transaction open, then in one open the partition that does the rows.

    Returns:
        Whether the partition has ended with it, which it has.

    Raises:
        ConsoleError: The file is gone, or no table.
        LeaseLost: Somebody else owns the partition.
    """
    assert isinstance(operation, Import)
    ready = survey(run, operation)
    with transaction.atomic():
        run = lock(run.pk)
        partitions.checkpoint(lease, (0, 0), (ready["count"], 0), Outcome(), closes=Partition.Outcome.DONE)
        move(run, State(run.state), preparing=False, total=ready["count"], selection=ready)
        counted = _("%(count)s rows read.") % {"count": number_format(ready["count"], force_grouping=True)}
        record(run, "read", reason=counted)
        open_work(run, operation, sent=False)
        if run.state in STOPPING:
            obey(run)
        else:
            settle(run)
    return True


def survey(run: Run, operation: Import) -> dict[str, Any]:
    """Look at every row of the file that the operation names, and return what the run keeps to read it.

    Raises:
        ConsoleError: The file is gone, or no table.
    """
    asked = operation.params
    upload = File.objects.filter(pk=asked["file"]).first()
    if upload is None:
        raise FileGone(str(asked["file"]))
    with open_file(upload) as file:
        reading = tables.detect(file, upload.name, **operation.reading())
        if reading.needs_staging:
            with TemporaryFile() as copy:
                found = tables.survey(file, reading, copy)
                copy.seek(0)
                source = keep(copy, kind=File.Kind.STAGED, name=upload.name, run=run, of=upload, rows=found.rows)
        else:
            found, source = tables.survey(file, reading, None), upload
    return {
        "kind": KIND,
        "file": source.pk,
        "name": upload.name,
        "layout": found.layout.as_json(),
        "columns": [column.name for column in found.columns],
        # As the file has them; None for what our own report of failed rows added.
        "headings": [None if column.role else column.heading for column in found.columns],
        "count": found.rows,
    }
