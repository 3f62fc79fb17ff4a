"""Files of a run: its failures as a table, what it read, what it wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.utils.translation import gettext as _

from console.admin.access import RunModelAdmin, explained, only, open_run
from console.admin.import_part import original_of
from console.admin.links import run_url
from console.admin.sight import sight
from console.engine.files import open_file, output_of
from console.engine.imported import imported_rows, parts_of
from console.exceptions import FileGone
from console.exceptions.tables import NotInXLSX
from console.models import File, Run
from console.reports import mending
from console.reports.failures import table
from console.reports.files import check_file
from console.reports.spreadsheets import HAS_XLSX, csv_lines, xlsx_file


@explained
@only("GET")
def failures_csv(model_admin: RunModelAdmin, request: HttpRequest, run_id: int) -> HttpResponseBase:
    """Stream the run's failures as CSV; ``?group=`` gives those of one reason."""
    run = open_run(request, model_admin.admin_site, run_id)
    lines = csv_lines(_failures(model_admin, request, run))
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=_as_file(run, "csv"))


@explained
@only("GET")
def failures_xlsx(model_admin: RunModelAdmin, request: HttpRequest, run_id: int) -> HttpResponseBase:
    """Send the run's failures as XLSX; ``?group=`` gives those of one reason."""
    run = open_run(request, model_admin.admin_site, run_id)
    if not HAS_XLSX:
        raise Http404(_("XLSX needs the extra “xlsx” of django-operations-console. Download the CSV."))
    is_mendable = mending.is_mendable(run)
    red = mending.error_place(run) if is_mendable else None
    try:
        file = xlsx_file(_failures(model_admin, request, run), "failures", red, is_whole=is_mendable)
    except NotInXLSX as refused:
        messages.warning(request, str(refused))
        return HttpResponseRedirect(run_url(model_admin.admin_site, run.pk))
    return FileResponse(file, as_attachment=True, filename=f"run-{run.pk}-failures.xlsx")


def _failures(model_admin: RunModelAdmin, request: HttpRequest, run: Run) -> Iterator[list[Any]]:
    """Return the failures as rows; those of an import as the rows of its file, to be mended and uploaded again."""
    rows = mending.rows if mending.is_mendable(run) else table
    return rows(run, sight(request, model_admin.admin_site), request.GET.get("group"))


@explained
@only("GET")
def input_file(model_admin: RunModelAdmin, request: HttpRequest, run_id: int) -> HttpResponseBase:
    """Send the file that the run reads, to those who may still see what is in it."""
    run = open_run(request, model_admin.admin_site, run_id)
    return _send(model_admin, request, run, original_of(run), _("Run %(run)s has read no file."))


@explained
@only("GET")
def output_file(model_admin: RunModelAdmin, request: HttpRequest, run_id: int) -> HttpResponseBase:
    """Send the file that the run wrote, to those who may still see what is in it."""
    run = open_run(request, model_admin.admin_site, run_id)
    return _send(model_admin, request, run, output_of(run), _("Run %(run)s has written no file."))


@explained
@only("GET")
def imported_csv(model_admin: RunModelAdmin, request: HttpRequest, run_id: int) -> HttpResponseBase:
    """Stream which row of an import became which object, to those who may see them all."""
    run = open_run(request, model_admin.admin_site, run_id)
    if not parts_of(run).exists():
        raise Http404(_("Run %(run)s has imported no row, or its list was deleted.") % {"run": run.pk})
    check_file(sight(request, model_admin.admin_site), run)
    headers = {"Content-Disposition": f'attachment; filename="run-{run.pk}-imported.csv"'}
    return StreamingHttpResponse(imported_rows(run), content_type="text/csv; charset=utf-8", headers=headers)


def _send(model_admin: RunModelAdmin, request: HttpRequest, run: Run, file: File | None, none: str) -> HttpResponseBase:
    """Stream a file of the run; permission is asked again, for it may have been taken away since.

    Raises:
        FileClosed: The person may not, or no longer, see all of what the file tells.
    """
    if file is None:
        raise Http404(none % {"run": run.pk})
    check_file(sight(request, model_admin.admin_site), run)
    try:
        content = open_file(file)
    except FileGone as gone:
        raise Http404(str(gone)) from None
    answer = FileResponse(content, as_attachment=True, filename=file.name, content_type=file.media_type)
    answer.headers["Content-Length"] = str(file.size)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _as_file(run: Run, extension: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="run-{run.pk}-failures.{extension}"'}
