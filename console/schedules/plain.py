"""Plain Celery tasks on a schedule: sent now, with the options that the scheduler would send them with."""

from __future__ import annotations

import json

from celery import current_app
from django.utils.translation import gettext as _
from django_celery_beat.models import PeriodicTask

from console.engine.wakeups import BROKER_TROUBLE
from console.exceptions import BrokerAway, NotStarted


def send(task: PeriodicTask) -> str:
    """Send a plain task now, with its own queue, priority, headers and expiry; return the message's id.

    Raises:
        NotStarted: Its arguments cannot be read.
        BrokerAway: The broker did not take it.
    """
    try:
        args, kwargs, headers = (json.loads(text or empty) for text, empty in _texts(task))
    except ValueError as error:
        raise NotStarted(_("Nothing was sent. Its arguments cannot be read: %(error)s") % {"error": error}) from error
    options = {name: getattr(task, name) for name in ("queue", "exchange", "routing_key", "priority")}
    try:
        sent = current_app.send_task(
            task.task,
            args,
            kwargs,
            headers={**headers, "periodic_task_name": task.name},
            expires=task.expires_,
            retry=False,
            **{name: value for name, value in options.items() if value is not None},
        )
    except BROKER_TROUBLE as error:
        raise BrokerAway from error
    return str(sent.id)


def _texts(task: PeriodicTask) -> tuple[tuple[str, str], ...]:
    return (task.args, "[]"), (task.kwargs, "{}"), (task.headers, "{}")
