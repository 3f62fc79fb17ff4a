"""Which errors are outside trouble that passes, and the words for those that do not."""

from __future__ import annotations

import hashlib
import re
import traceback
from typing import TYPE_CHECKING

from celery.exceptions import SoftTimeLimitExceeded
from django.core.exceptions import ValidationError
from django.db import IntegrityError, InterfaceError, OperationalError
from django.db.models import Model
from django.utils.translation import gettext as _

from console.engine.transactions import IDLE_TOO_LONG, sqlstate
from console.exceptions import ConsoleError, ItemOutcome, Retry, UnknownOperation
from console.integrity import integrity_reason

if TYPE_CHECKING:
    from console.operations.base import BaseOperation

TRANSIENT = (
    OperationalError,
    InterfaceError,
    ConnectionError,
    TimeoutError,
    SoftTimeLimitExceeded,
    Retry,
    # A worker of the last deploy meets an operation of this one: another worker will know it (PROTOCOL M5).
    UnknownOperation,
)


def is_transient(error: BaseException, operation: type[BaseOperation] | BaseOperation | None = None) -> bool:
    """Tell whether trying again later may help."""
    declared = operation.transient if operation is not None else ()
    return isinstance(error, TRANSIENT + declared) or sqlstate(error) == IDLE_TOO_LONG


def describe(error: BaseException) -> str:
    """Return an error in words for staff, for trouble that passes."""
    if isinstance(error, SoftTimeLimitExceeded):
        return _("It took longer than it may (time limit).")
    if isinstance(error, TimeoutError):
        return _("No answer in time (timeout).")
    if isinstance(error, OperationalError | InterfaceError):
        return _("Trouble with the database: %(error)s") % {"error": str(error).strip()}
    return str(error).strip() or type(error).__name__


def reason_of(error: BaseException, model: type[Model] | None) -> str:
    """Return why an item failed: the operation's own words, a known database error in words, or the error itself."""
    if isinstance(error, ItemOutcome | ConsoleError):
        return str(error)
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    if isinstance(error, IntegrityError):
        return integrity_reason(error, model)
    noun = model._meta.verbose_name if model is not None else _("item")
    return _("The operation stopped at this %(noun)s with an unexpected error (“%(type)s: %(error)s”).") % {
        "noun": noun,
        "type": type(error).__name__,
        "error": error,
    }


def fingerprint(kind: str, reason: str) -> str:
    """Return the group of a failure: equal for reasons that differ only in numbers and quoted values."""
    shape = re.sub(r"“[^”]*”|\"[^\"]*\"|'[^']*'|\d+", "…", reason)
    return hashlib.sha256(f"{kind}:{shape}".encode()).hexdigest()[:16]


def traceback_of(error: BaseException) -> str:
    """Return the traceback as text, but nothing for an outcome that the operation chose to raise."""
    if isinstance(error, ItemOutcome | ConsoleError):
        return ""
    return "".join(traceback.format_exception(error))
