"""Which language a run's record is written in: that of whoever asked for it, whatever process writes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.utils import translation

from console.models import Run


def speaking(run: Run) -> AbstractContextManager[Any]:
    """Write in the run's language while the context is open; in the process's own where the run has none."""
    return translation.override(run.language) if run.language else nullcontext()


def asked_in() -> str:
    """Return the language that the request, or the process, speaks now."""
    return translation.get_language() or ""


def untranslated(text: object) -> str:
    """Return a text as the code has it, for the database to keep and each reader to translate."""
    with translation.override(None):
        return str(text)
