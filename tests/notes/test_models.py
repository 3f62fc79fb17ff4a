"""Notes, their trash, and what belongs to them."""

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.forms import modelform_factory
from django.utils import timezone

from notes.models import Attachment, Note, Tag

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept() -> Note:
    """A note that is not in the trash."""
    return Note.objects.create(title="Kept", slug="kept")


@pytest.fixture
def trashed() -> Note:
    """A note that is."""
    return Note.objects.create(title="Trashed", slug="trashed", trashed_at=timezone.now())


class TestTrash:
    """Who sees the trash, and who does not."""

    def test_objects_leave_out_the_trash(self, kept: Note, trashed: Note) -> None:
        """`Note.objects` are the notes that are not in the trash."""
        assert list(Note.objects.all()) == [kept]

    def test_all_objects_hold_the_trash_too(self, kept: Note, trashed: Note) -> None:
        """`Note.all_objects` are all notes, and can be asked for either side."""
        assert set(Note.all_objects.all()) == {kept, trashed}
        assert list(Note.all_objects.trashed()) == [trashed]
        assert list(Note.all_objects.live()) == [kept]

    def test_django_itself_sees_the_trash(self, trashed: Note) -> None:
        """A trashed note can still be saved, refreshed and reached from its author."""
        author = get_user_model().objects.create(username="ana")
        trashed.author = author
        trashed.save()
        trashed.refresh_from_db()
        assert list(author.notes.all()) == [trashed]
        assert Note._base_manager.filter(pk=trashed.pk).exists()

    def test_the_slug_of_a_trashed_note_is_taken(self, trashed: Note) -> None:
        """A form says that the slug is taken, instead of failing in the database."""
        form = modelform_factory(Note, fields=["title", "slug"])({"title": "Another", "slug": trashed.slug})
        assert list(form.errors) == ["slug"]


class TestAttachment:
    """What belongs to a note."""

    def test_goes_with_its_note(self, kept: Note) -> None:
        """Deleting a note deletes its attachments."""
        kept.attachments.create(name="agenda.txt", content="1. Welcome")
        kept.delete()
        assert not Attachment.objects.exists()

    def test_its_name_is_unique_within_its_note(self, kept: Note, trashed: Note) -> None:
        """Two notes may have an attachment of the same name, one note may not have two."""
        kept.attachments.create(name="agenda.txt")
        trashed.attachments.create(name="agenda.txt")
        with pytest.raises(IntegrityError), transaction.atomic():
            kept.attachments.create(name="agenda.txt")


def test_a_note_outlives_its_author(kept: Note) -> None:
    """Deleting an author leaves the notes, without an author."""
    kept.author = get_user_model().objects.create(username="ana")
    kept.save()
    kept.author.delete()
    kept.refresh_from_db()
    assert kept.author is None


def test_fixtures_find_each_record_by_its_natural_key(kept: Note) -> None:
    """Tags, notes and attachments are found again by what names them in a fixture."""
    tag = Tag.objects.create(name="Ideas", slug="ideas")
    attachment = kept.attachments.create(name="agenda.txt")
    assert Tag.objects.get_by_natural_key(*tag.natural_key()) == tag
    assert Note.all_objects.get_by_natural_key(*kept.natural_key()) == kept
    assert Attachment.objects.get_by_natural_key(*attachment.natural_key()) == attachment
