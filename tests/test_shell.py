"""``manage.py console``: each verb does what the pages do, and each refusal is the console's own sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command

from console.engine.acceptance import start
from console.models import Run, Target
from console.operations import BaseOperation, ItemFailed
from console.states import State
from console.testing import assert_succeeded, declared, hold, perform
from notes.models import Note

pytestmark = pytest.mark.django_db

VERBS = ("list", "show", "start", "cancel", "pause", "resume", "retry", "withdraw", "sweep", "doctor")


def shell(*line: str) -> str:
    """Run ``manage.py console`` and return what it prints."""
    out = StringIO()
    call_command("console", *line, stdout=out, stderr=StringIO())
    return out.getvalue()


def shell_json(*line: str) -> Any:
    """Run it with ``--json`` and return the value."""
    return json.loads(shell(*line, "--json"))


@pytest.fixture
def notes() -> list[Note]:
    """Three notes."""
    return [Note.objects.create(title=f"Note {n}", slug=f"note-{n}") for n in range(3)]


def refuse_the_second(_operation: BaseOperation, objects: list[Note]) -> None:
    """Fail on one of the notes."""
    for note in objects:
        if note.slug == "note-1":
            raise ItemFailed(note, "It is the second.")


@pytest.fixture
def refusing() -> Iterator[type[BaseOperation]]:
    """Declare an operation that fails on the second note."""
    with declared(Note, refuse_the_second, name="notes.refusing", permission="notes.change_note") as operation:
        yield operation


def keys(notes: list[Note]) -> str:
    """Return keys as the shell takes them."""
    return ",".join(str(note.pk) for note in notes)


def test_every_verb_of_the_contract_has_a_help_page(capsys: pytest.CaptureFixture[str]) -> None:
    """None is missing, and each says what it does."""
    for verb in VERBS:
        with pytest.raises(SystemExit) as ended:
            call_command("console", verb, "--help")
        assert ended.value.code == 0
        assert verb in capsys.readouterr().out


def test_start_accepts_and_show_tells_the_whole_story(notes: list[Note], refusing: type[BaseOperation]) -> None:
    """State, sentence, counts, failures and history of one run."""
    run = shell_json("start", refusing.name, "--ids", keys(notes))
    assert (run["state"], run["total"], run["source"], run["created"]) == ("queued", 3, "shell", True)
    perform(Run.objects.get(pk=run["id"]))
    told = shell("show", str(run["id"]))
    for expected in ("Succeeded", "3 of 3", "1 failed", "It is the second.", "accepted", "--group"):
        assert expected in told
    page = shell_json("show", str(run["id"]))
    assert [failure["object_id"] for failure in page["failures"]] == [str(notes[1].pk)]
    assert page["events"][0]["what"] == "accepted"


def test_parameters_are_given_by_name(notes: list[Note]) -> None:
    """The operation's own form reads them."""
    run = shell_json("start", "notes.copy", "--ids", str(notes[0].pk), "--param", "copies=4")
    assert run["params"] == {"copies": "4"}
    assert run["total"] == 4


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["start", "notes.nothing", "--ids", "1"], "notes.copy"),
        (["start", "notes.copy", "--ids", "{ids}", "--param", "copies=none"], "copies"),
        (["start", "notes.copy", "--ids", "{ids}", "--param", "copies"], "NAME=VALUE"),
        (["start", "notes.copy", "--param", "copies=1"], "--ids"),
        (["start", "notes.copy", "--ids", "one", "--param", "copies=1"], "one"),
        (["start", "notes.copy", "--ids", "999999", "--param", "copies=1"], "Nothing was started"),
        (["start", "notes.copy", "--ids", "{ids}", "--param", "copies=1", "--user", "nobody"], "nobody"),
        (["start", "notes.publish", "--ids", "{ids}", "--dry-run"], "dry"),
        (["show", "999999"], "999999"),
        (["cancel", "999999"], "999999"),
    ],
)
def test_a_refusal_is_one_sentence_and_starts_nothing(notes: list[Note], line: list[str], told: str) -> None:
    """No traceback, no half-done request."""
    with pytest.raises(CommandError, match=told):
        shell(*(word.format(ids=keys(notes)) for word in line))
    assert not Run.objects.exists()


def test_a_user_needs_the_permission_and_the_console_none(notes: list[Note], refusing: type[BaseOperation]) -> None:
    """``--user`` is checked like a person on the pages, and kept as who asked."""
    ana = get_user_model().objects.create_user("ana", is_staff=True)
    line = ("start", refusing.name, "--ids", keys(notes), "--user", "ana")
    with pytest.raises(CommandError, match=r"notes\.change_note"):
        shell(*line)
    ana.user_permissions.add(Permission.objects.get(codename="change_note"))
    assert shell_json(*line)["asked_by"] == "ana"


