"""Files of notes to import, and the raw statements that set the limits."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.utils import timezone

from bench.data import BODY
from notes.models import Tag

AUTHORS = 20
HEAD = ("slug", "title", "body", "author", "published_at", "tags")
STAGED = (
    "CREATE TEMPORARY TABLE staged (slug text, title text, body text, author text, published_at timestamptz, tags text)"
)
MERGE = """
    INSERT INTO notes_note (slug, title, body, author_id, published_at, created_at, updated_at)
    SELECT slug, title, body, author.id, published_at, now(), now()
    FROM staged JOIN auth_user AS author ON author.username = staged.author
    ON CONFLICT (slug) DO UPDATE SET title = excluded.title, body = excluded.body, author_id = excluded.author_id,
        published_at = excluded.published_at, updated_at = excluded.updated_at
"""
UNTAG = "DELETE FROM notes_note_tags USING staged JOIN notes_note AS note USING (slug) WHERE note_id = note.id"
TAG = """
    INSERT INTO notes_note_tags (note_id, tag_id)
    SELECT note.id, tag.id FROM staged JOIN notes_note AS note USING (slug)
    CROSS JOIN LATERAL unnest(string_to_array(tags, '|')) AS name JOIN notes_tag AS tag USING (name)
"""
UPSERT = """
    INSERT INTO notes_note (slug, title, body, author_id, published_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (slug) DO UPDATE SET title = excluded.title, body = excluded.body, author_id = excluded.author_id,
        published_at = excluded.published_at, updated_at = excluded.updated_at
"""
UNTAG_ONE = "DELETE FROM notes_note_tags WHERE note_id = (SELECT id FROM notes_note WHERE slug = ?)"
TAG_ONE = "INSERT INTO notes_note_tags (note_id, tag_id) SELECT id, ? FROM notes_note WHERE slug = ?"


def write_file(path: Path, rows: int, word: str) -> Path:
    """Write a file of notes; `word` makes it differ from another one of the same notes."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        for n in range(rows):
            tags = "|".join(f"tag {(n + step) % 10}" for step in (0, 3, 5))
            moment = f"2026-05-{1 + n % 28:02} 10:{n // 60 % 60:02}:{n % 60:02}"
            writer.writerow((f"row-{n}", f"Note {n}", f"{BODY[:215]} {word}", f"author-{n % AUTHORS}", moment, tags))
    return path


def make_authors() -> None:
    """Have the authors that the files name."""
    users = get_user_model()
    users.objects.bulk_create([users(username=f"author-{n}") for n in range(AUTHORS)], ignore_conflicts=True)


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a file."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        head = next(rows)
        for row in rows:
            yield dict(zip(head, row, strict=True))


@transaction.atomic
def merge(path: Path, *, tagged: bool) -> None:
    """Import a file by the fewest statements there can be: COPY and merge, or one upsert for each line from C."""
    (merge_by_copy if connection.vendor == "postgresql" else merge_by_upsert)(path, tagged=tagged)


def merge_by_copy(path: Path, *, tagged: bool) -> None:
    """Let PostgreSQL read the file."""
    with connection.cursor() as cursor:
        cursor.execute(f"{STAGED} ON COMMIT DROP")
        with path.open("rb") as file, cursor.copy("COPY staged FROM STDIN (FORMAT csv, HEADER)") as copy:
            while block := file.read(1 << 16):
                copy.write(block)
        for statement in (MERGE, *((UNTAG, TAG) if tagged else ())):
            cursor.execute(statement)


def merge_by_upsert(path: Path, *, tagged: bool) -> None:
    """Read the file here, and leave each statement to SQLite's C."""
    authors = dict(get_user_model().objects.values_list("username", "id"))
    names = dict(Tag.objects.values_list("name", "id"))
    now = str(timezone.now())
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        next(rows)
        lines = [(*row[:3], authors[row[3]], row[4], now, now, row[5]) for row in rows]
    cursor = connection.connection.cursor()
    cursor.executemany(UPSERT, (line[:7] for line in lines))
    if tagged:
        cursor.executemany(UNTAG_ONE, ((line[0],) for line in lines))
        cursor.executemany(TAG_ONE, ((names[name], line[0]) for line in lines for name in line[7].split("|")))
