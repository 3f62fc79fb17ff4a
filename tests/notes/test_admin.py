"""Notes in the admin: the trash stays out of sight, the counts come from the table."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from notes.models import AuthorStatistics, Note

pytestmark = pytest.mark.django_db
LIST = "/admin/notes/note/"


@pytest.fixture
def notes() -> None:
    """One note in the list, one in the trash."""
    Note.objects.create(title="Kept", slug="kept")
    Note.objects.create(title="Thrown away", slug="thrown-away", trashed_at=timezone.now())


def titles(client: Client, query: str = "") -> set[str]:
    """Return the titles on the change list."""
    return {note.title for note in client.get(f"{LIST}{query}").context["cl"].result_list}


@pytest.mark.usefixtures("notes")
class TestNotes:
    """The notes' pages."""

    def test_the_list_leaves_out_the_trash(self, admin_client: Client) -> None:
        """Unless the filter asks for it."""
        assert titles(admin_client) == {"Kept"}
        assert titles(admin_client, "?trash=only") == {"Thrown away"}
        assert titles(admin_client, "?trash=all") == {"Kept", "Thrown away"}

    def test_the_filter_names_what_the_list_shows(self, admin_client: Client) -> None:
        """The choice in force is the one without the trash."""
        page = admin_client.get(LIST).content.decode()
        for choice in ("Not in the trash", "In the trash", "Everything"):
            assert choice in page

    def test_a_trashed_note_has_a_page(self, admin_client: Client) -> None:
        """Whoever follows a link to it can read it."""
        trashed = Note.all_objects.get(slug="thrown-away")
        assert admin_client.get(f"{LIST}{trashed.pk}/change/").status_code == 200

    def test_searches_title_slug_and_body(self, admin_client: Client) -> None:
        """And still without the trash."""
        Note.objects.create(title="Lunch", slug="soup", body="lentils with lemon")
        for word in ("lunch", "soup", "lemon"):
            assert titles(admin_client, f"?q={word}") == {"Lunch"}
        assert titles(admin_client, "?q=thrown") == set()

    def test_a_note_is_added_with_its_attachments(self, admin_client: Client) -> None:
        """In one form."""
        form = {
            "title": "Tea",
            "slug": "tea",
            "body": "",
            "author": "",
            "attachments-TOTAL_FORMS": "1",
            "attachments-INITIAL_FORMS": "0",
            "attachments-0-name": "list.txt",
            "attachments-0-content": "cups",
        }
        assert admin_client.post(f"{LIST}add/", form).status_code == 302
        assert Note.objects.get(slug="tea").attachments.get().name == "list.txt"


class TestAuthorStatistics:
    """The counts' pages."""

    @pytest.fixture
    def counts(self) -> AuthorStatistics:
        """Counts that no counting would give."""
        ana = get_user_model().objects.create(username="ana")
        return AuthorStatistics.objects.create(author=ana, notes=4321, trashed=7, refreshed_at=timezone.now())

    def test_are_served_as_last_counted(self, admin_client: Client, counts: AuthorStatistics) -> None:
        """The page shows the stored counts, and counts no notes."""
        Note.objects.create(title="Newer", slug="newer", author=counts.author)
        assert "4321" in admin_client.get("/admin/notes/authorstatistics/").content.decode()

    def test_are_not_edited_by_hand(self, admin_client: Client, counts: AuthorStatistics) -> None:
        """There is nothing to add, and no form to save."""
        page = f"/admin/notes/authorstatistics/{counts.pk}/change/"
        assert admin_client.get("/admin/notes/authorstatistics/add/").status_code == 403
        assert "_save" not in admin_client.get(page).content.decode()
        assert admin_client.post(page, {"notes": "1"}).status_code == 403

    def test_go_with_their_author(self, admin_client: Client, counts: AuthorStatistics) -> None:
        """They do not stand in the way of deleting an author."""
        admin_client.post(f"/admin/auth/user/{counts.author.pk}/delete/", {"post": "yes"})
        assert not AuthorStatistics.objects.exists()
