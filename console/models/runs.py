"""A run, its partitions, and the attempts at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from console.states import ACTIVE, ENDED, State

if TYPE_CHECKING:
    from datetime import timedelta


class Run(models.Model):
    """One request for an operation, and its record; it outlives the operation's class."""

    class Only(models.TextChoices):
        """What a retry takes up."""

        UNDONE = "undone", _("what is not done")
        FAILED = "failed", _("only what failed")
        ALL = "all", _("everything again")

    operation = models.CharField(_("operation"), max_length=100)
    stored_label = models.CharField(_("label"), max_length=200, db_column="label")  # untranslated, see `label`
    params = models.JSONField(_("parameters"), default=dict, blank=True)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.QUEUED)
    dry_run = models.BooleanField(_("dry run"), default=False)
    key = models.CharField(_("key"), max_length=200, unique=True, null=True, editable=False)  # noqa: DJ001 - null is “no key”, which is not unique

    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        db_index=False,
        verbose_name=_("asked by"),
        related_name="+",
    )
    source = models.CharField(_("source"), max_length=20, default="code")
    language = models.CharField(
        _("language"), max_length=20, blank=True
    )  # of whoever asked: its report is written in it
    accepted_at = models.DateTimeField(_("accepted"), db_default=Now())
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    changed_at = models.DateTimeField(_("changed"), db_default=Now())

    content_type = models.ForeignKey(ContentType, models.PROTECT, null=True, db_index=False, related_name="+")
    selection = models.JSONField(_("selection"), null=True)
    preparing = models.BooleanField(_("preparing"), default=False)
    leave_held_out = models.BooleanField(_("leave held objects out"), default=False)
    hold = models.CharField(_("hold"), max_length=10, blank=True)
    holding = models.BooleanField(default=False)

    queue = models.CharField(_("queue"), max_length=100)
    priority = models.PositiveSmallIntegerField(_("priority"), default=5)
    on_error = models.CharField(_("on error"), max_length=6, default="report")
    max_failures = models.PositiveIntegerField(_("failures allowed"), null=True)
    pace = models.FloatField(_("items a second"), null=True)

    total = models.PositiveBigIntegerField(_("total"), null=True)
    done = models.PositiveBigIntegerField(_("done"), default=0)
    failed = models.PositiveBigIntegerField(_("failed"), default=0)
    skipped = models.PositiveBigIntegerField(_("skipped"), default=0)
    why = models.TextField(_("why"), blank=True)
    stopped_by_error = models.BooleanField(_("stopped by an error"), default=False)

    chain = models.UUIDField(_("chain"), editable=False)
    retry_of = models.ForeignKey("self", models.SET_NULL, null=True, db_index=False, related_name="retries")
    only = models.CharField(_("only"), max_length=6, choices=Only.choices, blank=True)
    group = models.CharField(_("failure group"), max_length=64, blank=True)
    first_retry = models.BooleanField(default=False)
    repeat_of = models.ForeignKey("self", models.SET_NULL, null=True, db_index=False, related_name="repeats")
    undo_of = models.OneToOneField("self", models.SET_NULL, null=True, related_name="undone_by")
    preview_of = models.OneToOneField("self", models.SET_NULL, null=True, related_name="started_as")

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ("-id",)
        default_permissions = ("view",)
        permissions = (
            # Untranslated, as Django's own permissions are: their names are rows of the database.
            ("cancel_run", "Can cancel run"),
            ("pause_run", "Can pause and resume run"),
            ("retry_run", "Can retry run"),
            ("withdraw_run", "Can leave an object out of a run"),
        )
        constraints = (
            # PROTOCOL H9: one retry of each scope and group; “all” and the parts exclude each other by the first of them.
            models.UniqueConstraint(
                fields=("retry_of", "only", "group"), condition=Q(retry_of__isnull=False), name="console_run_one_retry"
            ),
            models.UniqueConstraint(
                fields=("retry_of",), condition=Q(first_retry=True), name="console_run_one_first_retry"
            ),
        )
        indexes = (
            # Read by the settling sweep, the limits and the header's count of active runs.
            models.Index(
                fields=("operation", "state"), condition=Q(state__in=sorted(ACTIVE)), name="console_run_active"
            ),
            # Read by the sweep that clears the hold column of ended runs.
            models.Index(
                fields=("id",), condition=Q(holding=True, state__in=sorted(ENDED)), name="console_run_holds_left"
            ),
            # Read by the header's count of what needs attention, on every page of the admin.
            models.Index(
                fields=("ended_at",),
                condition=Q(Q(state=State.FAILED) | Q(failed__gt=0), dry_run=False),
                name="console_run_trouble",
            ),
            # Read by the news of what has ended.
            models.Index(fields=("ended_at",), name="console_run_ended"),
            # Read by the list's filters, which show the newest first. They serve the foreign keys too: beside an index
            # of the key alone SQLite would take that one, and sort.
            models.Index(fields=("state", "-id"), name="console_run_state"),
            models.Index(fields=("operation", "-id"), name="console_run_operation"),
            models.Index(fields=("asked_by", "-id"), name="console_run_asked_by"),
            models.Index(fields=("source", "-id"), name="console_run_source"),
            models.Index(fields=("content_type", "-id"), name="console_run_content_type"),
            models.Index(fields=("accepted_at",), name="console_run_accepted"),
            models.Index(fields=("id",), condition=Q(dry_run=True), name="console_run_dry"),
            # Read by the page of a run, for those that repeat it.
            models.Index(fields=("repeat_of",), condition=Q(repeat_of__isnull=False), name="console_run_repeat"),
        )

    def __str__(self) -> str:
        return f"{self.label} ({self._meta.verbose_name} {self.pk})"

    @property
    def label(self) -> str:
        """What staff call the operation, in the language of whoever reads it."""
        return gettext(self.stored_label) if self.stored_label else ""

    @label.setter
    def label(self, untranslated: str) -> None:
        self.stored_label = untranslated

    @property
    def is_active(self) -> bool:
        """Whether the run has not ended."""
        return self.state in ACTIVE

    @property
    def took(self) -> timedelta | None:
        """How long the run worked, from its first claim to its end; None before that."""
        return self.ended_at - self.started_at if self.ended_at and self.started_at else None


