"""Files of the console: what runs read, write and report, with the bytes in its own storage."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from console.models.runs import Run
from console.storage import storage

logger = logging.getLogger(__name__)


class File(models.Model):
    """One file in the console's storage, and its record, which outlives the bytes. Only engine/files.py writes it."""

    class Kind(models.TextChoices):
        """What the file is to its run."""

        INPUT = "input", _("input")  # as somebody uploaded it
        STAGED = "staged", _("staged")  # an input made ready to be read from any place
        PART = "part", _("part")  # what one checkpoint wrote of an output
        OUTPUT = "output", _("output")
        REPORT = "report", _("report")

    run = models.ForeignKey(Run, models.CASCADE, null=True, related_name="files")  # null until there is one
    of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="made_of_it")
    kind = models.CharField(_("kind"), max_length=6, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=200)
    stored = models.CharField(max_length=200, unique=True, editable=False)
    size = models.PositiveBigIntegerField(_("size"))
    sha256 = models.CharField("SHA-256", max_length=64, db_index=True)
    media_type = models.CharField(_("type"), max_length=100, default="application/octet-stream")
    rows = models.PositiveBigIntegerField(_("rows"), null=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, verbose_name=_("made by"), related_name="+"
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())
    expires_at = models.DateTimeField(_("kept until"), null=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True)

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        ordering = ("id",)
        default_permissions = ()
        permissions = (("clean_files", "Can clean up files"),)  # untranslated, as Django's own are
        indexes = (
            # Read by the clean-up.
            models.Index(
                fields=("expires_at",), condition=models.Q(deleted_at__isnull=True), name="console_file_expires"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_there(self) -> bool:
        """Whether the file can still be had: neither deleted nor expired."""
        return self.deleted_at is None and (self.expires_at is None or self.expires_at > timezone.now())


def forget_bytes(names: list[str]) -> None:
    """Delete stored bytes once the transaction has committed; what cannot be deleted now is found by the clean-up."""
    transaction.on_commit(lambda: _delete(names), robust=True)


def _delete(names: list[str]) -> None:
    kept = storage()
    for name in names:
        try:
            kept.delete(name)
        except OSError:
            logger.warning("the stored file %s could not be deleted; the clean-up tries again", name, exc_info=True)


@receiver(post_delete, sender=File, dispatch_uid="console.files")
def _forget(instance: File, **_: Any) -> None:
    """Take the bytes along when the record goes, with its run too."""
    forget_bytes([instance.stored])
