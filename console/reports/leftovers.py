"""What a run that is over leaves behind: what is kept of it, and what was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.models import Run
from console.operations.files import FileOperation
from console.operations.registry import known_operation
from console.reports.words import number

if TYPE_CHECKING:
    from console.engine.progress import Progress


def kept(run: Run, progress: Progress) -> str:
    """Say what is done and what is not: never one without the other."""
    operation = known_operation(run.operation)
    if operation is not None and issubclass(operation, FileOperation):
        return _("No file was made.")
    if progress.total is None:
        return _("%(done)s done and kept.") % {"done": number(progress.done)}
    rest = progress.total - progress.processed
    parts = [
        _("%(done)s of %(total)s done and kept") % {"done": number(progress.done), "total": number(progress.total)}
    ]
    if progress.failed:
        parts.append(_("%(count)s failed") % {"count": number(progress.failed)})
    if progress.skipped:
        parts.append(_("%(count)s left out") % {"count": number(progress.skipped)})
    parts.append(_("%(count)s not reached") % {"count": number(max(rest, 0))})
    return ", ".join(parts) + "."


def left_out(progress: Progress) -> str:
    """Say how much was left out; empty for nothing."""
    if not progress.skipped:
        return ""
    return ngettext(
        "%(count)s was left out; the list below says why.",
        "%(count)s were left out; the list below says why.",
        progress.skipped,
    ) % {"count": number(progress.skipped)}
