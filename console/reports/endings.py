"""What a page that was opened while a run worked says when the run has ended."""

from __future__ import annotations

from django.utils.translation import gettext as _

from console.models import Run
from console.states import State


def endings(run: Run) -> dict[str, str]:
    """Return the sentence for each state in which `run` may end: “Copy (run 1204) has succeeded.”."""
    sentences = {
        State.SUCCEEDED: _("%(label)s (run %(run)d) has succeeded."),
        State.FAILED: _("%(label)s (run %(run)d) has failed."),
        State.CANCELLED: _("%(label)s (run %(run)d) was cancelled."),
    }
    return {state.value: text % {"label": run.label, "run": run.pk} for state, text in sentences.items()}
