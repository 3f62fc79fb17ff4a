"""The import through its pages, without JavaScript: file, columns, preview, import, report."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from console.engine.files import keep, remove
from console.models import ColumnMapping, File, Run
from console.testing import assert_succeeded, hold, perform
from notes.models import Note, Tag
from notes.operations import ImportNotes
from tests.admin.forms import messages_of, only_form, text_of
from tests.admin.payloads import PAYLOAD
from tests.admin.running import page_of, put_away, signed_in, staff
from tests.admin.test_escaping import Reader
from tests.imports.files import as_csv, rows_of_notes
from tests.imports.walking import LIST, UPLOAD, confirmation, counts_of, imported, press, previewed, run_of, upload

# What a page starts commits before it is carried out at once.
pytestmark = pytest.mark.django_db(transaction=True)

AUTHORED = ("slug", "title", "author")


@pytest.fixture
def client() -> Client:
    """The browser of somebody who may do everything."""
    return signed_in(User.objects.create_superuser("ana"))


class TestTheWay:
    """From the button on the change list to the report."""

    def test_from_the_button_to_the_report(self, client: Client) -> None:
        """A file, its columns guessed, a preview at once, the import, its report."""
        Note.objects.create(slug="row-1", title="Old", body="Body 1")
        assert f'href="{UPLOAD}"' in client.get(LIST).content.decode()
        page = upload(client, as_csv(rows_of_notes(3)))
        assert "Columns of notes.csv" in text_of(page)
        assert only_form(page).data()["columns"] == ["slug", "title", "body"]
        page = press(client, page)
        assert (run_of(page).dry_run, run_of(page).state) == (True, "succeeded")
        assert counts_of(page) == {"New": 2, "Changed": 1}
        assert Note.objects.count() == 1
        run = imported(client, page)
        assert_succeeded(run)
        page = client.get(page_of(run))
        assert "3 imported" in text_of(page)
        assert counts_of(page) == {"New": 2, "Changed": 1}
        assert client.get(page_of(run, "progress")).json()["counts"]["new"] == 2
        assert Note.objects.get(slug="row-1").title == "Title 1"

    def test_a_preview_shows_the_first_rows_of_each_kind_field_by_field(self, client: Client) -> None:
        """What was and what becomes, by the names of the file's own columns; failing rows with field, value and why."""
        Note.objects.create(slug="a", title="Old")
        rows = [["a", "New title", ""], ["b", "B", ""], ["c", "C", "J. Smiht"]]
        page = previewed(client, as_csv(rows, ("slug", "TITLE", "author")))
        address = page_of(run_of(page))
        assert "TITLE" in text_of(page)
        assert "<ins>" in page.content.decode()
        changed = client.get(f"{address}?rows=changed").content.decode()
        assert "<bdi>Old</bdi></del>" in changed
        assert "<bdi>New title</bdi></ins>" in changed
        failing = text_of(client.get(f"{address}?rows=failing"))
        assert "4 author J. Smiht" in failing

    def test_two_clicks_are_one_import(self, client: Client) -> None:
        """The second leads to the first's run."""
        page = previewed(client, as_csv(rows_of_notes(2)))
        first, second = imported(client, page), imported(client, page)
        assert first == second
        assert Run.objects.filter(dry_run=False).count() == 1

    def test_all_or_nothing_is_a_choice_of_the_preview(self, client: Client) -> None:
        """One row fails, so none is imported; the report names the row and retries the whole alone."""
        rows = [*([f"row-{n}", f"Title {n}", "ana"] for n in range(1, 6)), ["bad", "Bad", "nobody"]]
        run = imported(client, previewed(client, as_csv(rows, AUTHORED)), on_error="stop")
        assert (run.state, run.done, Note.objects.count()) == ("failed", 0, 0)
        page = client.get(page_of(run))
        assert "Nothing was imported: 1 of 6 rows failed" in text_of(page)
        retry = client.get(page_of(run, "retry"))
        assert "the 6 not done" in text_of(retry)
        assert "only the 1 that failed" not in text_of(retry)

    def test_a_file_too_long_for_one_transaction_is_not_offered_all_or_nothing(
        self, client: Client, settings: Any
    ) -> None:
        """The page says the limit, and a forged choice starts nothing."""
        settings.CONSOLE = {**settings.CONSOLE, "IMPORT_ALL_OR_NOTHING": 2}
        page = previewed(client, as_csv(rows_of_notes(3)))
        assert "All or nothing is possible up to 2 rows." in text_of(page)
        answer = client.post(page_of(run_of(page), "start"), {"on_error": "stop"}, follow=True)
        assert "Nothing was started. The file has 3 rows" in messages_of(answer)[0]
        assert not Run.objects.filter(dry_run=False).exists()

    def test_without_a_good_row_nothing_can_be_imported(self, client: Client) -> None:
        """The preview says so and has no button."""
        page = previewed(client, as_csv([["a", "A", "nobody"]], AUTHORED))
        assert "No row can be imported. Mend the file and upload it again." in text_of(page)
        assert confirmation(page) is None


