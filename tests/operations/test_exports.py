"""Exports: any Resource, each object once, whatever happens to the workers or to the objects meanwhile."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import pytest
import tablib
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import CharField, QuerySet, Value
from django.test.utils import CaptureQueriesContext
from import_export.fields import Field
from import_export.resources import ModelResource
from openpyxl import load_workbook

from console.engine import control
from console.engine.acceptance import start
from console.engine.clock import after
from console.engine.files import open_file, output_of
from console.exceptions import InvalidOperation, LeaseLost, TooManyItems
from console.models import Failure, File, Run
from console.operations import Export, Hold
from console.operations.exporting.formats import available
from console.states import State
from console.storage import storage
from console.testing import assert_succeeded, declared, perform
from notes.models import Note, Tag
from notes.operations import ExportNotes
from notes.resources import NoteResource
from tests.engine.kit import chunk, lapse, make_notes, must_win, settled, win

pytestmark = pytest.mark.django_db(transaction=True)


def content(run: Run) -> bytes:
    """Return the file that the run wrote."""
    file = output_of(run)
    assert file is not None
    with open_file(file) as opened:
        data = opened.read()
    assert len(data) == file.size
    return data


def rows(run: Run) -> list[dict[str, str]]:
    """Return the rows of a run's CSV."""
    return list(csv.DictReader(io.StringIO(content(run).decode("utf-8-sig"), newline="")))


def exported(objects: Any, operation: Any = ExportNotes, **params: Any) -> Run:
    """Return an ended export of the objects, as CSV where nothing else is said."""
    return perform(start(operation, objects=objects, params={"format": "csv", **params}))


def with_relations(count: int = 3) -> list[Note]:
    """Make notes with an author and tags each."""
    author = User.objects.create_user("ana")
    tags = [Tag.objects.create(name=name, slug=name) for name in ("red", "green")]
    notes = make_notes(count)
    for note in notes:
        note.author = author
        note.save()
        note.tags.set(tags)
    return notes


def test_a_file_has_a_row_for_each_object() -> None:
    """In the order of the keys, with what the resource tells of others; the record says how much it is."""
    notes = with_relations()
    run = exported(notes)
    assert_succeeded(run)
    assert [row["slug"] for row in rows(run)] == [note.slug for note in notes]
    assert rows(run)[0] == {
        "slug": notes[0].slug,
        "title": notes[0].title,
        "body": "text",
        "author": "ana",
        "tags": "green|red",
    }
    file = output_of(run)
    assert file is not None
    assert (file.rows, file.media_type, file.name[-4:]) == (3, "text/csv", ".csv")
    assert not File.objects.filter(kind=File.Kind.PART).exists()


@pytest.mark.parametrize("kind", available())
def test_every_format_tells_what_the_resource_tells(kind: str) -> None:
    """The same cells as `Resource.export` gives, whatever the format."""
    notes = with_relations()
    data = content(exported(notes, format=kind))
    expected = NoteResource().export(Note.all_objects.filter(pk__in=[n.pk for n in notes]).order_by("pk")).dict
    read: dict[str, Callable[[], Any]] = {
        "csv": lambda: tablib.import_set(data.decode("utf-8-sig"), format="csv").dict,
        "tsv": lambda: tablib.import_set(data.decode("utf-8-sig"), format="tsv").dict,
        "json": lambda: json.loads(data),
        "yaml": lambda: tablib.import_set(data.decode(), format="yaml").dict,
        "xlsx": lambda: cells(data),
        "ods": lambda: tablib.import_set(data, format="ods").dict,
        "xls": lambda: tablib.import_set(data, format="xls").dict,
        "html": lambda: tablib.import_set(data.decode(), format="html").dict,
    }
    assert [dict(row) for row in read[kind]()] == [dict(row) for row in expected]


def cells(book: bytes) -> list[dict[str, Any]]:
    """Return the rows of a workbook."""
    sheet = load_workbook(io.BytesIO(book)).worksheets[0]
    heading, *lines = sheet.iter_rows(values_only=True)
    return [dict(zip(heading, line, strict=True)) for line in lines]


def test_columns_can_be_chosen_and_none_chosen_are_all() -> None:
    """In the resource's order, whatever the order they were ticked in."""
    (note,) = make_notes(1)
    assert list(rows(exported([note], columns=["title", "slug"]))[0]) == ["slug", "title"]
    assert len(rows(exported([note], columns=[]))[0]) == 5


def test_formulas_are_made_harmless() -> None:
    """In what a spreadsheet opens."""
    (note,) = make_notes(1)
    Note.all_objects.filter(pk=note.pk).update(title="=1+1")
    assert rows(exported([note]))[0]["title"] == "'=1+1"
    assert cells(content(exported([note], format="xlsx")))[0]["title"] == "'=1+1"
    assert json.loads(content(exported([note], format="json")))[0]["title"] == "=1+1"


