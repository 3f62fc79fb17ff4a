"""The second page of an import: how the file is read, and which of its columns goes to which field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from console import tables
from console.admin import keys
from console.admin.access import whole_number
from console.admin.import_steps import COLUMNS, FILE, steps
from console.admin.links import import_url, list_url, run_url
from console.admin.sight import sight
from console.admin.start_page import StartPage
from console.engine.acceptance import Acceptance
from console.engine.at_once import at_once
from console.engine.files import open_file
from console.exceptions import ConsoleError
from console.models import ColumnMapping, File, Run
from console.models.mappings import fingerprint
from console.operations import Import
from console.operations.imports import READING, Choice
from console.reports.words import clock
from console.states import ENDED

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

LONGEST_NAME = 100


@dataclass(frozen=True)
class ColumnRow:
    """One column of the file: its heading, its first values, the field it goes to, and what is to be said of it."""

    heading: str
    samples: Sequence[str]
    chosen: str
    is_ignored: bool
    note: str


class ColumnsPage(StartPage):
    """The page of an uploaded file's columns; a post saves a mapping, or starts the preview, which is a dry run."""

    operation: type[Import]

    def __init__(
        self, model_admin: ModelAdmin[Any], request: HttpRequest, operation: type[Import], upload: File
    ) -> None:
        super().__init__(
            model_admin.admin_site, request, operation, list_url(model_admin.admin_site, model_admin.model)
        )
        self.model_admin, self.upload, self.model = model_admin, upload, model_admin.model
        self.again = import_url(self.site, self.model, operation.name)

    def respond(self) -> HttpResponseBase:
        """Return the page, save the mapping, or start the preview and lead to it."""
        try:
            self._survey  # noqa: B018 - read once, here, where its errors have a way out
        except ConsoleError as refused:
            messages.error(self.request, str(refused))
            return HttpResponseRedirect(self.again)
        if "_save_mapping" in self.request.POST:
            return self._save()
        return super().respond()

    @property
    def _is_dry_run(self) -> bool:
        return True

    def _started(self, acceptance: Acceptance) -> HttpResponseBase:
        run = acceptance.run
        File.objects.filter(pk=self.upload.pk, run=None).update(run=run)
        if acceptance.created:
            at_once(run, self.upload.size)
        return super()._started(acceptance)

    def _answer(self, acceptance: Acceptance) -> tuple[int, str]:
        is_over = Run.objects.filter(pk=acceptance.run.pk, state__in=ENDED).exists()
        if not acceptance.created or (acceptance.woken is False and not is_over):
            return super()._answer(acceptance)
        return messages.INFO, _("Nothing is changed yet: run %(run)d is a preview.") % {"run": acceptance.run.pk}

    # --- what was said of the file and its columns

    @cached_property
    def _said(self) -> QueryDict:
        return self.request.POST if self.request.method == "POST" else self.request.GET

    @cached_property
    def _reading(self) -> dict[str, Any]:
        said: dict[str, Any] = {name: self._said.get(name, "") for name in READING}
        said["heading_row"] = whole_number(said["heading_row"])
        return {name: value for name, value in said.items() if value}

    @cached_property
    def _survey(self) -> Any:
        """What the file has to show: its columns and its first rows."""
        with open_file(self.upload) as file:
            self._detected = tables.detect(file, self.upload.name, **self._reading)
            return tables.peek(file, self._detected)

    @property
    def _headings(self) -> list[str]:
        return [column.name for column in self._survey.columns]

    @cached_property
    def _choices(self) -> list[Choice]:
        return self.operation.choices()

    @cached_property
    def _columns(self) -> list[str]:
        """The field that each column goes to: as posted, as saved, as in an earlier run, or guessed."""
        columns = self._survey.columns
        chosen = self._said.getlist("columns") or self._saved_columns() or self._columns_of_run()
        if len(chosen) != len(columns):
            guessed = self.operation.guess(["" if self._ignores(column) else column.name for column in columns])
            chosen = ["" if column.is_duplicate else name for column, name in zip(columns, guessed, strict=True)]
        return ["" if self._ignores(column) else name for column, name in zip(columns, chosen, strict=True)]

    @staticmethod
    def _ignores(column: Any) -> bool:
        """Tell whether a column is one that our own report of failed rows adds."""
        return bool(column.role)

    def _saved_columns(self) -> list[str]:
        saved = next((one for one in self._mappings if str(one.pk) == self._said.get("mapping")), None)
        return list(saved.columns) if saved else []

    def _columns_of_run(self) -> list[str]:
        run = Run.objects.filter(pk=whole_number(self._said.get("run")), operation=self.operation.name).first()
        if run is None or not sight(self.request, self.site).sees(run):
            return []
        named = run.params.get("columns", [])
        return named if isinstance(named, list) else [named]

    @cached_property
    def _mappings(self) -> list[ColumnMapping]:
        headings = fingerprint(self._headings)
        return list(ColumnMapping.objects.filter(operation=self.operation.name, headings=headings))

    # --- acts

    def _save(self) -> HttpResponseBase:
        name = self.request.POST.get("mapping_name", "").strip()[:LONGEST_NAME]
        if not name:
            return self._page(error=_("Nothing was saved. Give the mapping a name."))
        user: Any = self.request.user
        ColumnMapping.objects.update_or_create(
            operation=self.operation.name,
            headings=fingerprint(self._headings),
            name=name,
            defaults={"columns": self._columns, "saved_by": user},
        )
        self.__dict__.pop("_mappings", None)
        messages.success(
            self.request, _("Saved as “%(name)s”: offered for files with the same headings.") % {"name": name}
        )
        return self._page()

    def _refusal(self) -> str:
        if self.request.method == "POST" and self.request.POST.get("file") != str(self.upload.pk):
            return _("Nothing was started. This page is about another file. Open it again.")
        twice = [name for name, count in Counter(filter(None, self._columns)).items() if count > 1]
        if twice:
            label = self._label(twice[0])
            return _("Nothing was started. Two columns go to “%(field)s”. Choose one of them.") % {"field": label}
        missing = [choice for choice in self._choices if choice.is_id and choice.name not in self._columns]
        if missing:
            told = _("Nothing was started. No column for “%(fields)s”, which identifies a %(noun)s. Choose one.")
            named = get_text_list([choice.label for choice in missing], _("and"))
            return told % {"fields": named, "noun": self.model._meta.verbose_name}
        return ""

    def _label(self, name: str) -> str:
        return next((choice.label for choice in self._choices if choice.name == name), name)

    # --- what the page shows

    def _page(self, error: str = "", *, fresh: bool = False) -> TemplateResponse:
        self.request.current_app = self.site.name
        posted = "" if fresh else self.request.POST.get(keys.KEY, "")
        context = {
            **self.site.each_context(self.request),
            "opts": self.opts,
            "title": _("Columns of %(file)s") % {"file": self.upload.name},
            "operation_label": self.operation.label,
            "error": error,
            "key": posted or keys.new_key(self.request, self.operation),
            "steps": steps(COLUMNS, {FILE: self.again}),
            "upload": self.upload,
            "reading": self._detected,
            "said": {name: self._reading.get(name, "") for name in READING},
            "encodings": tables.ENCODINGS,
            "delimiters": tables.DELIMITERS,
            "rows": self._rows(),
            "choices": self._choices,
            "mappings": self._mappings,
            "missing": "" if error else self._refusal().removeprefix(_("Nothing was started.")).strip(),
            "earlier": self._earlier(),
            "mended": self._mended(),
            "back": self.again,
        }
        return TemplateResponse(self.request, "console/import_columns.html", context)

    def _rows(self) -> list[ColumnRow]:
        seen: Counter[str] = Counter(column.heading for column in self._survey.columns)
        return [
            ColumnRow(
                column.name,
                column.samples,
                chosen,
                is_ignored=self._ignores(column),
                note=self._note(column, seen[column.heading]),
            )
            for column, chosen in zip(self._survey.columns, self._columns, strict=True)
        ]

    def _note(self, column: Any, count: int) -> str:
        if column.role:
            return _("Added by the report of failed rows; it is ignored.")
        if column.is_missing:
            return _("This column has no heading.")
        if column.is_duplicate:
            told = _("%(count)s columns are called “%(heading)s”; this one is not imported unless you choose it.")
            return told % {"count": count, "heading": column.heading}
        return ""

    def _earlier(self) -> list[tuple[str, str]]:
        """Return the imports of this very file that the person may see, as (sentence, address)."""
        same = File.objects.filter(kind=File.Kind.INPUT, sha256=self.upload.sha256).values_list("pk", flat=True)
        imports = Run.objects.filter(operation=self.operation.name, dry_run=False, params__file__in=_both(same))
        runs = list(imports.filter(Q(done__gt=0) | Q(ended_at=None)).order_by("-pk")[:3])
        seen = sight(self.request, self.site).seen(runs)
        return [(self._told(run), run_url(self.site, run.pk)) for run in runs if run.pk in seen]

    def _told(self, run: Run) -> str:
        user: Any = self.request.user
        mine = _("You imported this very file at %(time)s (run %(run)d).")
        told = mine if run.asked_by_id == user.pk else _("This very file was imported at %(time)s (run %(run)d).")
        return told % {"time": clock(run.accepted_at, seconds=False), "run": run.pk}

    def _mended(self) -> dict[str, Any] | None:
        """Return what to say of a mended report of failed rows, the run that it came from, and that run's address."""
        run = Run.objects.filter(pk=self._survey.report or 0).first()
        if run is None or not sight(self.request, self.site).sees(run):
            return None
        told = _("These are failed rows of run %(run)d. The columns that its report added are ignored.")
        return {"run": run.pk, "told": told % {"run": run.pk}, "address": run_url(self.site, run.pk)}


def _both(keys_of_files: Any) -> list[Any]:
    """Return keys as parameters keep them: a number where code gave it, text where a form did."""
    return [form for key in keys_of_files for form in (key, str(key))]
