"""Rows of a file as items of a run: exactly once, resumable at the row, counted, and reported one by one."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import User

from console.engine import control
from console.exceptions import Retry
from console.models import Failure, Partition, Run
from console.operations import Import
from console.states import State
from console.testing import assert_succeeded, declared, hold, perform
from notes.models import Note
from notes.resources import NoteResource
from tests.engine.kit import chunk, must_win
from tests.imports.files import as_csv, importing, previewed, rows_of_notes
from tests.imports.resources import (
    ArticleResource,
    ChapterResource,
    DeletingArticleResource,
    LabelResource,
    NiceArticleResource,
    PizzeriaResource,
)
from tests.testapp.models import Article, Chapter, Label, NiceArticle, Pizzeria

pytestmark = pytest.mark.django_db
AUTHORED = ("slug", "title", "author")


@pytest.fixture
def ana() -> User:
    """An author."""
    return User.objects.create_user("ana")


def positions(run: Run) -> list[int]:
    """Return the row numbers of the run's failures."""
    return list(run.failures.order_by("position").values_list("position", flat=True))


def tally(run: Run) -> dict[str, int]:
    """Return how many rows of the run were of which kind."""
    counted: dict[str, int] = {}
    for partition in Partition.objects.filter(run=run):
        for kind, count in partition.tally.items():
            counted[kind] = counted.get(kind, 0) + count
    return counted


def test_each_row_takes_effect_once() -> None:
    """A file of new notes makes them, and its run counts them."""
    run = perform(importing(as_csv(rows_of_notes(250))))
    assert_succeeded(run)
    assert (run.total, run.done, tally(run)) == (250, 250, {"new": 250})
    assert Note.objects.count() == 250
    assert Note.objects.get(slug="row-17").title == "Title 17"


def test_a_preview_changes_nothing_and_tells_what_would_happen() -> None:
    """New, changed and unchanged rows are counted, the first shown with their differences, and nothing is written."""
    Note.objects.create(slug="row-1", title="Title 1", body="Body 1")
    note = Note.objects.create(slug="row-2", title="Old", body="Body 2")
    run = previewed(as_csv(rows_of_notes(4)))
    assert_succeeded(run)
    assert tally(run) == {"new": 2, "changed": 1, "unchanged": 1}
    assert (run.done, run.skipped) == (3, 1)
    (changed,) = Partition.objects.get(run=run, kind="work").shown["changed"]
    assert (changed["row"], changed["pk"]) == (3, str(note.pk))
    assert ["title", "Old", "Title 2"] in changed["changes"]
    assert [target.object_id for target in run.targets.all()] == [str(note.pk)]
    assert Note.objects.count() == 2


def test_the_import_is_linked_to_its_preview_and_holds_what_that_found() -> None:
    """Started from the preview, the run holds the objects that will change, and no others."""
    notes = [Note.objects.create(slug=f"row-{n}", title="Old", body="") for n in (1, 2)]
    preview = previewed(as_csv(rows_of_notes(3)))
    run = control.do_it_now(preview.pk).run
    assert {target.object_id for target in run.targets.filter(hold="exclusive")} == {str(note.pk) for note in notes}
    assert_succeeded(perform(run))
    assert (run.preview_of_id, tally(run)) == (preview.pk, {"changed": 2, "new": 1})
    assert set(Note.objects.values_list("title", flat=True)) == {"Title 1", "Title 2", "Title 3"}


def test_a_row_whose_object_is_held_names_the_run_that_holds_it() -> None:
    """The others are imported; that row is listed as held, and a retry takes it up."""
    note = Note.objects.create(slug="row-2", title="Old", body="")
    with hold(note, label="Update tags") as other:
        run = perform(control.do_it_now(previewed(as_csv(rows_of_notes(3))).pk).run)
        (failure,) = run.failures.all()
        assert (failure.kind, failure.position, failure.object_id) == (Failure.Kind.HELD, 3, str(note.pk))
        assert f"(run {other.pk})" in failure.reason
        assert (run.done, run.skipped) == (2, 1)
    retry = perform(control.retry(run.pk).run)
    assert (retry.total, retry.done) == (1, 1)
    note.refresh_from_db()
    assert note.title == "Title 2"


