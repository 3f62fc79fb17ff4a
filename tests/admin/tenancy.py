"""Two sites where not everybody sees every note, and a run over notes of two people. Addresses for tests."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from config.urls import urlpatterns as project
from console.engine.acceptance import start
from console.exceptions import ItemFailed
from console.models import Attempt, Run
from console.testing import declared, perform
from notes.models import Note
from tests.admin.running import OPERATOR, put_away, signed_in, staff
from tests.testapp.admin import guarded, tenants

SECRET = "Zebedee"  # in every name, value and reason of the notes that are not Ana's
BACKENDS = ["django.contrib.auth.backends.ModelBackend", "tests.testapp.backends.Authors"]

urlpatterns = [path("tenants/", tenants.urls), path("guarded/", guarded.urls), *project]


@dataclass
class World:
    """Ana with a note of her own, somebody else's note, and the superuser who sees both."""

    ana: User
    root: User
    mine: Note
    theirs: Note

    @property
    def browser(self) -> Client:
        """Ana's browser."""
        return signed_in(self.ana)


def world() -> World:
    """Make the two people's notes."""
    ana, root = (
        staff("ana", *OPERATOR, "notes.delete_note", "auth.delete_user", "auth.view_user"),
        staff("root", is_superuser=True),
    )
    other = staff("other", *OPERATOR)
    mine = Note.objects.create(title="Mine", slug="mine", author=ana)
    theirs = Note.objects.create(title=f"{SECRET} plan", slug=SECRET.lower(), author=other)
    return World(ana, root, mine, theirs)


@contextmanager
def failing(by: User, notes: Sequence[Note], **attributes: Any) -> Iterator[Run]:
    """Yield an ended run in which each of the notes failed for a reason that quotes its values."""

    def process(_operation: Any, chunk: Sequence[Note]) -> None:
        for note in chunk:
            raise ItemFailed(note, f"The slug of {note.title} is taken.", {"title": note.title, "slug": note.slug})

    with declared(Note, process, label="Check", **attributes) as operation:
        run = perform(start(operation, by=by, objects=notes))
        Attempt.objects.filter(run=run).update(error=f"{SECRET} lost", traceback=f"in {SECRET}")
        Run.objects.filter(pk=run.pk).update(why=f"Stopped at {SECRET}")
        run.refresh_from_db()
        yield run


def words_of(response: Any) -> str:
    """Return all that an answer says: of a page, JSON, a stream or a workbook; empty where there is none to read."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    put_away(response)
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            content = b"".join(book.read(name) for name in book.namelist())
    return str(content.decode("utf-8-sig"))


def tells(response: HttpResponse) -> bool:
    """Tell whether an answer says anything of what is secret."""
    return SECRET.lower() in words_of(response).lower()
