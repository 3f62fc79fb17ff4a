"""The notes that are worked on, and the raw statements that set the limits."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from bench.world import SOURCES
from notes.models import Attachment, Note, Tag

BODY = "A note has some two hundred and twenty characters of text, as people write them. " * 3
USER = "bench"
COPIED = "title, slug, body, author_id, created_at, updated_at"
NUMBERS = {
    "postgresql": "generate_series(1, %s) AS copies(number)",
    "sqlite": "(WITH RECURSIVE counted(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM counted LIMIT %s) "
    "SELECT number FROM counted) AS copies",
}


def populate() -> None:
    """Write a hundred notes, with three tags and two attachments each, and a superuser."""
    author = get_user_model().objects.create_superuser(USER, password=USER)
    tags = [Tag.objects.create(name=f"tag {n}", slug=f"tag-{n}") for n in range(10)]
    for n in range(SOURCES):
        note = Note.objects.create(title=f"Note {n}", slug=f"note-{n}", body=BODY[:220], author=author)
        note.tags.set(tags[n % 8 : n % 8 + 3])
        Attachment.objects.bulk_create([Attachment(note=note, name=name, content=BODY) for name in ("a.txt", "b.txt")])
    analyze()


def analyze() -> None:
    """Let the database know what is in it."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def insert_select(copies: int) -> None:
    """Copy every note `copies` times by one statement, without what belongs to it: the limit."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO notes_note ({COPIED}) SELECT title, slug || '-copy-' || number, body, author_id, "
            f"{_moment()}, {_moment()} FROM notes_note CROSS JOIN {NUMBERS[connection.vendor]}",
            [now, now, copies],
        )


def make_notes(count: int) -> None:
    """Have `count` notes, as a preparation."""
    insert_select(-(-count // SOURCES))
    Note.all_objects.filter(pk__gt=Note.all_objects.order_by("pk")[count].pk - 1).delete()
    analyze()


def _moment() -> str:
    return "%s::timestamptz" if connection.vendor == "postgresql" else "%s"
