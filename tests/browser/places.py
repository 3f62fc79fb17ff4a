"""Every page of the console and every page of the admin that it adds to, each state of each, and the way there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django_celery_results.models import TaskResult

from console.engine.acceptance import start
from console.testing import perform
from notes.models import Note, Tag
from notes.operations import ArchiveNotes
from tests.browser.staff import NOTES, RUNS, Visitor
from tests.browser.stage import Stage

RESULTS = "/admin/django_celery_results/taskresult/"
SCHEDULES = "/admin/django_celery_beat/periodictask/"


Way = Callable[[Visitor, Stage], None]


@dataclass(frozen=True)
class Place:
    """A page in one of its states; its address, where one leads there without a post."""

    name: str
    go: Way
    path: str = ""
    rank: str = "admin"


def places(stage: Stage) -> Iterator[Place]:
    """Return every place on the stage; those that change something come last."""
    yield from (Place(name, _opening(path), path) for name, path in _plain(stage).items())
    yield from (
        Place(name, _opening(path), path, "viewer")
        for name, path in {
            "run forbidden": f"{RUNS}{stage.runs['queued'].pk}/cancel/",
            "operation forbidden": f"{RUNS}start/notes.statistics/",
        }.items()
    )
    yield from (Place(name, go) for name, go in _POSTED.items())


def _plain(stage: Stage) -> dict[str, str]:
    run = {name: f"{RUNS}{run.pk}/" for name, run in stage.runs.items()}
    free, group = stage.take(1)[0], stage.runs["partly"].failures.all()[0].group
    result = TaskResult.objects.get().pk
    locked, shared = stage.notes_of("running")[0], stage.notes_of("queued")[0]
    return {
        "index": "/admin/",
        "console": "/admin/console/",
        "notes": f"{NOTES}?q=garden",
        "notes with pending work": f"{NOTES}?pending_work=locked&q=garden",
        "note new": f"{NOTES}add/",
        "note free": f"{NOTES}{free.pk}/change/",
        "note locked": f"{NOTES}{locked.pk}/change/",
        "note in use": f"{NOTES}{shared.pk}/change/",
        "note worked on": f"{NOTES}{stage.notes_of('succeeded')[0].pk}/change/",
        "note history": f"{NOTES}{free.pk}/history/",
        "note to delete": f"{NOTES}{free.pk}/delete/",
        "note to delete, in use": f"{NOTES}{shared.pk}/delete/",
        "note to delete, locked": f"{NOTES}{locked.pk}/delete/",
        "copy one": f"{NOTES}{free.pk}/operation/notes.copy/",
        "change tags of one": f"{NOTES}{free.pk}/operation/notes.retag/",
        "import a file": f"{NOTES}operation/notes.import/",
        "import its columns": f"{NOTES}operation/notes.import/{stage.files['previewed'].pk}/",
        "export the list": f"{NOTES}operation/notes.export/all/?q=garden",
        "runs": RUNS,
        "runs, none found": f"{RUNS}?q=nothing+like+it",
        "runs that need attention": f"{RUNS}?state=attention",
        "start": f"{RUNS}start/",
        "start without objects": f"{RUNS}start/notes.statistics/",
        **{f"run {name}": f"{path}change/" for name, path in run.items()},
        "run previewed, what changes": f"{run['previewed']}change/?rows=changed",
        "run previewed, what fails": f"{run['previewed']}change/?rows=failing",
        "verb start of an import": f"{run['previewed']}start/",
        "run partly, one reason": f"{run['partly']}change/?group={group}",
        "tags": "/admin/notes/tag/",
        "tag to delete": f"/admin/notes/tag/{Tag.objects.all()[0].pk}/delete/",
        "run again": f"{run['succeeded']}again/",
        "run history": f"{run['queued']}history/",
        "verb cancel": f"{run['queued']}cancel/",
        "verb pause": f"{run['running']}pause/",
        "verb resume": f"{run['paused']}resume/",
        "verb retry": f"{run['failed']}retry/",
        "verb start": f"{run['dry run']}start/",
        "verb start, many to delete": f"{run['large dry run']}start/",
        "verb withdraw": f"{run['queued']}withdraw/?target={stage.runs['queued'].targets.all()[0].pk}",
        **_by_the_clock(stage),
        "task results": RESULTS,
        **{f"task result {page}": f"{RESULTS}{result}/{page}/" for page in ("change", "history", "delete")},
    }


def _by_the_clock(stage: Stage) -> dict[str, str]:
    page = {name: f"{SCHEDULES}{schedule.task_id}/" for name, schedule in stage.schedules.items()}
    acts = ("skip", "disable", "reset", "history", "delete")
    return {
        "schedules": SCHEDULES,
        "schedule new": f"{SCHEDULES}add/",
        "schedule new, of copies": f"{SCHEDULES}add/?operation=notes.copy",
        **{f"schedule {name}": f"{page[name]}change/" for name in ("hourly", "asks")},
        **{f"schedule to {act}": f"{page['hourly']}{act}/" for act in acts},
        "schedule to run now": f"{page['asks']}run-now/",
        "schedule to enable": f"{page['off']}enable/",
    }


def _schedule_that_never_comes(visitor: Visitor, _stage: Stage) -> None:
    visitor.open(f"{SCHEDULES}add/?operation=notes.copy")
    for field, value in {"day_of_month": "30", "month_of_year": "2", "zone": "Lisboa"}.items():
        visitor.page.locator(f"[name=schedule-{field}]").fill(value)
    visitor.page.locator(".console-submit [data-main]").click()


def _backfill_three(visitor: Visitor, stage: Stage) -> None:
    visitor.open(f"{SCHEDULES}{stage.schedules['hourly'].task_id}/backfill/")
    visitor.page.locator("[name=first]").fill("2026-05-04T14:00")
    visitor.page.locator("[name=last]").fill("2026-05-04T17:00")
    visitor.page.get_by_role("button", name="Show the times").click()


def _opening(path: str) -> Way:
    return lambda visitor, _stage: visitor.open(path)


def _copy_many(visitor: Visitor, stage: Stage) -> None:
    visitor.choose("notes.copy", stage.take(12))


def _copy_wrong_number(visitor: Visitor, stage: Stage) -> None:
    _copy_many(visitor, stage)
    visitor.page.get_by_label("Copies").fill("0")
    visitor.page.locator(".console-submit [data-main]").click()


def _delete_in_background(visitor: Visitor, stage: Stage) -> None:
    visitor.open(f"{NOTES}?id__in={','.join(str(note.pk) for note in stage.take(101))}")
    visitor.page.locator("#action-toggle").check()
    visitor.page.locator(".actions .question a").click()
    visitor.page.locator("select[name=action]").select_option("notes.delete")
    visitor.page.locator("button[name=index]").click()


def _archive_some_locked(visitor: Visitor, stage: Stage) -> None:
    visitor.choose("notes.archive", _some_locked(stage))


def _delete_many(visitor: Visitor, stage: Stage) -> None:
    visitor.choose("delete_selected", stage.take(3))


def _delete_some_locked(visitor: Visitor, stage: Stage) -> None:
    visitor.choose("delete_selected", _some_locked(stage))


def _delete_author_of_locked(visitor: Visitor, stage: Stage) -> None:
    author = stage.notes_of("running").exclude(author=None)[0].author_id
    visitor.open(f"/admin/auth/user/{author}/delete/")
    visitor.page.locator("input[type=submit]").click()


def _cancel_many_runs(visitor: Visitor, stage: Stage) -> None:
    visitor.choose("cancel_runs", [stage.runs[name] for name in ("queued", "waiting", "succeeded")], RUNS)


def _open_dialog(visitor: Visitor, stage: Stage) -> None:
    visitor.open(f"{RUNS}{stage.runs['failed'].pk}/change/")
    visitor.page.locator(".console-verbs [data-dialog]").first.click()


def _save_while_locked(visitor: Visitor, stage: Stage) -> None:
    note = _typed(visitor, stage)
    start(ArchiveNotes, by=stage.admin, objects=[note])
    visitor.page.locator("[name=_save]").click()


def _save_after_a_run(visitor: Visitor, stage: Stage) -> None:
    note = _typed(visitor, stage)
    perform(start(ArchiveNotes, by=stage.admin, objects=[note]))
    visitor.page.locator("[name=_save]").click()


def _typed(visitor: Visitor, stage: Stage) -> Note:
    (note,) = stage.take(1)
    visitor.open(f"{NOTES}{note.pk}/change/")
    visitor.page.locator("#id_title").fill("What I typed meanwhile")
    return note


def _some_locked(stage: Stage) -> list[Note]:
    return [*stage.take(9), *stage.notes_of("running")[:2], stage.notes_of("paused")[0]]


_POSTED: dict[str, Way] = {
    "copy many": _copy_many,
    "copy many, wrong number": _copy_wrong_number,
    "delete many in the background": _delete_in_background,
    "archive many, some locked": _archive_some_locked,
    "delete many": _delete_many,
    "delete many, some locked": _delete_some_locked,
    "delete the author of a locked note": _delete_author_of_locked,
    "cancel many runs": _cancel_many_runs,
    "run failed, dialog": _open_dialog,
    "schedule that never comes": _schedule_that_never_comes,
    "schedule to backfill": _backfill_three,
    "note saved while locked": _save_while_locked,
    "note saved after a run": _save_after_a_run,
}
