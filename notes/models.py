"""Notes, the tags they carry, the files attached to them, and the counts kept for each author."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class TagManager(models.Manager["Tag"]):
    """Tags, found by their name."""

    def get_by_natural_key(self, name: str) -> Tag:
        """Return the tag called `name`; raises `Tag.DoesNotExist`."""
        return self.get(name=name)


class Tag(models.Model):
    """A word that groups notes."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    slug = models.SlugField(_("slug"), max_length=60)

    objects = TagManager()

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        """Return what names this tag in a fixture."""
        return (self.name,)


class NoteQuerySet(models.QuerySet["Note"]):
    """Notes, in the trash or out of it."""

    def live(self) -> NoteQuerySet:
        """Return the notes that are not in the trash."""
        return self.filter(trashed_at=None)

    def trashed(self) -> NoteQuerySet:
        """Return the notes in the trash."""
        return self.exclude(trashed_at=None)


class AllNotes(models.Manager.from_queryset(NoteQuerySet)):  # type: ignore[misc]
    """Every note, those in the trash included."""

    def get_by_natural_key(self, slug: str) -> Note:
        """Return the note with this slug, trashed or not; raises `Note.DoesNotExist`."""
        return self.get(slug=slug)


class LiveNotes(models.Manager.from_queryset(NoteQuerySet)):  # type: ignore[misc]
    """The notes that are not in the trash."""

    def get_queryset(self) -> NoteQuerySet:
        """Return the notes of `all_objects` without the trash."""
        return super().get_queryset().live()


class Note(models.Model):
    """A short text by one author.

    `Note.objects` leaves out the trash; `Note.all_objects` does not. Django itself uses the latter
    (`default_manager_name`), or the slug of a trashed note would look free to every form.
    """

    title = models.CharField(_("title"), max_length=200)
    slug = models.SlugField(_("slug"), max_length=220, unique=True)
    body = models.TextField(_("body"), blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="notes",
        verbose_name=_("author"),
    )
    tags = models.ManyToManyField(Tag, blank=True, related_name="notes", verbose_name=_("tags"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True, db_index=True)
    trashed_at = models.DateTimeField(_("trashed"), null=True, blank=True, editable=False)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True, editable=False)
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)

    objects = LiveNotes()
    all_objects = AllNotes()

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        default_manager_name = "all_objects"
        indexes = (
            models.Index(
                fields=["trashed_at"],
                name="notes_note_in_trash",
                condition=models.Q(trashed_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.title

    def natural_key(self) -> tuple[str]:
        """Return what names this note in a fixture."""
        return (self.slug,)


class AttachmentManager(models.Manager["Attachment"]):
    """Attachments, found by their note and name."""

    def get_by_natural_key(self, note: str, name: str) -> Attachment:
        """Return the attachment called `name` of the note with the slug `note`; raises `DoesNotExist`."""
        return self.get(note__slug=note, name=name)


class Attachment(models.Model):
    """A small text file that belongs to one note, and goes where its note goes."""

    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="attachments", verbose_name=_("note"))
    name = models.CharField(_("name"), max_length=120)
    content = models.TextField(_("content"), blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = AttachmentManager()

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        constraints = (models.UniqueConstraint(fields=["note", "name"], name="notes_attachment_name_of_note"),)

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[Any, ...]:
        """Return what names this attachment in a fixture."""
        return (*self.note.natural_key(), self.name)

    natural_key.dependencies = ("notes.note",)  # type: ignore[attr-defined]


class AuthorStatistics(models.Model):
    """How many notes an author has, counted by the operation `notes.statistics` and read everywhere else."""

    author = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="note_statistics",
        verbose_name=_("author"),
    )
    notes = models.PositiveIntegerField(_("notes"), default=0)
    trashed = models.PositiveIntegerField(_("in the trash"), default=0)
    refreshed_at = models.DateTimeField(_("counted"))

    class Meta:
        verbose_name = _("author statistics")
        verbose_name_plural = _("author statistics")

    def __str__(self) -> str:
        return f"{self.author}: {self.notes}"
