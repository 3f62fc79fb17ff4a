"""Saved choices of which column of a file goes to which field, for the next file with the same headings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ColumnMapping(models.Model):
    """What the columns of files with certain headings mean to one import operation, under a name."""

    operation = models.CharField(_("operation"), max_length=100)
    name = models.CharField(_("name"), max_length=100)
    headings = models.CharField(max_length=64, editable=False)  # their fingerprint
    columns: models.JSONField[Any, Any] = models.JSONField(_("columns"), default=list)
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, verbose_name=_("saved by"), related_name="+"
    )
    saved_at = models.DateTimeField(_("saved"), db_default=Now())

    class Meta:
        verbose_name = _("column mapping")
        verbose_name_plural = _("column mappings")
        ordering = ("name",)
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("operation", "headings", "name"), name="console_mapping_once"),)

    def __str__(self) -> str:
        return self.name


def fingerprint(headings: Sequence[str]) -> str:
    """Return what tells files with these headings, in this order, from others."""
    return hashlib.sha256(json.dumps(list(headings)).encode()).hexdigest()
