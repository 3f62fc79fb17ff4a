"""The admin's own log: a line for each act of a person on a run, beside the run's events."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from console.models import Run
from console.reports.history import event_words
from console.states import Verb


def log_verb(request: HttpRequest, run: Run, verb: Verb, reason: str = "") -> None:
    """Note that the person has asked for `verb`, and why."""
    told = capfirst(event_words(verb))
    _log(request, run, CHANGE, f"{told}: {reason}" if reason else f"{told}.")


def log_start(request: HttpRequest, run: Run) -> None:
    """Note that the person has started `run`."""
    text = _("Started a dry run of “%(label)s”.") if run.dry_run else _("Started “%(label)s”.")
    _log(request, run, ADDITION, text % {"label": run.label})


def _log(request: HttpRequest, run: Run, flag: int, message: str) -> None:
    user: Any = request.user
    LogEntry.objects.log_actions(user.pk, [run], flag, change_message=message, single_object=True)
