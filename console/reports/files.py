"""Files of runs as people see them: who may have one, and until when."""

from __future__ import annotations

from dataclasses import dataclass

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.engine.files import output_of
from console.exceptions import InvalidParameters, NotPermitted
from console.models import File, Run
from console.operations.files import FileOperation
from console.operations.registry import known_operation
from console.reports.visibility import Sight, model_of
from console.reports.words import day, noun, number


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


@dataclass(frozen=True)
class Shown:
    """The file that a run wrote, as its page shows it: its name and its facts, or why it cannot be had."""

    name: str
    is_there: bool
    facts: str
    note: str = ""


def output_shown(sight: Sight, run: Run) -> Shown | None:
    """Return the run's file as this person sees it; None where it wrote none."""
    file = output_of(run)
    if file is None:
        return None
    if not file.is_there:
        gone = file.deleted_at or file.expires_at
        assert gone is not None
        return Shown(file.name, is_there=False, facts=_("The file was deleted on %(date)s.") % {"date": day(gone)})
    try:
        check_file(sight, run)
    except FileClosed as closed:
        return Shown("", is_there=False, facts=str(closed))
    return Shown(file.name, is_there=True, facts=_facts(file), note=_note(run))


def _facts(file: File) -> str:
    """Return “31,204 rows, 12 MB. Kept until 10 May.”."""
    size = filesizeformat(file.size)
    if file.rows is not None:
        rows = ngettext("%(count)s row", "%(count)s rows", file.rows) % {"count": number(file.rows)}
        size = f"{rows}, {size}"
    if file.expires_at is None:
        return f"{size}."
    return _("%(size)s. Kept until %(date)s.") % {"size": size, "date": day(file.expires_at)}


def _note(run: Run) -> str:
    operation = known_operation(run.operation)
    if operation is None or not issubclass(operation, FileOperation):
        return ""
    try:
        return operation(run.params).file_note()
    except InvalidParameters:
        return ""


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