class Partition(models.Model):
    """The part of a run that one worker works on at a time. Only engine/partitions.py writes it.

    The cursor is (`position`, `part`): the last target id (or row number) that is wholly done, and the number of the
    part of the next one that comes next (for files: the byte offset). A partition covers the positions after `first`,
    up to `last`; the preparing one counts the objects that it has taken, and keeps the last key in `mark`.
    """

    class Kind(models.TextChoices):
        """What the partition does."""

        PREPARE = "prepare", _("collects the objects")
        WORK = "work", _("works")

    class Outcome(models.TextChoices):
        """How the partition ended; null while it is open."""

        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    run = models.ForeignKey(Run, models.CASCADE, related_name="partitions")
    kind = models.CharField(max_length=7, choices=Kind.choices, default=Kind.WORK)
    queue = models.CharField(max_length=100)

    first = models.BigIntegerField(default=0)
    last = models.BigIntegerField(null=True)
    position = models.BigIntegerField(default=0)
    part = models.BigIntegerField(default=0)
    mark = models.TextField(blank=True)

    token = models.PositiveIntegerField(default=0)
    tries = models.PositiveIntegerField(default=0)
    caution = models.PositiveIntegerField(default=0)
    given_up = models.PositiveIntegerField(default=0)
    chunk_size = models.PositiveIntegerField(default=100)

    sends = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    wake_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    backing_off = models.BooleanField(default=False)
    outcome = models.CharField(max_length=9, choices=Outcome.choices, null=True)  # noqa: DJ001 - null is “open”

    done = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    skipped = models.PositiveBigIntegerField(default=0)
    progress_at = models.DateTimeField(null=True)
    rate = models.FloatField(null=True)
    error = models.TextField(blank=True)
    sample: models.JSONField[Any, Any] = models.JSONField(default=list)
    # Of rows of a file: how many were of which kind (new, changed …), and in a preview the first rows of each.
    tally: models.JSONField[Any, Any] = models.JSONField(default=dict)
    shown: models.JSONField[Any, Any] = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("partition")
        verbose_name_plural = _("partitions")
        ordering = ("id",)
        default_permissions = ()
        indexes = (
            # Read by whoever looks for what is owed: engine/sweeps.py.
            models.Index(
                fields=("wake_at",),
                condition=Q(wake_at__isnull=False, outcome__isnull=True),
                name="console_partition_due",
            ),
        )

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def cursor(self) -> tuple[int, int]:
        """The pair up to which the items are done."""
        return (self.position, self.part)


class Attempt(models.Model):
    """One claim of a partition by a worker. History only: nothing is decided by it."""

    class Outcome(models.TextChoices):
        """How the attempt ended; null while it is open."""

        YIELDED = "yielded", _("yielded")
        DONE = "done", _("finished")
        PARKED = "parked", _("paused")
        STOPPED = "stopped", _("stopped")
        FAILED = "failed", _("failed")
        BACKED_OFF = "backed off", _("backs off after an error")
        LOST = "lost", _("lost its worker")
        FENCED = "fenced", _("came too late")

    partition = models.ForeignKey(Partition, models.CASCADE, related_name="attempts")
    run = models.ForeignKey(Run, models.CASCADE, related_name="attempts")
    token = models.PositiveIntegerField()
    task_id = models.CharField(max_length=64, db_index=True)
    worker = models.CharField(max_length=200)
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, null=True)  # noqa: DJ001 - null is “open”
    items = models.PositiveBigIntegerField(default=0)
    error = models.TextField(blank=True)
    traceback = models.TextField(blank=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ("id",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.token}"

    @property
    def counted(self) -> bool:
        """Whether `items` is known: a worker says it at the end of its attempt, and not at all if it died."""
        return self.outcome not in {None, self.Outcome.LOST}
