"""What staff may do with many notes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from console.operations import (
    Copy,
    Delete,
    Export,
    ExternalOperation,
    Hold,
    Import,
    ItemFailed,
    Operation,
    Result,
    Retry,
    RetryPolicy,
    Skip,
    Update,
    register,
)
from console.schedules import Crontab, Interval, schedule
from notes.forms import CopyForm, RetagForm
from notes.models import AuthorStatistics, Note
from notes.publishing import NewsletterAwayError, NoteRefusedError, publish
from notes.resources import NoteResource


@register(Note)
class CopyNotes(Copy):
    """Make copies of each selected note."""

    name = "notes.copy"
    label = _("Copy")
    form = CopyForm
    permission = "notes.add_note"
    hold = Hold.SHARED
    related = ("tags", "attachments")
    cleared = ("trashed_at", "archived_at", "published_at")
    free_fields = ("trashed_at",)

    def summary(self) -> str:
        """Return how many copies each note gets."""
        copies: int = self.params["copies"]
        return ngettext("%s copy each", "%s copies each", copies) % number_format(copies, force_grouping=True)


@register(Note)
class RetagNotes(Update):
    """Add tags to each selected note, remove others."""

    name = "notes.retag"
    label = _("Change tags")
    form = RetagForm
    related = ("tags",)
    add: ClassVar = {"tags": "add"}
    remove: ClassVar = {"tags": "remove"}

    def summary(self) -> str:
        """Return the tags that come and go."""
        return ", ".join([f"+{tag}" for tag in self.params["add"]] + [f"−{tag}" for tag in self.params["remove"]])


@register(Note)
class ArchiveNotes(Update):
    """Archive the selected notes."""

    name = "notes.archive"
    label = _("Archive")

    def values(self, note: Note) -> dict[str, Any]:
        """Return the mark, unless the note has it already."""
        return {} if note.archived_at else {"archived_at": Now()}


@register(Note)
class TrashNotes(Update):
    """Move the selected notes to the trash, from where they can be restored."""

    name = "notes.trash"
    label = _("Move to the trash")
    permission = "notes.delete_note"

    def values(self, note: Note) -> dict[str, Any]:
        """Return the mark, unless the note has it already."""
        return {} if note.trashed_at else {"trashed_at": Now()}


@register(Note)
class RestoreNotes(Update):
    """Take the selected notes out of the trash."""

    name = "notes.restore"
    label = _("Restore from the trash")
    values: ClassVar = {"trashed_at": None}


@schedule(Crontab("30", "2"), name=_("Empty the trash"), filter="trash=old")
@register(Note)
class DeleteNotes(Delete):
    """Delete the selected notes for good, with their attachments."""

    name = "notes.delete"
    label = _("Delete for good")
    permission = "notes.delete_note"


@register(Note)
class ImportNotes(Import):
    """Create and change notes from the rows of a file."""

    name = "notes.import"
    label = _("Import")
    resource_class = NoteResource


@register(Note)
class PublishNotes(ExternalOperation):
    """Send each selected note to the newsletter service."""

    name = "notes.publish"
    label = _("Publish")
    retry = RetryPolicy(tries=5, base=2, cap=600)
    timeout = 15

    def call(self, note: Note, key: str) -> str:
        """Send the note, and return the service's id of it."""
        if note.trashed_at:
            raise Skip(note, gettext("It is in the trash."))
        try:
            return publish(letter(note), key, timeout=self.timeout - 5)
        except NewsletterAwayError as trouble:
            raise Retry(gettext("The newsletter service is away: %s.") % trouble) from trouble
        except NoteRefusedError as refusal:
            raise ItemFailed(note, gettext("The newsletter service refused it: %s.") % refusal) from refusal

    def process(self, note: Note, answer: str) -> Result:
        """Store that the note is out, and return it with the service's id."""
        Note.all_objects.filter(pk=note.pk).update(published_at=Now(), updated_at=Now())
        text = gettext("%(note)s, published as %(id)s") % {"note": note, "id": answer}
        return replace(Result.of(note), text=text)


@register(Note)
class ExportNotes(Export):
    """Write the selected notes into a file."""

    name = "notes.export"
    resource_class = NoteResource


def letter(note: Note) -> dict[str, Any]:
    """Return what the newsletter service is told of a note."""
    return {
        "slug": note.slug,
        "title": note.title,
        "body": note.body,
        "author": str(note.author or ""),
        "tags": [tag.name for tag in note.tags.all()],
    }


@schedule(Interval(10, "minutes"), name=_("Refresh author statistics"))
@register()
class CountNotes(Operation):
    """Count the notes of each author, in and out of the trash."""

    name = "notes.statistics"
    label = _("Refresh author statistics")
    permission = "notes.change_authorstatistics"
    selection = None
    repeatable = True

    def authors(self) -> QuerySet[AbstractUser]:
        """Return the users who have notes, or had some when last counted."""
        return get_user_model().objects.filter(
            Exists(Note.all_objects.filter(author=OuterRef("pk")))
            | Exists(AuthorStatistics.objects.filter(author=OuterRef("pk")))
        )

    def count(self) -> int:
        """Return how many authors there are."""
        return self.authors().count()

    def read(self, after: int, limit: int) -> Sequence[tuple[int, AbstractUser]]:
        """Return the next authors by key: the position is the key."""
        return [(author.pk, author) for author in self.authors().filter(pk__gt=after).order_by("pk")[:limit]]

    def process(self, authors: Sequence[AbstractUser]) -> None:
        """Count the notes of these authors and store the counts."""
        now = timezone.now()
        live = Count("notes", filter=Q(notes__isnull=False, notes__trashed_at=None))
        in_trash = Count("notes", filter=Q(notes__trashed_at__isnull=False))
        users = get_user_model().objects.filter(pk__in=[author.pk for author in authors])
        AuthorStatistics.objects.bulk_create(
            [
                AuthorStatistics(author=author, notes=author.live, trashed=author.in_trash, refreshed_at=now)
                for author in users.annotate(live=live, in_trash=in_trash)
            ],
            update_conflicts=True,
            unique_fields=["author"],
            update_fields=["notes", "trashed", "refreshed_at"],
        )
