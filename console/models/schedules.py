"""What a schedule of an operation is beside django-celery-beat's own row, and what became of each of its times."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from console.models.runs import Run


class Schedule(models.Model):
    """An operation that starts by the clock. Its name, times and whether it is on are its task's, in django-celery-beat.

    `next_slot` is the time it has next, and `next_at` when it is due: later by its share of the spread. Only times after `since`
    count. `timing` is what both were reckoned from: a task that was changed by anybody's hand no longer fits it.
    """

    class Overlap(models.TextChoices):
        """What happens at a time at which the run before is not over."""

        SKIP = "skip", _("skip this time")
        QUEUE_ONE = "queue one", _("wait, one at most")
        QUEUE_ALL = "queue all", _("wait, all")
        CANCEL = "cancel", _("cancel the one before")
        ALLOW = "allow", _("run beside it")

    class Missed(models.TextChoices):
        """What happens when the scheduler is back after times at which it was away."""

        ONCE = "once", _("run once when back")
        EACH = "each", _("run each")
        SKIP = "skip", _("skip")

    task = models.OneToOneField(
        "django_celery_beat.PeriodicTask", models.CASCADE, verbose_name=_("task"), related_name="console_schedule"
    )
    operation = models.CharField(_("operation"), max_length=100)
    params: models.JSONField[Any, Any] = models.JSONField(_("parameters"), default=dict, blank=True)
    selection: models.JSONField[Any, Any] = models.JSONField(_("selection"), null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("owner"), related_name="+"
    )
    # What the code declares of it, as far as it was taken over; null where people made it.
    declared: models.JSONField[Any, Any] = models.JSONField(null=True, editable=False)

    overlap = models.CharField(_("overlap"), max_length=9, choices=Overlap.choices, default=Overlap.SKIP)
    missed = models.CharField(_("missed times"), max_length=4, choices=Missed.choices, default=Missed.ONCE)
    catch_up = models.PositiveIntegerField(_("catch up within"), default=3600)
    pause_after = models.PositiveIntegerField(_("failures in a row"), null=True, blank=True, default=3)
    spread = models.PositiveIntegerField(_("spread"), default=0)
    max_duration = models.PositiveIntegerField(_("longest duration"), null=True, blank=True)

    timing = models.TextField(editable=False, blank=True)
    anchor = models.DateTimeField(editable=False)
    since = models.DateTimeField(editable=False)
    next_slot = models.DateTimeField(_("next"), null=True, editable=False)
    next_at = models.DateTimeField(null=True, editable=False)
    problem = models.TextField(_("problem"), blank=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    off_reason = models.TextField(_("reason"), blank=True, editable=False)

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        default_permissions = ()
        indexes = (
            # Read by each tick of the scheduler: schedules/firing.py.
            models.Index(fields=("next_at",), condition=Q(next_at__isnull=False), name="console_schedule_due"),
        )

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class Slot(models.Model):
    """One time of a schedule, and what became of it: the row is inserted with its run, and there is one of a time.

    A row may stand for several `times` that were missed, from `at` to `until`.
    """

    class Kind(models.TextChoices):
        """How the time came about."""

        TIMED = "timed", _("by the clock")
        NOW = "now", _("run now")
        BACKFILL = "backfill", _("made up for")

    class Outcome(models.TextChoices):
        """What became of it."""

        WAITING = "waiting", _("waits for the one before")
        STARTED = "started", _("started")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")
        SKIPPED = "skipped", _("skipped")
        MISSED = "missed", _("missed")
        NOTHING = "nothing", _("nothing to do")

    schedule = models.ForeignKey(Schedule, models.CASCADE, db_index=False, related_name="slots")
    at = models.DateTimeField(_("time"))
    until = models.DateTimeField(null=True)
    times = models.PositiveIntegerField(default=1)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.TIMED)
    outcome = models.CharField(_("outcome"), max_length=9, choices=Outcome.choices)
    open = models.BooleanField(default=False)
    run = models.OneToOneField(Run, models.SET_NULL, null=True, related_name="slot")
    stop_at = models.DateTimeField(null=True)
    reason = models.TextField(_("reason"), blank=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("slot")
        verbose_name_plural = _("slots")
        default_permissions = ()
        ordering = ("-at",)
        constraints = (models.UniqueConstraint(fields=("schedule", "at"), name="console_slot_once"),)
        indexes = (
            # Read by each tick of the scheduler: what waits, runs or has just ended. schedules/settling.py.
            models.Index(fields=("schedule",), condition=Q(open=True), name="console_slot_open"),
        )

    def __str__(self) -> str:
        return f"{self.at}: {self.outcome}"


class ScheduleEvent(models.Model):
    """One line of a schedule's history: when, who, what, why."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="events")
    at = models.DateTimeField(_("when"), db_default=Now())
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, verbose_name=_("who"), related_name="+"
    )
    what = models.CharField(_("what"), max_length=20)
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        verbose_name = _("event of a schedule")
        verbose_name_plural = _("events of schedules")
        default_permissions = ()
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.at}: {self.what}"
