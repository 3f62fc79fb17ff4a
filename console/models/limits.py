"""Limits on an operation that somebody set while the site runs, and the row that admission locks."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Limit(models.Model):
    """How many runs of an operation may work at once. The row is locked while a run is admitted (PROTOCOL M4)."""

    operation = models.CharField(_("operation"), max_length=100, unique=True)
    max_active = models.PositiveIntegerField(_("runs at a time"), null=True)

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        default_permissions = ()

    def __str__(self) -> str:
        return self.operation
