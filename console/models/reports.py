"""What a run reports: the items that could not be done, and the lines of its history."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from console.models.runs import Partition, Run
from console.models.targets import Target


class Failure(models.Model):
    """One item, or `items` parts of one object, that could not be done or was left out."""

    class Kind(models.TextChoices):
        """Why the item is listed."""

        FAILED = "failed", _("failed")
        GONE = "gone", _("no longer exists")
        GIVEN_UP = "given up", _("given up after several tries")
        HELD = "held", _("locked by another run")
        WITHDRAWN = "withdrawn", _("left out by a person")
        SKIPPED = "skipped", _("left out by the operation")

    # The key has no index of its own: those below begin with it.
    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="failures")
    partition = models.ForeignKey(Partition, models.SET_NULL, null=True, related_name="+")
    target = models.ForeignKey(Target, models.SET_NULL, null=True, related_name="failures")
    kind = models.CharField(_("kind"), max_length=9, choices=Kind.choices)
    position = models.BigIntegerField(_("position"))
    part = models.BigIntegerField(_("part"), default=0)
    items = models.PositiveIntegerField(_("items"), default=1)
    object_id = models.CharField(_("object id"), max_length=255, blank=True)
    object_label = models.CharField(_("object"), max_length=200, blank=True)
    reason = models.TextField(_("reason"))
    group = models.CharField(_("group"), max_length=64)
    data: models.JSONField[Any, Any] = models.JSONField(_("values"), default=dict)
    traceback = models.TextField(_("technical details"), blank=True)
    tries = models.PositiveIntegerField(_("tries"), default=1)
    at = models.DateTimeField(_("at"), db_default=Now())

    class Meta:
        verbose_name = _("failure")
        verbose_name_plural = _("failures")
        ordering = ("id",)
        default_permissions = ()
        indexes = (
            # Read by the run's page, which counts items by reason without a look at the rows.
            models.Index(fields=("run", "kind", "group", "id", "items"), name="console_failure_group"),
            models.Index(fields=("run", "id"), name="console_failure_run"),
            # Read by the lists of objects, for those that failed lately.
            models.Index(fields=("at",), name="console_failure_at"),
        )

    def __str__(self) -> str:
        return f"{self.object_label or self.position}: {self.reason}"

    @property
    def is_skip(self) -> bool:
        """Whether the item counts as skipped, not as failed."""
        return self.kind in SKIPS


class FailureGroup(models.Model):
    """How many failures of a run have one reason, kept beside them: a page need not count a hundred thousand.

    Each of those that write (a partition; 0 is acceptance) has rows of its own, so that none waits for another.
    """

    # Its constraint begins with the key.
    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="failure_groups")
    writer = models.BigIntegerField(default=0)
    kind = models.CharField(max_length=9, choices=Failure.Kind.choices)
    group = models.CharField(max_length=64)
    items = models.PositiveBigIntegerField()
    count = models.PositiveBigIntegerField()
    first = models.BigIntegerField()  # the id of the first failure

    class Meta:
        verbose_name = _("failure group")
        verbose_name_plural = _("failure groups")
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("run", "kind", "group", "writer"), name="console_failuregroup_once"),
        )

    def __str__(self) -> str:
        return f"{self.count} × {self.group}"


SKIPS = frozenset({Failure.Kind.HELD, Failure.Kind.WITHDRAWN, Failure.Kind.SKIPPED})
FAILS = frozenset(Failure.Kind) - SKIPS


class Event(models.Model):
    """One line of a run's history: when, who, what, why."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="events")
    at = models.DateTimeField(_("when"), db_default=Now())
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, verbose_name=_("who"), related_name="+"
    )
    what = models.CharField(_("what"), max_length=20)
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("id",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.at}: {self.what}"
