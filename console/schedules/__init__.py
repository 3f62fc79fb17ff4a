"""Work that starts by the clock. The public face: declare schedules in code, beside the operations that they start."""

from console.schedules.declared import schedule
from console.schedules.timing import Clocked, Crontab, Interval, Timing

__all__ = ["Clocked", "Crontab", "Interval", "Timing", "schedule"]