def test_the_same_key_is_the_same_run(notes: list[Note], refusing: type[BaseOperation]) -> None:
    """Promise 6: a script that is run twice starts one run."""
    first = shell_json("start", refusing.name, "--ids", keys(notes), "--key", "nightly")
    second = shell_json("start", refusing.name, "--ids", keys(notes), "--key", "nightly")
    assert (second["id"], second["created"]) == (first["id"], False)


def test_held_objects_are_named_or_left_out(notes: list[Note], refusing: type[BaseOperation]) -> None:
    """The same choice as on the confirmation page."""
    with hold(notes[0], label="Archive"):
        with pytest.raises(CommandError, match="Archive"):
            shell("start", refusing.name, "--ids", keys(notes))
        run = shell_json("start", refusing.name, "--ids", keys(notes), "--leave-held-out")
    assert run["skipped"] == 1


def test_all_means_every_object_of_the_model(notes: list[Note], refusing: type[BaseOperation]) -> None:
    """Without naming them one by one."""
    assert shell_json("start", refusing.name, "--all")["total"] == len(notes)


def test_a_run_is_paused_resumed_and_cancelled(notes: list[Note], refusing: type[BaseOperation]) -> None:
    """Each verb writes its line of history, with the reason."""
    run = str(start(refusing, objects=notes).pk)
    assert shell_json("pause", run, "--reason", "Lunch")["state"] == State.PAUSED
    assert shell_json("resume", run)["state"] == State.QUEUED
    assert shell_json("cancel", run, "--reason", "Wrong notes")["state"] == State.CANCELLED
    assert {"Lunch", "Wrong notes"} <= {event["reason"] for event in shell_json("show", run)["events"]}
    with pytest.raises(CommandError):
        shell("cancel", run)


def test_what_failed_is_retried_by_a_linked_run(notes: list[Note], refusing: type[BaseOperation]) -> None:
    """Ended runs stay as they are; a retry is a new run."""
    run = perform(start(refusing, objects=notes))
    retry = shell_json("retry", str(run.pk), "--only", "failed")
    assert (retry["retry_of"], retry["total"]) == (run.pk, 1)


def test_an_object_is_left_out_by_its_key(notes: list[Note], refusing: type[BaseOperation]) -> None:
    """The shell takes the object's key, or the target's id."""
    run = start(refusing, objects=notes)
    shell("withdraw", str(run.pk), "--object", str(notes[1].pk))
    other = Target.objects.get(run=run, object_id=str(notes[2].pk))
    shell("withdraw", str(run.pk), "--target", str(other.pk))
    perform(run)
    assert_succeeded(run)
    assert (run.done, run.skipped) == (1, 2)
    with pytest.raises(CommandError, match="does not work on"):
        shell("withdraw", str(run.pk), "--object", "999999")


def test_the_list_is_filtered(notes: list[Note], refusing: type[BaseOperation]) -> None:
    """By state, by operation, or only what is active."""
    ended = perform(start(refusing, objects=notes))
    active = start(refusing, objects=notes)
    listed = {line: [run["id"] for run in shell_json("list", *line)] for line in ((), ("--active",))}
    assert listed == {(): [active.pk, ended.pk], ("--active",): [active.pk]}
    assert [run["id"] for run in shell_json("list", "--state", "succeeded")] == [ended.pk]
    assert shell_json("list", "--operation", "notes.copy") == []
    assert refusing.name in shell("list", "--limit", "1")


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_does_not_stop_acceptance(notes: list[Note], refusing: type[BaseOperation]) -> None:
    """Promise 1, as the shell tells it; and the sweep says what it could not send."""
    told = shell("start", refusing.name, "--ids", keys(notes))
    assert "The broker is away" in told
    with pytest.raises(CommandError, match="broker"):
        shell("sweep")
    assert Run.objects.get().state == State.QUEUED


def test_the_doctor_ends_with_an_error_while_something_is_urgent() -> None:
    """Nothing listens where the tests' broker should be: that is urgent, and the exit code says so."""
    with pytest.raises(CommandError, match="urgent"):
        shell("doctor")
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("console", "doctor", "--json", stdout=out)
    findings = json.loads(out.getvalue())
    assert any(finding["severity"] == "urgent" and "broker" in finding["what"] for finding in findings)
    assert all(finding["cure"] for finding in findings)
