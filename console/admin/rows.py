"""Rows of a change list that are edited in place, and held objects among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import Model
from django.http import HttpRequest

from console.admin import keys
from console.admin.base import dress, has_operations
from console.admin.exports import ExportsPart
from console.admin.imports import ImportsPart
from console.admin.links import runs_url, summary_url
from console.admin.schedule_part import SchedulePart
from console.admin.seen import StaleForm, seen_mark, unseen_change
from console.admin.sight import in_words, sight
from console.admin.words import row_not_saved, row_stale
from console.engine.holds import holders
from console.exceptions import ObjectBusy, ObjectHeld
from console.models import Target

if TYPE_CHECKING:
    from django.forms import ModelForm

    RowForm = ModelForm[Any]
else:
    RowForm = object

Refusals = Callable[[Model], str]


class HeldRow(RowForm):
    """A row's form: text while its object is held; from an older page it is refused in words."""

    console_refusal: Refusals
    console_is_text: Callable[[Model], bool]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if type(self).console_is_text(self.instance):
            for name in [name for name, field in self.fields.items() if not field.widget.is_hidden]:
                del self.fields[name]

    def clean(self) -> Any:
        """Refuse a change of a held object."""
        cleaned = super().clean()
        if self.has_changed() and (refusal := type(self).console_refusal(self.instance)):
            self.add_error(None, refusal)
        return cleaned


class RowsPart(ImportsPart, ExportsPart, SchedulePart):
    """The part of `OperationsMixin` for ``list_editable``."""

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the change list, and keep it for those who look up a whole page at once."""
        changelist = super().get_changelist_instance(request)
        request.console_list = changelist  # type: ignore[attr-defined]
        return changelist

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the formset of the list's rows, which knows what is held: one query for the page."""
        formset = super().get_changelist_formset(request, **kwargs)
        if not has_operations(self.model):
            return formset
        shown = getattr(getattr(request, "console_list", None), "result_list", None)
        if request.method != "POST" and shown is not None:
            request.console_seen = seen_mark(self.model, shown.values_list("pk", flat=True))  # type: ignore[attr-defined]
        request.console_page = page = _Page(self.model, request)  # type: ignore[attr-defined]
        formset.form = _held_rows(formset.form, page)
        return formset

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show or save the list; a hold met while saving comes back as an error of its row."""
        try:
            response = super().changelist_view(request, extra_context)
        except (ObjectHeld, ObjectBusy, StaleForm) as met:
            request.console_met = in_words(met, sight(request, self.admin_site))  # type: ignore[attr-defined]
            response = super().changelist_view(request, extra_context)
        if not has_operations(self.model) or "cl" not in (getattr(response, "context_data", None) or {}):
            return response
        return dress(
            response,
            "console/change_list.html",
            console_seen=request.POST.get(keys.SEEN) or getattr(request, "console_seen", ""),
            console_locked=self._locked(request),
            console_runs=runs_url(self.admin_site, model=self.opts.label_lower),
            console_summary=summary_url(self.admin_site),
            console_tools=[
                *self.import_buttons(request),
                *self.export_buttons(request),
                *self.schedule_buttons(request),
            ],
        )

    def _locked(self, request: HttpRequest) -> list[str]:
        """Return the keys of the rows that the page draws as text, for its post to tell: nothing of them comes."""
        page: _Page | None = getattr(request, "console_page", None)
        shown = getattr(getattr(request, "console_list", None), "result_list", ())
        return [str(obj.pk) for obj in shown if page.is_text(obj)] if page else []


class _Page:
    """Who holds the rows of one page, read once."""

    def __init__(self, model: type[Model], request: HttpRequest) -> None:
        self.model, self.request = model, request
        self._known: dict[str, list[Target]] = {}

    def of(self, obj: Model) -> Sequence[Target]:
        if obj.pk is None:
            return ()  # an empty list has an empty form
        key = str(obj.pk)
        if key not in self._known:
            self._known.update({key: [] for key in self._page_keys(obj)})
            self._known.update(holders(self.model, self._known))
        return self._known[key]

    def is_text(self, obj: Model) -> bool:
        """Tell whether the row is drawn as text; of a posted page, whether it was: what was off is not emptied."""
        if self.request.method == "POST" and "_save" in self.request.POST:
            return str(obj.pk) in self.request.POST.getlist(keys.LOCKED)
        return bool(self.of(obj))

    def refusal(self, obj: Model) -> str:
        if targets := self.of(obj):
            return row_not_saved(obj, targets)
        if run := unseen_change(self.request, obj):
            return row_stale(obj, run)
        return str(getattr(self.request, "console_met", ""))

    def _page_keys(self, obj: Model) -> list[str]:
        changelist = getattr(self.request, "console_list", None)
        return [str(obj.pk), *(str(other.pk) for other in getattr(changelist, "result_list", ()))]


def _held_rows(form: type[Any], page: _Page) -> type[Any]:
    attributes = {
        "console_refusal": staticmethod(page.refusal),
        "console_is_text": staticmethod(page.is_text),
    }
    return type(form.__name__, (HeldRow, form), attributes)