# --- each object once


def test_a_part_whose_checkpoint_was_rolled_back_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that dies between writing a part and its commit leaves bytes, and no rows."""
    notes = make_notes(6)
    run = start(ExportNotes, objects=notes, params={"format": "csv"})
    first = must_win(run)
    chunk(first, 2)

    def die(*_: Any, **__: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("console.engine.checkpoints.partitions.checkpoint", die)
        with pytest.raises(SystemExit):
            chunk(first, 2)
    lapse(first)
    run = settled(run)
    assert run.state == State.SUCCEEDED
    assert [row["slug"] for row in rows(run)] == [note.slug for note in notes]


def test_a_worker_that_dies_while_it_joins_leaves_it_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """One file comes of it, whole."""
    notes = make_notes(4)
    run = start(ExportNotes, objects=notes, params={"format": "csv"})
    lease = must_win(run)
    chunk(lease, 10)

    def die(*_: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("console.engine.checkpoints.outputs.publish", die)
        with pytest.raises(SystemExit):
            chunk(lease, 10)
    assert output_of(run) is None
    lapse(lease)
    assert settled(run).state == State.SUCCEEDED
    assert len(rows(run)) == 4
    assert File.objects.filter(run=run).count() == 1


def test_a_late_worker_cannot_add_a_part_or_a_second_file() -> None:
    """The fence keeps out what it wrote."""
    notes = make_notes(4)
    run = start(ExportNotes, objects=notes, params={"format": "csv"})
    late = must_win(run)
    old = late.look()
    lapse(late)
    new = must_win(run)
    chunk(new, 2)
    with pytest.raises(LeaseLost):
        chunk(late, 2, seen=old)
    assert settled(run).state == State.SUCCEEDED
    assert [row["slug"] for row in rows(run)] == [note.slug for note in notes]


def test_joining_that_cannot_work_fails_the_run_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a success without a file."""
    run = start(ExportNotes, objects=make_notes(2), params={"format": "csv"})

    def full(*_: Any) -> str:
        raise OSError("No space left on device")

    chunk(must_win(run), 10)
    monkeypatch.setattr(type(storage()), "_save", full)
    run = settled(run)
    assert run.state == State.FAILED
    assert "No space left on device" in run.why
    assert output_of(run) is None


def test_a_joining_that_kills_its_workers_ends_as_a_failed_run() -> None:
    """After the tries of the policy; not as a success without a file."""
    run = start(ExportNotes, objects=make_notes(2), params={"format": "csv"})
    chunk(must_win(run), 10)
    for _ in range(ExportNotes.retry.tries + 3):
        run.refresh_from_db()
        if run.state == State.FAILED:
            break
        run.partitions.filter(lease_until__isnull=False).update(lease_until=after(-1))
        win(run)
    assert run.state == State.FAILED
    assert "put the file together" in run.why


def test_objects_edited_meanwhile_are_neither_doubled_nor_missed() -> None:
    """The rows were settled at acceptance: no edit moves one, and what no longer matches, or is new, changes nothing."""
    notes = make_notes(6)
    matching = Note.all_objects.filter(pk__in=[n.pk for n in notes], title__startswith="note").order_by("title")
    run = start(ExportNotes, objects=matching, params={"format": "csv"})
    lease = must_win(run)
    chunk(lease, 3)
    Note.all_objects.filter(pk=notes[0].pk).update(title="zzz")  # exported already, sorted behind all now
    Note.all_objects.filter(pk=notes[4].pk).update(title="other")  # not reached yet, matches no more
    Note.all_objects.filter(pk=notes[5].pk).delete()
    make_notes(2)
    run = settled(run)
    assert [(row["slug"], row["title"]) for row in rows(run)] == [
        *((note.slug, note.title) for note in notes[:4]),
        (notes[4].slug, "other"),
    ]
    assert run.failures.get().kind == Failure.Kind.GONE


# --- any Resource


class Shouting(ModelResource):
    """Uses what django-import-export offers to change an export."""

    loud = Field(column_name="Loud title")
    length = Field("length", "length")
    calls: ClassVar[list[str]] = []

    class Meta:
        model = Note
        fields = ("slug", "loud", "length", "author__username")

    def dehydrate_loud(self, note: Note) -> str:
        """Return the title in capitals."""
        return note.title.upper()

    def get_queryset(self) -> QuerySet[Note]:
        """Return notes with something that only the query can tell."""
        return Note.all_objects.annotate(length=Value("long", CharField()))

    def filter_export(self, queryset: QuerySet[Note], **kwargs: Any) -> QuerySet[Note]:
        """Leave out what is empty."""
        return queryset.exclude(body="")

    def before_export(self, queryset: QuerySet[Note], **kwargs: Any) -> None:
        """Remember the call."""
        self.calls.append(f"before {queryset.count()}")

    def after_export(self, queryset: QuerySet[Note], dataset: tablib.Dataset, **kwargs: Any) -> None:
        """Remember the call."""
        self.calls.append(f"after {len(dataset)}")


