"""The base of all errors that a person may be shown."""

from __future__ import annotations

from django.utils.formats import number_format


class ConsoleError(Exception):
    """Base of the errors that a person may be shown: ``str(error)`` is the whole sentence."""


def grouped(count: int) -> str:
    """Return a count with the locale's grouping."""
    return number_format(count, force_grouping=True)
