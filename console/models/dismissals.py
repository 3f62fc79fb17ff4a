"""Who has dealt with which run: it no longer counts among those that need attention, for this person alone."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from console.models.runs import Run


class Dismissal(models.Model):
    """One person's mark that they have dealt with a run."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="dismissals")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("who"), related_name="+")
    at = models.DateTimeField(_("when"), db_default=Now())

    class Meta:
        verbose_name = _("dismissal")
        verbose_name_plural = _("dismissals")
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("run", "by"), name="console_dismissal_once"),)

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
