"""The console's tables."""

from console.models.dismissals import Dismissal
from console.models.files import File
from console.models.findings import FoundTrouble
from console.models.heartbeats import Heartbeat
from console.models.limits import Limit
from console.models.mappings import ColumnMapping
from console.models.queues import Queue
from console.models.reports import FAILS, Event, Failure, FailureGroup
from console.models.runs import Attempt, Partition, Run
from console.models.schedules import Schedule, ScheduleEvent, Slot
from console.models.targets import Target

__all__ = [
    "FAILS",
    "Attempt",
    "ColumnMapping",
    "Dismissal",
    "Event",
    "Failure",
    "FailureGroup",
    "File",
    "FoundTrouble",
    "Heartbeat",
    "Limit",
    "Partition",
    "Queue",
    "Run",
    "Schedule",
    "ScheduleEvent",
    "Slot",
    "Target",
]
