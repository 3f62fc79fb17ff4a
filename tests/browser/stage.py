"""A site in full swing: the demonstration's notes and staff, and a run in every state, made by the engine itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import QuerySet
from django.test import override_settings
from django.utils import timezone
from django_celery_results.models import TaskResult

from console.engine import control
from console.engine.acceptance import start
from console.exceptions import ItemFailed, Retry
from console.models import Attempt, File, Heartbeat, Partition, Run, Schedule
from console.monitoring.signs import Sign
from console.operations import Operation
from console.schedules.acts import disable
from console.schedules.firing import fire_due
from console.schedules.timing import Interval
from console.testing import declared, perform
from notes.models import Note, Tag
from notes.operations import ArchiveNotes, CopyNotes, DeleteNotes, ExportNotes, ImportNotes, RetagNotes
from tests.admin.running import fall_silent
from tests.engine.kit import chunk, must_win
from tests.imports.files import as_csv, uploaded
from tests.schedules.kit import NIGHTLY, after, scheduled

DEMO = Path(__file__).parents[2] / "fixtures" / "demo.json"
AUTHORED = ("slug", "title", "body", "author")
SILENCE = 32  # seconds: long, and yet nobody else may take over


class Stage:
    """The notes that are still free, the staff, and the runs by the name of their state.

    Each run has notes of its own, so that none stands in another's way.
    """

    def __init__(self) -> None:
        self.admin, self.viewer = (User.objects.get(username=name) for name in ("admin", "viewer"))
        self.runs: dict[str, Run] = {}
        self.files: dict[str, File] = {}
        self.schedules: dict[str, Schedule] = {}
        self._free = list(Note.objects.filter(trashed_at=None).order_by("pk"))

    def take(self, count: int) -> list[Note]:
        """Return the next notes that no run works on."""
        taken, self._free = self._free[:count], self._free[count:]
        return taken

    def last(self, count: int) -> list[Note]:
        """Return notes that no run works on, and leave them where they are."""
        return self._free[-count:]

    def notes_of(self, run: str) -> QuerySet[Note]:
        """Return the notes of a run."""
        keys = self.runs[run].targets.values_list("object_id", flat=True)
        return Note.all_objects.filter(pk__in=[int(key) for key in keys]).order_by("pk")


@contextmanager
def staged() -> Iterator[Stage]:
    """Load the demonstration and make the runs; their operations exist inside the block."""
    call_command("loaddata", str(DEMO), verbosity=0)
    Sign(Heartbeat.Kind.WORKER, "bulk@office", ("bulk",)).renew()
    Heartbeat.objects.update(
        seen_at=timezone.now() + timedelta(hours=1), own_at=None
    )  # alive for as long as the stage stands
    stage = Stage()
    with ExitStack() as stack:
        for make in (_waiting_to_start, _at_work, _stopped, _ended, _in_trouble):
            stage.runs |= make(stage, stack)
        stage.schedules = _by_the_clock(stage)
        task = Attempt.objects.filter(run=stage.runs["succeeded"]).latest("pk").task_id
        TaskResult.objects.create(task_id=task, task_name="console.work", status="SUCCESS", worker="bulk@office")
        yield stage


def _by_the_clock(stage: Stage) -> dict[str, Schedule]:
    """Make a schedule with a history, one that somebody switched off, and one that asks for parameters."""
    hourly = scheduled("notes.statistics", Interval(1, "hours"), owner=stage.admin)
    for hour in (1, 2, 5, 6):
        fire_due(after(60 * hour))
    off = scheduled("notes.archive", NIGHTLY, owner=stage.admin, selection={"site": "admin", "query": "trash=all"})
    disable(off.pk, by=stage.admin, reason="wait for the newsletter")
    asks = scheduled("notes.copy", NIGHTLY, owner=stage.admin, params={})
    return {"hourly": hourly, "off": off, "asks": asks}


def _waiting_to_start(stage: Stage, _stack: ExitStack) -> dict[str, Run]:
    queued = start(CopyNotes, by=stage.admin, objects=stage.take(12), params={"copies": 10})
    with override_settings(CONSOLE={"PREPARE_ABOVE": 3}):
        preparing = start(ArchiveNotes, by=stage.admin, objects=stage.take(12))
    Partition.objects.update(sent_at=timezone.now())  # as if a broker had taken the messages
    return {"queued": queued, "preparing": preparing}


def _at_work(stage: Stage, _stack: ExitStack) -> dict[str, Run]:
    runs = {}
    for name in ("running", "silent", "pausing", "cancelling"):
        runs[name] = start(
            RetagNotes, by=stage.admin, objects=stage.take(12), params={"add": [Tag.objects.all()[0].pk]}
        )
        chunk(must_win(runs[name]), 5)
    control.pause(runs["pausing"].pk, by=stage.admin, reason="let the others go first")
    control.cancel(runs["cancelling"].pk, by=stage.admin)
    fall_silent(runs["silent"], SILENCE)
    return _fresh(runs)


def _stopped(stage: Stage, _stack: ExitStack) -> dict[str, Run]:
    runs = {name: start(ArchiveNotes, by=stage.admin, objects=stage.take(6)) for name in ("paused", "cancelled")}
    control.pause(runs["paused"].pk, by=stage.admin, reason="wait for the newsletter")
    control.cancel(runs["cancelled"].pk, by=stage.admin, reason="wrong tag")
    return _fresh(runs)


def _ended(stage: Stage, _stack: ExitStack) -> dict[str, Run]:
    return {
        "succeeded": perform(start(CopyNotes, by=stage.admin, objects=stage.take(3), params={"copies": 2})),
        "exported": perform(start(ExportNotes, by=stage.admin, objects=stage.take(3), params={"format": "csv"})),
        "dry run": perform(start(DeleteNotes, by=stage.admin, objects=stage.take(4), dry_run=True)),
        "large dry run": perform(start(DeleteNotes, by=stage.admin, objects=stage.last(101), dry_run=True)),
        **_imported(stage),
    }


def _imported(stage: Stage) -> dict[str, Run]:
    """Preview a file of new and changed notes, one of an author whom nobody knows; import another one like it."""
    runs = {}
    for name in ("previewed", "imported"):
        notes = [[note.slug, note.title.upper(), note.body, ""] for note in stage.take(3)]
        fresh = [
            [f"{name}-{n}", f"Note {n}", "The roses need water.", "J. Smiht" if n == 3 else ""] for n in range(1, 5)
        ]
        stage.files[name] = uploaded(as_csv([*notes, *fresh], AUTHORED), "garden.csv", by=stage.admin)
        params = {"file": stage.files[name].pk, "columns": list(AUTHORED)}
        runs[name] = perform(start(ImportNotes, by=stage.admin, params=params, dry_run=True))
    runs["imported"] = perform(control.do_it_now(runs["imported"].pk, by=stage.admin).run)
    return runs


def _in_trouble(stage: Stage, stack: ExitStack) -> dict[str, Run]:
    send = stack.enter_context(declared(Note, _away, label="Send"))
    check = stack.enter_context(declared(Note, _refuse_some, label="Check"))
    strict = stack.enter_context(declared(Note, _break, label="Check strictly", on_error="stop"))
    partly = perform(start(check, by=stage.admin, objects=stage.take(12)))
    return {
        "waiting": perform(start(send, by=stage.admin, objects=stage.take(5))),
        "partly": partly,
        "retried": control.retry(partly.pk, only=Run.Only.FAILED, by=stage.admin).run,
        "failed": perform(start(strict, by=stage.admin, objects=stage.take(5))),
        "unknown": _of_a_lost_operation(stage),
    }


def _of_a_lost_operation(stage: Stage) -> Run:
    with declared(Note, label="Tidy") as tidy:
        return perform(start(tidy, by=stage.admin, objects=stage.take(2)))


def _away(_operation: Operation, _notes: Sequence[Note]) -> None:
    raise Retry("The newsletter service is away.", after=60)


def _refuse_some(_operation: Operation, notes: Sequence[Note]) -> None:
    for note in notes:
        if note.pk % 4 == 0:
            raise ItemFailed(note, "The slug is taken.", {"slug": note.slug, "title": note.title})
        if note.pk % 5 == 0:
            raise ValueError("time data “soon” does not match the format")


def _break(_operation: Operation, notes: Sequence[Note]) -> None:
    raise ItemFailed(notes[-1], "The title is longer than the shelf.", {"title": notes[-1].title})


def _fresh(runs: dict[str, Run]) -> dict[str, Run]:
    return {name: Run.objects.get(pk=run.pk) for name, run in runs.items()}
