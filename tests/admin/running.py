"""Runs in every state, made by the engine itself, and staff of every rank, for the tests of the run's pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import Permission, User
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.test import Client
from django.urls import reverse

from console.conf import settings
from console.engine import control
from console.engine.acceptance import start
from console.engine.clock import after
from console.exceptions import ItemFailed, Retry
from console.models import Run
from console.testing import declared, perform
from notes.models import Note
from notes.operations import CopyNotes

VIEW = "notes.view_note"
VERBS = ("console.cancel_run", "console.pause_run", "console.retry_run", "console.withdraw_run")
OPERATOR = (VIEW, "notes.add_note", "notes.change_note", "console.view_run", *VERBS)
Look = Callable[[Run], Any]


def staff(username: str, *permissions: str, **values: Any) -> User:
    """Create somebody with these permissions."""
    user = User.objects.create_user(username, password=username, is_staff=True, **values)
    for permission in permissions:
        app_label, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    return user


def operator() -> User:
    """Create somebody who may do everything with notes and runs."""
    return staff("operator", *OPERATOR, first_name="Ana", last_name="Lima")


def signed_in(user: User) -> Client:
    """Return a browser in which `user` is signed in."""
    client = Client()
    client.force_login(user)
    return client


def make_notes(count: int = 3) -> list[Note]:
    """Create notes called “Note 1”, “Note 2” and so on."""
    first = (Note.all_objects.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1
    return [Note.objects.create(title=f"Note {n}", slug=f"note-{n}") for n in range(first, first + count)]


def copying(user: User | None = None, *, count: int = 3, copies: int = 2, **options: Any) -> Run:
    """Start a run that makes `copies` copies of `count` new notes; it is queued."""
    return start(CopyNotes, by=user, objects=make_notes(count), params={"copies": copies}, **options)


def copied(user: User | None = None, **options: Any) -> Run:
    """Return a run of copies that has succeeded."""
    return perform(copying(user, **options))


@contextmanager
def failing(user: User | None = None, *, bad: Sequence[int] = (0,), count: int = 3, **attributes: Any) -> Iterator[Run]:
    """Yield an ended run whose items number `bad` failed, with values to show; its operation exists inside the block."""
    notes = make_notes(count)
    refused = {notes[index].pk for index in bad}

    def process(_operation: Any, chunk: Sequence[Note]) -> None:
        for note in chunk:
            if note.pk in refused:
                raise ItemFailed(note, "The slug is taken.", {"slug": note.slug, "title": "=1+1"})

    with declared(Note, process, label="Check", **attributes) as operation:
        yield perform(start(operation, by=user, objects=notes))


@contextmanager
def waiting(user: User | None = None) -> Iterator[Run]:
    """Yield a run that backs off after outside trouble."""

    def process(_operation: Any, _chunk: Sequence[Note]) -> None:
        raise Retry("The newsletter service is away.", after=60)

    with declared(Note, process, label="Send") as operation:
        yield perform(start(operation, by=user, objects=make_notes()))


def meanwhile(look: Look, user: User | None = None, *, first: Callable[[int], Any] | None = None) -> Any:
    """Return what `look` sees of a run while a worker is at it; `first` (a verb) is asked just before.

    The run itself goes on to its end.
    """
    seen: list[Any] = []

    def process(operation: Any, _chunk: Sequence[Note]) -> None:
        if seen:
            return
        run = Run.objects.get(operation=operation.name)
        if first is not None:
            first(run.pk)
        run.refresh_from_db()
        seen.append(look(run))

    with declared(Note, process, label="Watch") as operation:
        perform(start(operation, by=user, objects=make_notes()))
    return seen[0]


def fall_silent(run: Run, seconds: float) -> None:
    """Let the last sign of the run's worker be `seconds` old."""
    lease = settings.lease(None)
    run.partitions.update(
        lease_until=after(lease - seconds), progress_at=after(-seconds), rate=Coalesce("rate", Value(25.0))
    )


def in_every_state(user: User | None, look: Look) -> dict[str, Any]:
    """Return what `look` sees of a run in each of the nine states."""
    queued, paused, cancelled = copying(user), copying(user), copying(user)
    control.pause(paused.pk, by=user, reason="wait for the newsletter")
    control.cancel(cancelled.pk, by=user, reason="wrong tag")
    seen = {
        "queued": look(queued),
        "paused": look(Run.objects.get(pk=paused.pk)),
        "cancelled": look(Run.objects.get(pk=cancelled.pk)),
        "succeeded": look(copied(user)),
        "running": meanwhile(look, user),
        "pausing": meanwhile(look, user, first=control.pause),
    }
    seen["cancelling"] = meanwhile(look, user, first=control.cancel)
    with waiting(user) as run:
        seen["waiting"] = look(run)
    with failing(user, on_error="stop") as run:
        seen["failed"] = look(run)
    return seen


def put_away(answer: Any) -> None:
    """Close the file that an answer sends; closing the answer itself would close the test's database."""
    for close in answer._resource_closers:
        close()


def page_of(run: Run, page: str = "change") -> str:
    """Return the address of a page of `run`."""
    return reverse(f"admin:console_run_{page.replace('.', '_')}", args=[run.pk])