def test_a_bad_row_is_one_failure_with_its_number_field_value_and_originals(ana: User) -> None:
    """The good rows are imported; the bad one keeps what was in the file."""
    content = as_csv([["a", "A", "ana"], ["b", "B", "J. Smiht"], ["c", "C", ""]], AUTHORED)
    run = perform(importing(content, AUTHORED))
    assert_succeeded(run, failures=1)
    (failure,) = run.failures.all()
    assert (failure.kind, failure.position) == (Failure.Kind.FAILED, 3)
    assert failure.data["values"] == {"slug": "b", "title": "B", "author": "J. Smiht"}
    assert [fault[:2] for fault in failure.data["faults"]] == [["author", "J. Smiht"]]
    assert set(Note.objects.values_list("slug", flat=True)) == {"a", "c"}


def test_only_the_failed_rows_are_read_again(ana: User) -> None:
    """After a fix of the data a retry reads those rows of the original file, wherever they stand."""
    rows = [[f"row-{n}", f"Title {n}", "bob" if n % 50 == 0 else "ana"] for n in range(1, 201)]
    run = perform(importing(as_csv(rows, AUTHORED), AUTHORED))
    assert (run.done, run.failed) == (196, 4)
    assert positions(run) == [51, 101, 151, 201]
    User.objects.create_user("bob")
    retry = perform(control.retry(run.pk, only="failed").run)
    assert (retry.total, retry.done) == (4, 4)
    assert set(Note.objects.filter(author__username="bob").values_list("slug", flat=True)) == {
        "row-50",
        "row-100",
        "row-150",
        "row-200",
    }


def test_what_fails_again_keeps_its_place_for_the_next_retry(ana: User) -> None:
    """A retry of a retry still finds its rows in the original file."""
    rows = [[f"row-{n}", f"Title {n}", "bob" if n > 8 else "ana"] for n in range(1, 11)]
    run = perform(importing(as_csv(rows, AUTHORED), AUTHORED))
    again = perform(control.retry(run.pk).run)
    assert positions(again) == positions(run) == [10, 11]
    User.objects.create_user("bob")
    assert_succeeded(perform(control.retry(again.pk).run))
    assert Note.objects.count() == 10


def test_all_or_nothing_undoes_every_row_when_one_fails(ana: User) -> None:
    """Nothing is imported, the run says so and how many failed; after a fix of the data the whole is imported."""
    rows = [[f"row-{n}", f"Title {n}", "bob" if n == 20 else "ana"] for n in range(1, 22)]
    preview = previewed(as_csv(rows, AUTHORED), AUTHORED)
    run = perform(control.do_it_now(preview.pk, on_error="stop").run)
    assert (run.state, run.done, run.failed) == (State.FAILED, 0, 1)
    assert "Nothing was imported: 1 of 21 rows failed" in run.why
    assert not Note.objects.exists()
    User.objects.create_user("bob")
    retry = perform(control.retry(run.pk).run)
    assert_succeeded(retry)
    assert retry.done == Note.objects.count() == 21


def test_a_cancelled_import_goes_on_where_it_stopped_in_its_retry() -> None:
    """The rows that were done are not done again; the retry does the rest, from the byte where it stopped."""
    run = importing(as_csv(rows_of_notes(300)))
    perform_some(run)
    control.cancel(run.pk)
    run.refresh_from_db()
    assert 0 < run.done < 300
    retry = perform(control.retry(run.pk).run)
    assert retry.total == 300 - run.done
    assert_succeeded(retry)
    assert Note.objects.count() == 300


def perform_some(run: Run) -> None:
    """Do one chunk of the run's rows, as a worker does before it is told to stop."""
    perform_stage(run)
    chunk(must_win(run, 1), 100)
    Partition.objects.filter(run=run, outcome=None).update(lease_until=None)


def perform_stage(run: Run) -> None:
    """Read the run's file, no row done."""
    chunk(must_win(run, 0), 1)


def test_a_large_import_takes_its_holds_before_it_begins(settings: Any) -> None:
    """By its preparing partition, batch by batch; what others hold is left out of them, and its row says so."""
    settings.CONSOLE = {**settings.CONSOLE, "PREPARE_ABOVE": 3, "PREPARE_BATCH": 2}
    notes = [Note.objects.create(slug=f"row-{n}", title="Old") for n in range(1, 8)]
    preview = previewed(as_csv(rows_of_notes(9)))
    with hold(notes[3], label="Update tags") as other:
        run = control.do_it_now(preview.pk).run
        assert (run.preparing, run.total) == (True, None)
        chunk(must_win(run), 1)
        assert run.targets.filter(hold="exclusive").count() == 2
        Partition.objects.filter(run=run).update(lease_until=None)
        perform(run)
        assert (run.total, run.done, run.skipped) == (9, 8, 1)
        assert f"(run {other.pk})" in run.failures.get().reason
        assert {target.object_id for target in run.targets.all()} == {str(n.pk) for n in notes if n != notes[3]}


