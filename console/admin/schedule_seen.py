"""Old forms of schedules: a form opened before somebody else changed the schedule, and saved after it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from console.models import Schedule

SEEN = "seen"  # the hidden field that tells what was there when the form was opened


def mark(schedule: Schedule, shown: dict[str, Any]) -> str:
    """Return what tells this state of a schedule from any other, and nothing else of it.

    Args:
        schedule: Our row.
        shown: What the form shows of it.
    """
    state = json.dumps([shown, schedule.params], default=str, sort_keys=True)
    return salted_hmac("console.schedule.seen", state).hexdigest()


def warning(labels: Iterable[str]) -> str:
    """Return what is told to whoever would bring old values back; `labels` name what saving again replaces."""
    told = _(
        "Not saved: this schedule was changed after you opened the page; its history says by whom. "
        "Save again to replace what is there now: %(fields)s."
    )
    return told % {"fields": ", ".join(labels)}