class TestTheFile:
    """What is taken, what is refused and why."""

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff", "is not a table: it is a program file"),
            (b"", "is empty"),
            (b"slug,title\n", "no rows"),
            (b"\x00\x01\x02" * 50, ""),
        ],
    )
    def test_a_refusal_says_why(self, client: Client, content: bytes, told: str) -> None:
        """Nothing is started, and the page of the file comes back."""
        page = upload(client, content)
        if "rows" in page.context and told == "no rows":
            page = press(client, page)
            assert run_of(page).state == "failed"
        assert told in text_of(page) or told == "no rows"
        assert not Note.objects.exists()

    def test_a_file_over_the_limit_is_refused(self, client: Client, settings: Any) -> None:
        """By its size, before it is read."""
        settings.CONSOLE = {**settings.CONSOLE, "IMPORT_MAX_BYTES": 20}
        assert "the limit is 20" in text_of(upload(client, as_csv(rows_of_notes(3)))).replace("\xa0", " ")
        assert not File.objects.exists()

    def test_no_file_at_all(self, client: Client) -> None:
        """The page asks for one."""
        assert "Choose a file first." in text_of(client.post(UPLOAD))

    def test_the_same_file_again_is_noted(self, client: Client) -> None:
        """A note with a link, not a wall."""
        content = as_csv(rows_of_notes(2))
        assert "this very file" not in text_of(upload(client, content))
        run = imported(client, previewed(client, content))
        page = upload(client, content)
        assert f"(run {run.pk})" in text_of(page)
        assert "You imported this very file" in text_of(page)
        assert press(client, page).status_code == 200

    def test_somebody_elses_upload_is_not_there(self, client: Client) -> None:
        """Until there is a run of it, an upload is of whoever uploaded it."""
        address = upload(client, as_csv(rows_of_notes(2))).request["PATH_INFO"]
        other = signed_in(staff("bob", "notes.view_note", "notes.add_note", "notes.change_note"))
        assert other.get(address).status_code == 404

    def test_a_page_starts_nothing_over_another_file_than_its_own(self, client: Client) -> None:
        """A number changed in the form is no way to somebody else's upload."""
        theirs = keep([as_csv(rows_of_notes(2))], kind=File.Kind.INPUT, name="theirs.csv")
        page = press(client, upload(client, as_csv(rows_of_notes(1))), file=str(theirs.pk))
        assert "Nothing was started. This page is about another file." in text_of(page)
        assert not Run.objects.exists()

    def test_a_preview_whose_file_is_gone_starts_nothing(self, client: Client) -> None:
        """It says so; the preview stays readable."""
        page = previewed(client, as_csv(rows_of_notes(2)))
        remove(File.objects.all())
        answer = client.post(page_of(run_of(page), "start"), follow=True)
        assert messages_of(answer) == ["The file “notes.csv” is no longer there."]
        assert not Run.objects.filter(dry_run=False).exists()

    def test_the_original_is_kept_and_can_be_had_again(self, client: Client) -> None:
        """From the import and from its preview, byte by byte."""
        content = as_csv(rows_of_notes(2))
        run = imported(client, previewed(client, content))
        for one in (run, run.preview_of):
            assert one is not None
            answer = client.get(page_of(one, "input"))
            assert b"".join(answer.streaming_content) == content  # type: ignore[attr-defined]
            put_away(answer)


