"""Liveness is data: one row for each worker and scheduler, renewed every few seconds."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class Heartbeat(models.Model):
    """The newest sign of life of one process."""

    class Kind(models.TextChoices):
        """What sort of process it is."""

        WORKER = "worker", _("worker")
        SCHEDULER = "scheduler", _("scheduler")

    kind = models.CharField(_("kind"), max_length=9, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=200)
    queues: models.JSONField[Any, Any] = models.JSONField(_("queues"), default=list)
    concurrency = models.PositiveIntegerField(_("processes"), default=1)
    pool = models.CharField(_("pool"), max_length=50, blank=True)
    pid = models.PositiveIntegerField(default=0)
    version = models.CharField(_("version"), max_length=50, blank=True)
    started_at = models.DateTimeField(_("since"))
    seen_at = models.DateTimeField(_("last sign"), db_index=True)
    own_at = models.DateTimeField(null=True)  # the same moment by the process's own clock

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("kind", "name"), name="console_heartbeat_once"),)

    def __str__(self) -> str:
        return self.name