def test_a_paused_import_goes_on_at_the_next_row() -> None:
    """Nothing is done twice, and nothing left out."""
    run = importing(as_csv(rows_of_notes(300)))
    perform_some(run)
    control.pause(run.pk)
    assert 0 < Note.objects.count() < 300
    control.resume(run.pk)
    perform(run)
    assert (run.state, run.done, tally(run)) == (State.SUCCEEDED, 300, {"new": 300})


def test_outside_trouble_rolls_the_chunk_back_and_is_tried_again() -> None:
    """The run waits, and goes on from the row where it stood."""

    class Troubled(NoteResource):
        away: ClassVar = [True]

        def before_import(self, dataset: Any, **kwargs: Any) -> None:
            if self.away:
                self.away.clear()
                raise Retry("The catalogue is away.")

    with declared(Note, base=Import, resource_class=Troubled) as operation:
        run = perform(importing(as_csv(rows_of_notes(5)), operation=operation))
        assert (run.state, Note.objects.count()) == (State.WAITING, 0)
        control.resume(run.pk)
        assert_succeeded(perform(run))
    assert Note.objects.count() == 5


def test_a_fault_of_the_resource_is_each_rows_failure_with_its_traceback() -> None:
    """A hook that breaks ends no run, and the rows can be retried when it is mended."""

    class Broken(NoteResource):
        broken: ClassVar = [True]

        def before_import(self, dataset: Any, **kwargs: Any) -> None:
            if self.broken:
                raise KeyError("no such catalogue")

    with declared(Note, base=Import, resource_class=Broken) as operation:
        run = perform(importing(as_csv(rows_of_notes(3)), operation=operation))
        assert (run.state, run.failed, positions(run)) == (State.SUCCEEDED, 3, [2, 3, 4])
        assert "KeyError" in run.failures.all()[0].traceback
        Broken.broken.clear()
        assert_succeeded(perform(control.retry(run.pk).run))
    assert Note.objects.count() == 3


@pytest.mark.parametrize(
    ("resource", "model", "headings", "rows"),
    [
        (ArticleResource, Article, ("slug", "title", "price", "seen_at"), [["a", "A", "1.50", "2026-05-03 10:00:00"]]),
        (ChapterResource, Chapter, ("article", "name", "anchor"), [["art", "One", "x"], ["art", "Two", "y"]]),
        (NiceArticleResource, NiceArticle, ("slug", "title"), [["a", "A"]]),
        (PizzeriaResource, Pizzeria, ("name", "stars", "oven"), [["Da Ana", "3", "wood"]]),
        (LabelResource, Label, ("id", "name"), [["7", "red"], ["8", "blue"]]),
    ],
)
def test_any_resource_is_previewed_imported_and_found_unchanged_or_changed(
    resource: Any, model: Any, headings: tuple[str, ...], rows: list[list[str]]
) -> None:
    """Dates, decimals, two fields that identify, a proxy, inherited tables, a plain key: made once, then found."""
    Article.objects.create(slug="art", title="Art")
    with declared(model, base=Import, resource_class=resource) as operation:
        before = model._base_manager.count()
        content = as_csv(rows, headings)
        preview = previewed(content, headings, operation=operation)
        assert (tally(preview), preview.failed) == ({"new": len(rows)}, 0)
        run = perform(control.do_it_now(preview.pk).run)
        assert tally(run) == {"new": len(rows)}
        assert model._base_manager.count() == before + len(rows)
        again = previewed(content, headings, operation=operation)
        assert sum(tally(again).values()) == len(rows)
        assert "new" not in tally(again)
        assert again.targets.count() == tally(again).get("changed", 0)


def test_rows_that_mean_deletion_are_counted_and_their_objects_locked() -> None:
    """As the resource's own `for_delete` says."""
    Article.objects.create(slug="a", title="A")
    Article.objects.create(slug="b", title="B")
    headings = ("slug", "title")
    with declared(Article, base=Import, resource_class=DeletingArticleResource) as operation:
        preview = previewed(as_csv([["a", "DELETE"], ["c", "C"]], headings), headings, operation=operation)
        assert tally(preview) == {"deleted": 1, "new": 1}
        run = perform(control.do_it_now(preview.pk).run)
    assert_succeeded(run)
    assert set(Article._base_manager.values_list("slug", flat=True)) == {"b", "c"}
