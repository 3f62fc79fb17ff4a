"""The console in the Django admin: its own pages, and what a ModelAdmin inherits."""

from console.admin.mixins import OperationsMixin
from console.admin.results import TaskResultAdmin
from console.admin.runs import RunAdmin
from console.admin.schedules import ScheduleAdmin

__all__ = ["OperationsMixin", "RunAdmin", "ScheduleAdmin", "TaskResultAdmin"]
