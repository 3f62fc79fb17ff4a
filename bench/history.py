"""A console with a past: runs, targets, failures and Celery's results by the million, written by set-based statements."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Field, Model
from django.db.models.fields import NOT_PROVIDED
from django_celery_results.models import TaskResult

from bench.data import NUMBERS, USER
from console.engine.holds import identity_type
from console.models import Attempt, Event, Failure, Partition, Run, Target
from console.operations import Hold
from console.states import State
from notes.models import Note

APART = 30  # seconds between two runs: a million of them are a year
AT_WORK = 25  # of the newest runs; all others have ended
OPERATIONS = ("notes.copy", "notes.copy", "notes.copy", "notes.archive", "notes.retag", "notes.publish", "notes.delete")
FAILING = 50  # each run whose number this divides has a failed item
REASONS = 12  # of the run with many failures

Row = dict[str, str]


def make_history(runs: int, notes: int) -> None:
    """Write runs with a partition, an attempt, an event and a target each, and as many of Celery's results.

    Every 50th has a failure; the newest are at work, and hold a note each. There must be as many `notes`.
    """
    ended = f"number <= {runs - AT_WORK}"
    _insert(Run, runs, _run(runs, ended))
    work = {"run": "number", "queue": "'bulk'"}
    done = f"CASE WHEN {ended} THEN 1 ELSE 0 END"
    _insert(Partition, runs, {**work, "id": "number", "position": f"number * ({done})", "done": done})
    _insert(Event, runs, {"run": "number", "what": "'accepted'", "reason": "''"})
    task = {"task_id": "'task-' || number", "worker": "'bulk@host-' || number % 8"}
    _insert(Attempt, runs, {"run": "number", "partition": "number", "token": "1", "outcome": "'done'", **task})
    _insert(Target, runs, {"run": "number", **_target(f"1 + number % {notes}", f"CASE WHEN {ended} THEN NULL ELSE ")})
    failed = f"number * {FAILING}"
    _insert(
        Failure,
        runs // FAILING,
        {**_failure(failed, failed, "number % 20"), "at": _ago(f"({runs} - {failed}) * {APART}")},
    )
    _count()
    _insert(TaskResult, runs, {**task, **_result(runs)})
    settle()


def make_run(targets: int, failures: int) -> Run:
    """Write an ended run with so many targets, of which the first so many failed, for a dozen reasons."""
    number, first = _next(Run), _next(Target)
    counts = {"total": str(targets), "done": str(targets - failures), "failed": str(failures)}
    _insert(Run, 1, {**_run(1, "true"), "id": str(number), "state": f"'{State.SUCCEEDED}'", **counts})
    work = {"id": str(_next(Partition)), "run": str(number), "queue": "'bulk'", "outcome": "'done'"}
    done = {"done": counts["done"], "failed": counts["failed"], "position": str(first + targets)}
    _insert(Partition, 1, {**work, **done})
    _insert(Target, targets, {"run": str(number), **_target("number"), "id": f"{first - 1} + number"})
    before = _next(Failure)
    _insert(Failure, failures, _failure(str(number), f"{first - 1} + number", f"number % {REASONS}"))
    _count(before)
    _insert(Event, 3, {"run": str(number), "what": "'accepted'"})
    settle()
    return Run.objects.get(pk=number)


def make_past(note: Note, runs: int) -> None:
    """Have the first so many runs have worked on `note` too."""
    _insert(Target, runs, {"run": "number", **_target(str(note.pk))})
    settle()


def settle() -> None:
    """Let the database tidy up, as PostgreSQL does by itself in time; SQLite never does."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _count(after: int = 0) -> None:
    """Count the failures from this id on, as the engine does when it writes them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO console_failuregroup (run_id, writer, kind, "group", items, "count", first)
            SELECT run_id, 0, kind, "group", sum(items), count(*), min(id) FROM console_failure WHERE id >= %s
            GROUP BY run_id, kind, "group"
            """,
            [after],
        )


