"""The objects that a run works on; while `hold` is set and the run is active, the lock on them."""

from __future__ import annotations

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from console.models.runs import Run


class Target(models.Model):
    """One object of a run. What became of it follows from its partition's cursor and its failures."""

    # Neither key has an index of its own: those below begin with them.
    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="targets")
    content_type = models.ForeignKey(ContentType, models.CASCADE, db_index=False, related_name="+")
    object_id = models.CharField(_("object id"), max_length=255)
    hold = models.CharField(_("hold"), max_length=10, null=True)  # noqa: DJ001 - null is “released”, and leaves the index
    withdrawn = models.BooleanField(_("left out"), default=False)
    # Which parts of the object: all (null), or, in a retry, those that were left.
    first_part = models.BigIntegerField(default=0)
    parts = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("target")
        verbose_name_plural = _("targets")
        ordering = ("id",)
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=("content_type", "object_id", "run", "first_part"), name="console_target_once_a_run"
            ),
        )
        indexes = (
            # Read by acceptance and the guard (who holds this object?). Plain, not unique: PROTOCOL H12.
            models.Index(
                fields=("content_type", "object_id"), condition=Q(hold__isnull=False), name="console_target_held"
            ),
            # Read by the chunks: the targets of a run after the cursor.
            models.Index(fields=("run", "id"), name="console_target_run"),
        )

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.object_id}"
