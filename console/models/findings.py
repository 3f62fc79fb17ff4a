"""The findings that hold, and those that were cleared within the hour: one list for pages, machines and the shell."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class FoundTrouble(models.Model):
    """A finding as facts: its words are made where it is read, in the reader's language."""

    code = models.CharField(max_length=40)
    about = models.CharField(max_length=200, blank=True)
    severity = models.PositiveSmallIntegerField()
    facts: models.JSONField[Any, Any] = models.JSONField(default=dict)
    since = models.DateTimeField(_("since"))
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("code", "about"), name="console_finding_once"),)

    def __str__(self) -> str:
        return f"{self.code} {self.about}".strip()
