"""Rows of a change list that are edited in place, and held objects among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import Model
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict

from console.admin import keys
from console.admin.base import Part, dress, has_operations
from console.admin.links import runs_url
from console.admin.seen import StaleForm, seen_mark, unseen_change
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
    """A row's form that cannot be edited while its object is held; from an older page it is refused in words."""

    console_refusal: Refusals
    console_is_held: Callable[[Model], bool]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = self._drawn_disabled() if self.is_bound else type(self).console_is_held(self.instance)
        if held and self._tellers():
            for field in self.fields.values():
                field.disabled = not field.widget.is_hidden

    def clean(self) -> Any:
        """Refuse a change of a held object."""
        cleaned = super().clean()
        if self.has_changed() and (refusal := type(self).console_refusal(self.instance)):
            self.add_error(None, refusal)
        return cleaned

    def _tellers(self) -> list[str]:
        """Return the fields whose absence from a post is telling: an unticked box posts nothing, like a disabled one."""
        nothing: MultiValueDict[str, Any] = MultiValueDict()
        return [
            name
            for name, field in self.fields.items()
            if not field.widget.is_hidden and field.widget.value_omitted_from_data({}, nothing, name)
        ]

    def _drawn_disabled(self) -> bool:
        """Tell whether the row was drawn while its object was held: then nothing of it came, and nothing is cleared."""
        tellers = self._tellers()
        return all(
            self.fields[name].widget.value_omitted_from_data(self.data, self.files, self.add_prefix(name))
            for name in tellers
        )


class RowsPart(Part):
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
        formset.form = _held_rows(formset.form, _Page(self.model, request))
        return formset

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show or save the list; a hold met while saving comes back as an error of its row."""
        try:
            response = super().changelist_view(request, extra_context)
        except (ObjectHeld, ObjectBusy, StaleForm) as met:
            request.console_met = met  # type: ignore[attr-defined]
            response = super().changelist_view(request, extra_context)
        if not has_operations(self.model) or "cl" not in (getattr(response, "context_data", None) or {}):
            return response
        mark = request.POST.get(keys.SEEN) or getattr(request, "console_seen", "")
        runs = runs_url(self.admin_site, model=self.opts.label_lower)
        return dress(response, "console/change_list.html", console_seen=mark, console_runs=runs)


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
        "console_is_held": staticmethod(lambda obj: bool(page.of(obj))),
    }
    return type(form.__name__, (HeldRow, form), attributes)
