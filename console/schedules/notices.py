"""The notice to a schedule's owner: once when it begins to fail, and once when it is switched off for it."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.utils.translation import gettext as _

from console.models import Schedule
from console.schedules import store

logger = logging.getLogger(__name__)

LONGEST = 10  # seconds that a mail server may take: the scheduler waits for it


def tell_owner(schedule: Schedule, reason: str) -> None:
    """Send the owner a mail, where they have an address; a mail server that is away stops nothing."""
    owner = schedule.owner
    if owner is None or not owner.email:
        return
    name = store.entry_of(schedule.task_id).name
    subject = _("The schedule “%(name)s” fails") if not schedule.off_reason else _("The schedule “%(name)s” is off")
    told = [schedule.off_reason or reason, "", _next(schedule)]
    message = EmailMessage(subject % {"name": name}, "\n".join(told), settings.DEFAULT_FROM_EMAIL, [owner.email])
    try:
        message.connection = get_connection(timeout=LONGEST)
        message.send()
    except Exception:  # whatever a mail backend raises must not stop beat
        logger.exception("Schedule %s: its owner could not be told that it fails", schedule.pk)


def _next(schedule: Schedule) -> str:
    """Return what to do, or what happens next."""
    if schedule.off_reason:
        return _("Mend the cause, then switch it on again under “Periodic tasks”.")
    return _("It goes on with its next time. Its history, under “Periodic tasks”, tells more.")