def _run(runs: int, ended: str) -> Row:
    asked = get_user_model().objects.get(username=USER).pk
    begun = _ago(f"({runs} - number) * {APART}")
    state = "CASE number % 100 WHEN 7 THEN 'failed' WHEN 13 THEN 'cancelled' ELSE 'succeeded' END"
    failed = f"CASE WHEN {ended} AND number % {FAILING} = 0 THEN 1 ELSE 0 END"
    return {
        "id": "number",
        "operation": _chosen(OPERATIONS),
        "stored_label": f"replace({_chosen(OPERATIONS)}, 'notes.', 'Do ')",
        "params": "'{\"copies\": 1}'",
        "state": f"CASE WHEN {ended} THEN {state} WHEN number % 2 = 0 THEN 'running' ELSE 'queued' END",
        "dry_run": "number % 200 = 1",
        "asked_by": f"CASE WHEN number % 10 = 0 THEN NULL ELSE {asked} END",
        "source": "CASE WHEN number % 10 = 0 THEN 'schedule' ELSE 'admin' END",
        "accepted_at": begun,
        "started_at": begun,
        "ended_at": f"CASE WHEN {ended} THEN {begun} END",
        "content_type": str(identity_type(Note).pk),
        "hold": f"'{Hold.EXCLUSIVE}'",
        "queue": "'bulk'",
        "total": "1",
        "done": f"CASE WHEN {ended} THEN 1 - ({failed}) ELSE 0 END",
        "failed": failed,
        "chain": _vendor("lpad(to_hex(number), 32, '0')::uuid", "printf('%032x', number)"),
    }


def _target(note: str, hold: str = "") -> Row:
    held = f"{hold}'{Hold.EXCLUSIVE}' END" if hold else "NULL"
    return {"content_type": str(identity_type(Note).pk), "object_id": _text(note), "hold": held}


def _failure(run: str, target: str, reason: str) -> Row:
    return {
        "run": run,
        "target": target,
        "kind": f"'{Failure.Kind.FAILED}'",
        "position": target,
        "object_id": _text(target),
        "object_label": f"'Note ' || {target}",
        "reason": f"'The newsletter service refused this note, for reason number ' || {reason}",
        "group": f"'reason-' || {reason}",
    }


def _result(runs: int) -> Row:
    done = _ago(f"({runs} - number) * {APART}")
    return {
        "task_name": f"'tasks.' || {_chosen(OPERATIONS)}",
        "status": "CASE WHEN number % 50 = 0 THEN 'FAILURE' ELSE 'SUCCESS' END",
        "content_type": "'application/json'",
        "content_encoding": "'utf-8'",
        "result": "'null'",
        "date_created": done,
        "date_done": done,
    }


def _insert(model: type[Model], count: int, row: Row) -> None:
    """Write `count` rows: `row` has the SQL of what is no default, made from ``number``, which counts from 1."""
    columns, values, params = [], [], []
    for field in model._meta.concrete_fields:
        if field.name in row:
            value = row[field.name].replace("%", "%%")
        elif field.primary_key or field.null or field.db_default is not NOT_PROVIDED:
            continue
        else:
            value = "%s"
            params.append(_default(field))
        columns.append(connection.ops.quote_name(field.column))
        values.append(value)
    into = connection.ops.quote_name(model._meta.db_table)
    numbers = NUMBERS[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {into} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {numbers}", [*params, count]
        )


def _default(field: Field[Any, Any]) -> Any:
    return field.get_db_prep_save(field.get_default(), connection)


def _next(model: type[Model]) -> int:
    last = model._default_manager.order_by("-pk").values_list("pk", flat=True).first()
    return (last or 0) + 1


def _chosen(words: tuple[str, ...]) -> str:
    cases = " ".join(f"WHEN {n} THEN '{word}'" for n, word in enumerate(words))
    return f"CASE number % {len(words)} {cases} END"


def _ago(seconds: str) -> str:
    return _vendor(
        f"now() - ({seconds}) * interval '1 second'",
        f"strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ({seconds}) || ' seconds')",
    )


def _text(value: str) -> str:
    return _vendor(f"CAST({value} AS varchar)", f"CAST({value} AS text)")


def _vendor(postgresql: str, sqlite: str) -> str:
    return postgresql if connection.vendor == "postgresql" else sqlite
