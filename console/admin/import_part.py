"""What the page of an import's run shows more than others: the steps, the counts, the preview, the way on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.admin.import_steps import COLUMNS, FILE, IMPORT, PREVIEW, REPORT, steps
from console.admin.links import columns_url, import_url, run_url
from console.conf import settings
from console.engine.files import input_of
from console.engine.imported import parts_of
from console.engine.progress import Progress
from console.engine.row_runs import newer_preview
from console.engine.rows import described
from console.models import Failure, File, Partition, Run
from console.operations import Import, get_operation
from console.operations.imports import READING
from console.reports import imports
from console.reports.spreadsheets import HAS_XLSX
from console.reports.visibility import Sight
from console.reports.words import number
from console.states import State, Verb

KIND = "rows"  # of the page's address: which kind of rows is shown
SHOWN = 20


@dataclass(frozen=True)
class Tab:
    """One kind of rows, how many there are, and where they are shown."""

    kind: str
    label: str
    count: int
    address: str
    is_current: bool


@dataclass(frozen=True)
class PreviewRow:
    """A row that a preview shows: its number, the object, and the fields that differ as (field, was, becomes)."""

    number: int
    label: str
    address: str
    changes: list[list[str]]


def import_part(
    site: AdminSite, request: HttpRequest, run: Run, progress: Progress, verbs: list[Verb], seen: Sight
) -> dict[str, Any]:
    """Return what the page shows of an import; nothing for other runs."""
    if not imports.is_import(run):
        return {}
    operation = get_operation(run.operation)
    assert issubclass(operation, Import)
    assert operation.model is not None
    addresses = _addresses(site, run, operation, operation.model)
    tabs = _tabs(request, run, progress)
    current = next(tab for tab in tabs if tab.is_current)
    return {
        "import_steps": steps(_step(run), {step: addresses[step] for step in (FILE, COLUMNS, PREVIEW)}),
        "import_tabs": tabs,
        "import_kind": current.kind,
        "import_rows": _rows(site, run, operation.model, current.kind, seen) if run.dry_run else [],
        "import_failures": _failures(run, seen) if current.kind == imports.FAILING and run.dry_run else [],
        "import_file": addresses[FILE],
        "import_columns": addresses[COLUMNS],
        "import_mended_by": _mended_by(run, seen),
        "has_xlsx": HAS_XLSX,
        **_confirmation(site, run, progress, verbs),
        **_report(site, run, progress, verbs),
    }


def _step(run: Run) -> int:
    if run.dry_run:
        return PREVIEW
    return IMPORT if run.is_active else REPORT


def _addresses(site: AdminSite, run: Run, operation: type[Import], model: type[Model]) -> dict[int, str]:
    """Return where each step was done; the columns with what this run made of them."""
    file = import_url(site, model, operation.name)
    key = str(run.params.get("file", ""))
    columns = columns_url(site, model, operation.name, int(key)) if key.isdecimal() else ""
    said = {name: run.params[name] for name in READING if run.params.get(name)}
    preview = run if run.dry_run else run.preview_of
    return {
        FILE: file,
        COLUMNS: f"{columns}?{urlencode({'run': run.pk, **said})}" if columns else "",
        PREVIEW: run_url(site, preview.pk) if preview else "",
    }


def _tabs(request: HttpRequest, run: Run, progress: Progress) -> list[Tab]:
    counts = imports.counts(run, progress)
    asked = request.GET.get(KIND, "")
    filled = [count.kind for count in counts if count.count]
    current = asked if asked in {count.kind for count in counts} else next(iter(filled), counts[0].kind)
    return [
        Tab(one.kind, one.label, one.count, f"?{urlencode({KIND: one.kind})}#rows", one.kind == current)
        for one in counts
    ]


def _rows(site: AdminSite, run: Run, model: type[Model], kind: str, seen: Sight) -> list[PreviewRow]:
    """Return the first rows of one kind; those of objects that the person may not see are left out."""
    kept = [
        row
        for shown in run.partitions.filter(kind=Partition.Kind.WORK).values_list("shown", flat=True)
        for row in shown.get(kind, ())
    ][:SHOWN]
    told = seen.told(run, [row["pk"] for row in kept if row["pk"]])
    whole = seen.sees_whole(run)
    return [
        PreviewRow(row["row"], row["label"], _object_url(site, model, row["pk"]), row["changes"])
        for row in kept
        if (row["pk"] in told if row["pk"] else whole)
    ]


def _object_url(site: AdminSite, model: type[Model], pk: str) -> str:
    if not pk:
        return ""
    try:
        name = f"{site.name}:{model._meta.app_label}_{model._meta.model_name}_change"
        return reverse(name, args=[quote(pk)])
    except NoReverseMatch:
        return ""


def _failures(run: Run, seen: Sight) -> list[Failure]:
    return seen.sift(run, run.failures.order_by("pk")[:SHOWN])


def _confirmation(site: AdminSite, run: Run, progress: Progress, verbs: list[Verb]) -> dict[str, Any]:
    """Return the form that starts the import from its preview, or why there is none."""
    if not run.dry_run or run.is_active:
        return {}
    good = imports.good(imports.tally(run))
    newer = newer_preview(run)
    may = Verb.START in verbs and good and newer is None and not hasattr(run, "started_as")
    count = progress.total or 0
    act = ngettext("Import %(count)s row", "Import %(count)s rows", good) % {"count": number(good)}
    return {
        "import_start": run_url(site, run.pk, "start") if may else "",
        "import_act": act,
        "import_newer": newer,
        "import_newer_url": run_url(site, newer) if newer else "",
        "import_may_be_whole": count <= settings.import_all_or_nothing,
        "import_whole_limit": number(settings.import_all_or_nothing),
        "import_is_previewed": run.state == State.SUCCEEDED,
    }


def _report(site: AdminSite, run: Run, progress: Progress, verbs: list[Verb]) -> dict[str, Any]:
    """Return the ways on from an import that has ended: its failed rows, its file."""
    if run.is_active or run.dry_run:
        return {}
    failed = imports.failing(run, progress, imports.tally(run))
    file = original_of(run)
    return {
        "import_failed": failed,
        "import_retry": run_url(site, run.pk, "retry") if Verb.RETRY in verbs and failed else "",
        "import_download": ngettext("Download the %(count)s failed row", "Download the %(count)s failed rows", failed)
        % {"count": number(failed)},
        "import_retry_act": ngettext("Retry the %(count)s row…", "Retry the %(count)s rows…", failed)
        % {"count": number(failed)},
        "import_original": run_url(site, run.pk, "input") if file is not None and file.is_there else "",
        "import_has_list": parts_of(run).exists(),
        "import_original_name": file.name if file is not None else described(run).get("name", _("the file")),
    }


def original_of(run: Run) -> File | None:
    """Return the file that was uploaded for the run."""
    key = str(run.params.get("file", ""))
    return File.objects.filter(pk=int(key)).first() if key.isdecimal() else input_of(run)


def _mended_by(run: Run, seen: Sight) -> list[int]:
    """Return the imports of the mended report of this run that the person may see."""
    mending = {"params__mends__in": [run.pk, str(run.pk)]}  # a number where code gave it, text where a form did
    found = Run.objects.filter(operation=run.operation, dry_run=False, **mending).order_by("pk")
    return sorted(seen.seen(found[:20]))
