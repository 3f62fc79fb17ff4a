"""What the scheduler knows of each queue: how much waits in it, and how long a probe takes there and back."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Queue(models.Model):
    """One queue. The scheduler writes what it sees of it, and the worker that answers a probe how long that took.

    `depth` is None while the broker does not answer. `probe` names the probe that is on its way since `asked_at`; one
    that was lost is sent again, the newest time at `sent_at`. `round_trip` is how many seconds the last answer took.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    depth = models.PositiveBigIntegerField(_("waiting"), null=True)
    looked_at = models.DateTimeField(null=True)
    probe = models.CharField(max_length=32, blank=True)
    asked_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    round_trip = models.FloatField(_("round trip"), null=True)
    worker = models.CharField(_("worker"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        ordering = ("name",)
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
