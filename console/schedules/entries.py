"""Django-celery-beat's entries of plain Celery tasks, without their known faults."""

from __future__ import annotations

import logging
from typing import Any

from celery import schedules
from django.db.models import CharField, QuerySet
from django.db.models.functions import Cast
from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks
from django_celery_beat.schedulers import ModelEntry
from django_celery_beat.utils import NEVER_CHECK_TIMEOUT

from console.schedules.zones import known_zones

logger = logging.getLogger(__name__)


class PlainEntry(ModelEntry):
    """An entry that writes what it has to say and nothing else, so that no edit made meanwhile is lost."""

    def __init__(self, model: PeriodicTask, app: Any = None) -> None:
        """Read the row.

        Raises:
            ValueError: It cannot be read; the scheduler leaves it out.
        """
        try:
            super().__init__(model, app=app)
        except Exception as error:
            logger.exception("%s is left out: it cannot be read", model.name)
            raise ValueError(str(error)) from error

    def is_due(self) -> schedules.schedstate:
        """Tell whether the task is due; one that was to run once, and has, is switched off."""
        if self.model.enabled and self.model.one_off and self.model.total_run_count > 0:
            self._disable(self.model)
            return schedules.schedstate(is_due=False, next=NEVER_CHECK_TIMEOUT)
        return super().is_due()

    def save(self) -> None:
        """Write when the task ran last and how often it ran, unless it was switched off meanwhile."""
        PeriodicTask.objects.filter(pk=self.model.pk, enabled=True).update(
            last_run_at=self.model.last_run_at, total_run_count=self.model.total_run_count
        )

    @classmethod
    def from_entry(cls, name: str, app: Any = None, **entry: Any) -> PlainEntry:
        """Return the entry that the settings declare: made if it is new, else as it is, for staff may have changed it."""
        model = PeriodicTask.objects.filter(name=name).first()
        if model is None:
            model = PeriodicTask.objects.create(name=name, **cls._unpack_fields(**entry))
        return cls(model, app=app)

    def _disable(self, model: PeriodicTask) -> None:
        model.enabled = False
        PeriodicTask.objects.filter(pk=model.pk).update(enabled=False, last_run_at=None, total_run_count=0)
        PeriodicTasks.update_changed()


def readable(tasks: QuerySet[PeriodicTask]) -> QuerySet[PeriodicTask]:
    """Leave out the tasks whose time zone is none: reading them raises, and would stop all the others too."""
    broken = _broken()
    if broken:
        for task in tasks.filter(crontab__in=broken).values_list("name", flat=True):
            logger.error("%s is left out: its time zone is unknown", task)
    return tasks.exclude(crontab__in=broken)


def readable_crontabs() -> QuerySet[CrontabSchedule]:
    """Return the crontabs whose time zone there is."""
    found: QuerySet[CrontabSchedule] = CrontabSchedule.objects.exclude(pk__in=_broken())
    return found


def _broken() -> list[int]:
    zones = CrontabSchedule.objects.annotate(name=Cast("timezone", CharField())).values_list("pk", "name")
    return [pk for pk, name in zones if name not in known_zones()]
