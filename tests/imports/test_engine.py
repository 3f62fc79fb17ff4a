"""Rows of a file as items of a run: exactly once, resumable at the row, counted, and reported one by one."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from console.engine import control
from console.models import Failure, Partition, Run
from console.states import State
from console.testing import assert_succeeded, hold, perform
from notes.models import Note
from tests.engine.kit import chunk, must_win
from tests.imports.files import as_csv, importing, previewed, rows_of_notes

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