class TestColumns:
    """What goes where."""

    def test_a_column_can_be_left_out_and_another_chosen(self, client: Client) -> None:
        """The choice of the page is what is imported."""
        page = upload(client, as_csv([["a", "A", "text"]], ("slug", "name", "body")))
        assert only_form(page).data()["columns"] == ["slug", "", "body"]
        run = imported(client, press(client, page, columns=["slug", "title", ""]))
        assert_succeeded(run)
        note = Note.objects.get()
        assert (note.title, note.body) == ("A", "")

    def test_what_identifies_a_row_must_be_there(self, client: Client) -> None:
        """Nothing is started without it, nor with two columns for one field."""
        page = upload(client, as_csv([["A"]], ("title",)))
        assert "No column for “Slug”, which identifies a note. Choose one." in text_of(page)
        assert "Nothing was started. No column for “Slug”" in text_of(press(client, page))
        page = upload(client, as_csv([["a", "b"]], ("slug", "name")))
        assert "Two columns go to “Slug”" in text_of(press(client, page, columns=["slug", "slug"]))
        assert not Run.objects.exists()

    def test_of_two_columns_with_one_name_the_second_is_not_imported_unless_chosen(self, client: Client) -> None:
        """And the page says so."""
        page = upload(client, b"slug,title,title\na,First,Second\n")
        assert only_form(page).data()["columns"] == ["slug", "title", ""]
        assert "2 columns are called “title”; this one is not imported unless you choose it." in text_of(page)
        imported(client, press(client, page, columns=["slug", "", "title"]))
        assert Note.objects.get().title == "Second"

    def test_a_mapping_is_saved_by_name_and_offered_for_the_same_headings(self, client: Client) -> None:
        """Not for others."""
        page = upload(client, as_csv([["a", "A"]], ("Code", "Name")))
        page = press(client, page, "Save the mapping", columns=["slug", "title"], mapping_name="Shop")
        assert messages_of(page) == ["Saved as “Shop”: offered for files with the same headings."]
        saved = ColumnMapping.objects.get()
        again = upload(client, as_csv([["b", "B"]], ("Code", "Name")))
        assert "Saved for these headings: Shop" in text_of(again)
        chosen = client.get(f"{again.request['PATH_INFO']}?mapping={saved.pk}")
        assert only_form(chosen).data()["columns"] == ["slug", "title"]
        other = upload(client, as_csv([["b", "B"]], ("Code", "Title")))
        assert "Shop" not in text_of(other)

    def test_a_mapping_needs_a_name(self, client: Client) -> None:
        """The page says what is missing, and keeps what was chosen."""
        page = upload(client, as_csv([["a", "A"]], ("Code", "Name")))
        page = press(client, page, "Save the mapping", columns=["slug", "title"], mapping_name=" ")
        assert "Nothing was saved. Give the mapping a name." in text_of(page)
        assert only_form(page).data()["columns"] == ["slug", "title"]

    def test_encoding_and_delimiter_are_shown_and_can_be_changed(self, client: Client) -> None:
        """What was chosen holds for the preview and for the import."""
        content = "slug;title\na;Ærø\n".encode("cp1252")
        page = upload(client, content)
        assert "Windows-1252, semicolon" in text_of(page)
        address = page.request["PATH_INFO"]
        page = client.get(address, {"encoding": "utf-8", "delimiter": ","})
        assert "slug;title" in text_of(page)
        page = client.get(address, {"encoding": "cp1252", "delimiter": ";"})
        imported(client, press(client, page))
        assert Note.objects.get().title == "Ærø"

    def test_changed_columns_need_a_new_preview(self, client: Client) -> None:
        """The older one says so, and starts nothing."""
        page = upload(client, as_csv([["a", "A", "text"]], ("slug", "title", "body")))
        old = press(client, page)
        page = client.get(old.context["import_columns"])
        assert only_form(page).data()["columns"] == ["slug", "title", "body"]
        new = press(client, page, columns=["slug", "title", ""])
        stale = client.get(page_of(run_of(old)))
        assert f"The columns changed since this preview. See run {run_of(new).pk}" in text_of(stale)
        assert confirmation(stale) is None
        answer = client.post(page_of(run_of(old), "start"), follow=True)
        assert messages_of(answer)[0].startswith("Nothing was started. The columns changed since this preview")
        assert_succeeded(imported(client, new))


