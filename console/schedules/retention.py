"""The retention of what the console itself keeps: runs that ended long ago, and the old times of schedules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from itertools import islice, repeat
from math import ceil
from operator import or_
from typing import Any, ClassVar

from django import forms
from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from console.engine.cleaning import CleanFiles
from console.models import Failure, Run, Slot, Target
from console.operations import ExternalOperation, register
from console.schedules.declared import schedule
from console.schedules.timing import Crontab
from console.states import State

STEP = 1000  # rows that one checkpoint deletes
STEPS = 10**8  # more than one run has; a position is the run's key times this, and the number of its step
OF_SLOTS = 2**62  # behind every run
SHORTEST = 2  # days: for a day a page that was opened keeps its key, and must find the run that it started


class RetentionForm(forms.Form):
    """How many days are kept what."""

    succeeded = forms.IntegerField(label=_("Runs that succeeded (days)"), min_value=SHORTEST, initial=90)
    failed = forms.IntegerField(label=_("Runs that failed (days)"), min_value=SHORTEST, initial=365)
    cancelled = forms.IntegerField(label=_("Runs that were cancelled (days)"), min_value=SHORTEST, initial=90)
    slots = forms.IntegerField(label=_("Times of schedules (days)"), min_value=SHORTEST, initial=365)


gettext_noop("Delete runs that ended long ago, with their reports and files, and the old times of schedules.")
schedule(Crontab("15", "4"), name=_("Clean up files"))(CleanFiles)


@dataclass(frozen=True)
class Step:
    """Rows to delete: up to so many of one kind of one run, or the run itself at last; or times of schedules."""

    pk: int
    model: type[Model]
    is_last: bool = False

    def __str__(self) -> str:
        return f"{self.model._meta.verbose_name} {self.pk}"


@schedule(
    Crontab("45", "3"),
    name=_("Delete old runs"),
    params={"succeeded": 90, "failed": 365, "cancelled": 90, "slots": 365},
)
@register()
class Retention(ExternalOperation):
    """Delete runs that ended long ago, with their reports and files, and the old times of schedules.

    Files that are deleted cannot be brought back, so there is no dry run. Each checkpoint deletes a thousand rows at most.
    """

    name = "console.retention"
    label = _("Delete old runs")
    form = RetentionForm
    permission = "console.delete_run"  # which nobody has but superusers
    queue = "control"
    max_active: ClassVar[int | None] = 1
    repeatable = True
    selection = None

    def count(self) -> None:
        """Return that nobody knows: what ages meanwhile is deleted too."""

    def read(self, after: int, limit: int) -> Sequence[tuple[int, Step]]:
        """Return the next steps: those of run after run, by its key, then those of the times of schedules."""
        found = list(islice(self._run_steps(after), limit)) if after < OF_SLOTS else []
        if len(found) < limit and self._old_slots().exists():
            found.append((max(after, OF_SLOTS) + 1, Step(0, Slot)))
        return found

    def call(self, obj: Step, key: str) -> None:
        """Do nothing before the transaction: the files go after it."""

    def process(self, obj: Step, answer: Any) -> None:
        """Delete a step's rows."""
        if obj.is_last:
            self._old_runs().filter(pk=obj.pk).delete()
            return
        rows: QuerySet[Any] = self._old_slots() if obj.model is Slot else _rows(obj.model, obj.pk)
        keys = list(rows.order_by("pk").values_list("pk", flat=True)[:STEP])
        obj.model._default_manager.filter(pk__in=keys).delete()

    def _run_steps(self, after: int) -> Iterator[tuple[int, Step]]:
        """Yield the steps after a position: what is left of a run is counted anew, as what was deleted is gone."""
        begun, done = divmod(after, STEPS)
        for pk in self._old_runs().filter(pk__gte=begun).order_by("pk").values_list("pk", flat=True).iterator():
            for number, step in enumerate(_steps_of(pk), start=done + 1 if pk == begun else 1):
                yield pk * STEPS + number, step

    def _old_runs(self) -> QuerySet[Run]:
        days = {State.SUCCEEDED: "succeeded", State.FAILED: "failed", State.CANCELLED: "cancelled"}
        is_old = [Q(state=state, ended_at__lt=self._ago(name)) for state, name in days.items()]
        return Run.objects.filter(reduce(or_, is_old))

    def _old_slots(self) -> QuerySet[Slot]:
        return Slot.objects.filter(open=False, at__lt=self._ago("slots"))

    def _ago(self, name: str) -> datetime:
        return timezone.now() - timedelta(days=self.params[name])


def _steps_of(run: int) -> Iterator[Step]:
    """Yield what is left to do of a run: its failures before the objects that they name, then the run with the rest."""
    for model in (Failure, Target):
        yield from repeat(Step(run, model), ceil(_rows(model, run).count() / STEP))
    yield Step(run, Run, is_last=True)


def _rows(model: type[Model], run: int) -> QuerySet[Any]:
    return model._default_manager.filter(run=run)