def test_a_resource_works_unchanged() -> None:
    """Its own fields, its methods, its query, its hooks; what it leaves out is counted as skipped, and says by whom."""
    notes = make_notes(3)
    Note.all_objects.filter(pk=notes[1].pk).update(body="")
    with declared(Note, None, base=Export, resource_class=Shouting) as operation:
        run = exported(notes, operation)
    assert_succeeded(run)
    assert rows(run)[0] == {
        "slug": notes[0].slug,
        "Loud title": notes[0].title.upper(),
        "length": "long",
        "author__username": "",
    }
    assert (run.done, run.skipped) == (2, 1)
    assert "Shouting" in run.failures.get().reason
    assert Shouting.calls == ["before 2", "after 2"]


def test_one_bad_object_fails_alone() -> None:
    """Its row is missing, its reason is told, and the others are there once."""

    class Choosy(NoteResource):
        def dehydrate_title(self, note: Note) -> str:
            if note.pk == bad:
                raise ValueError("no title today")
            return note.title

    notes = make_notes(5)
    bad = notes[2].pk
    with declared(Note, None, base=Export, resource_class=Choosy) as operation:
        run = exported(notes, operation)
    assert_succeeded(run, failures=1)
    assert [row["slug"] for row in rows(run)] == [note.slug for note in notes if note.pk != bad]
    assert "no title today" in run.failures.get().reason


def test_related_objects_are_read_once_a_chunk() -> None:
    """Not once a row: as many queries for thirty notes as for three."""

    def queries(notes: Sequence[Note]) -> int:
        operation = ExportNotes({"format": "csv"})
        fresh = list(Note.all_objects.filter(pk__in=[n.pk for n in notes]))
        with CaptureQueriesContext(
            connection,
        ) as captured:
            operation.process(fresh)
        return len(captured)

    notes = with_relations(30)
    assert queries(notes) == queries(notes[:3]) == 2


def test_a_cell_that_a_workbook_cannot_hold_fails_its_row() -> None:
    """It is not cut in silence."""
    notes = make_notes(2)
    Note.all_objects.filter(pk=notes[0].pk).update(body="x" * 40_000)
    run = exported(notes, format="xlsx")
    assert_succeeded(run, failures=1)
    assert "40,000 characters" in run.failures.get().reason
    assert len(cells(content(run))) == 1
    assert len(rows(exported(notes))) == 2


def test_a_format_made_in_one_piece_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused before anything starts, with the way on."""
    monkeypatch.setattr("console.operations.exporting.formats.WHOLE_ROWS", 2)
    notes = make_notes(3)
    with pytest.raises(TooManyItems, match="3 rows; the format is limited to 2"):
        start(ExportNotes, objects=notes, params={"format": "html"})
    assert not Run.objects.exists()
    assert_succeeded(exported(notes[:2], format="html"))


def test_an_export_holds_nothing_and_needs_to_view() -> None:
    """By default: reading locks nobody out."""
    assert ExportNotes.hold == Hold.NONE
    assert ExportNotes.permission == "notes.view_note"


def test_an_unknown_format_is_refused_where_it_is_declared() -> None:
    """With those that are known."""
    with pytest.raises(InvalidOperation, match="'docx'"):
        type("Docx", (Export,), {"resource_class": NoteResource, "formats": ("docx",)})


def test_a_dry_run_writes_no_file() -> None:
    """And ends all the same."""
    run = perform(start(ExportNotes, objects=make_notes(2), params={"format": "csv"}, dry_run=True))
    assert_succeeded(run)
    assert not File.objects.exists()


def test_an_object_that_is_left_out_while_its_row_is_made_is_not_in_the_file() -> None:
    """Reading locks nobody out: what was withdrawn meanwhile is seen before the part counts."""

    class Interrupted(NoteResource):
        def dehydrate_title(self, note: Note) -> str:
            if note.pk == notes[0].pk and not done:
                done.append(control.withdraw(run.pk, target=run.targets.get(object_id=str(notes[2].pk)).pk))
            return note.title

    notes, done = make_notes(4), list[Any]()
    with declared(Note, None, base=Export, resource_class=Interrupted) as operation:
        run = start(operation, objects=notes, params={"format": "csv"})
        perform(run)
    assert_succeeded(run)
    assert [row["slug"] for row in rows(run)] == [note.slug for note in notes if note != notes[2]]
    assert run.failures.get().kind == Failure.Kind.WITHDRAWN
