"""Files of runs as people see them: who may have one, and until when."""

from __future__ import annotations

from django.utils.translation import gettext as _

from console.exceptions import NotPermitted
from console.models import Run
from console.reports.visibility import Sight, model_of
from console.reports.words import noun


class FileClosed(NotPermitted):
    """A file of a run tells of objects that the person may not, or no longer, see."""

    def __init__(self, run: Run, codename: str) -> None:
        super().__init__(codename, "")
        self.run_id = run.pk
        told = (
            _("You may no longer view %(noun)s, so this file is closed to you.")
            if codename
            else _("You may not view all the %(noun)s of this run, so this file is closed to you.")
        )
        self.args = (told % {"noun": noun(run, 2)},)


def check_file(sight: Sight, run: Run) -> None:
    """Check that the person may have the files of `run` now: they may see the model, and nothing of the run is hidden.

    Raises:
        FileClosed: They may not.
    """
    model = model_of(run)
    if model is not None and sight.view(model) is None:
        raise FileClosed(run, sight.lacks(run))
    if not sight.sees_whole(run):
        raise FileClosed(run, "")