class TestTheReport:
    """What failed, why, and the ways on."""

    def test_a_held_row_names_the_run_and_is_retried_when_that_has_ended(self, client: Client) -> None:
        """The others are imported meanwhile."""
        note = Note.objects.create(slug="row-2", title="Old")
        page = previewed(client, as_csv(rows_of_notes(3)))
        with hold(note, label="Update tags") as other:
            run = imported(client, page)
            report = text_of(client.get(page_of(run)))
            assert "2 imported, 1 failed. Your file is untouched." in report
            assert f"locked by Update tags (run {other.pk})" in report
        answer = client.post(page_of(run, "retry"), follow=True)
        assert_succeeded(perform(run_of(answer)))
        note.refresh_from_db()
        assert note.title == "Title 2"

    def test_the_imported_rows_can_be_had_with_the_ids_of_their_objects(self, client: Client) -> None:
        """Row by row, what came of each; a row that failed is not among them."""
        old = Note.objects.create(slug="a", title="Old")
        same = Note.objects.create(slug="d", title="Same")
        rows = [["a", "A", ""], ["b", "B", "J. Smiht"], ["c", "C", ""], ["d", "Same", ""]]
        run = imported(client, previewed(client, as_csv(rows, AUTHORED)))
        assert "Imported rows with the ids of their objects: CSV" in text_of(client.get(page_of(run)))
        answer = client.get(page_of(run, "imported.csv"))
        told = b"".join(answer.streaming_content).decode("utf-8-sig").split()  # type: ignore[attr-defined]
        new = Note.objects.get(slug="c")
        assert told == ["row,object_id,what", f"2,{old.pk},changed", f"4,{new.pk},new", f"5,{same.pk},unchanged"]

    def test_the_failed_rows_are_retried_without_a_new_file(self, client: Client) -> None:
        """After the mistake in the data is mended, those rows alone."""
        rows = [["a", "A", "ana"], ["b", "B", "bob"], ["c", "C", "ana"]]
        run = imported(client, previewed(client, as_csv(rows, AUTHORED)))
        page = client.get(page_of(run))
        assert "2 imported, 1 failed. Your file is untouched." in text_of(page)
        assert "Retry the 1 row…" in text_of(page)
        User.objects.create_user("bob")
        retry = perform(run_of(client.post(page_of(run, "retry"), {"only": "failed"}, follow=True)))
        assert (retry.total, retry.done) == (1, 1)
        assert "bob" in str(Note.objects.get(slug="b").author)

    def test_the_failed_rows_come_back_mended_and_are_linked_to_the_first_run(self, client: Client) -> None:
        """In the file's own columns; what the report added is ignored, and a cell that looks like a formula is as it was."""
        User.objects.create_user("bob")
        rows = [["a", "A", "ana"], ["b", "=1+1", "J. Smiht"], ["c", "C", "ana"]]
        first = imported(client, previewed(client, as_csv(rows, AUTHORED)))
        answer = client.get(page_of(first, "failures.csv"))
        report = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        put_away(answer)
        page = upload(client, report.replace(b"J. Smiht", b"bob"), "failures.csv")
        assert f"These are failed rows of run {first.pk}." in text_of(page)
        second = imported(client, press(client, page))
        assert_succeeded(second)
        assert second.total == 1
        assert Note.objects.get(slug="b").title == "=1+1"
        assert f"Run {second.pk} imports mended rows of this run." in text_of(client.get(page_of(first)))

    def test_tags_authors_and_unchanged_rows_go_through_the_resource(self, client: Client) -> None:
        """The resource's own widgets: a foreign key by username, many tags by name, what is unchanged left alone."""
        Tag.objects.create(name="red", slug="red")
        Tag.objects.create(name="blue", slug="blue")
        headings = ("slug", "title", "author", "tags")
        content = as_csv([["a", "A", "ana", "red|blue"]], headings)
        imported(client, previewed(client, content))
        note = Note.objects.get()
        assert {tag.name for tag in note.tags.all()} == {"red", "blue"}
        page = previewed(client, content)
        assert counts_of(page) == {"Unchanged": 1}


class TestWhoMay:
    """To add and to change, and no less."""

    @pytest.mark.parametrize("lacking", ["notes.add_note", "notes.change_note"])
    def test_an_import_needs_both_permissions(self, lacking: str) -> None:
        """Without one there is no button, and the page names what is missing."""
        held = {"notes.view_note", "notes.add_note", "notes.change_note"} - {lacking}
        client = signed_in(staff("bob", *held))
        assert UPLOAD not in client.get(LIST).content.decode()
        answer = client.get(UPLOAD)
        assert answer.status_code == 403
        assert "Can " in text_of(answer)

    def test_it_begins_in_the_list_of_runs_too(self, client: Client) -> None:
        """“Start…” leads to the file's page, and what asks for a confirmation page does too."""
        assert f'href="{UPLOAD}"' in client.get("/admin/console/run/start/").content.decode()
        assert client.get("/admin/console/run/start/notes.import/").headers["Location"] == UPLOAD

    def test_nothing_of_a_file_is_markup(self, client: Client) -> None:
        """Its name, its headings and its cells, on every page of the import."""
        content = as_csv([["a", PAYLOAD, "ana"], ["b", "B", PAYLOAD]], ("slug", "title", PAYLOAD))
        columns = upload(client, content, f"{PAYLOAD.replace('/', '')}.csv")
        preview = press(client, columns, columns=["slug", "title", "author"])
        run = imported(client, preview)
        address = page_of(run_of(preview))
        pages = [columns, preview, *(client.get(f"{address}?rows={kind}") for kind in ("new", "failing"))]
        for page in [*pages, client.get(page_of(run)), client.get(UPLOAD), upload(client, content)]:
            reader = Reader()
            reader.feed(page.content.decode())
            assert reader.found == []
            assert "<img src=x" not in page.content.decode()


def test_headings_are_guessed_in_the_languages_of_the_site() -> None:
    """As the admin names the fields there, without accents and with a slip of the pen."""
    headings = ["SLUG", "Titulo", "Autor", "Etiquetas", "Boddy"]
    assert ImportNotes.guess(headings) == ["slug", "title", "author", "tags", "body"]
