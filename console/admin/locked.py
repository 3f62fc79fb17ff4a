"""The change form of a held object: read-only when opened, refused in words when saved, nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib.admin.options import TO_FIELD_VAR
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from console.admin import keys
from console.admin.banner import banner
from console.admin.base import Part, dress, has_operations
from console.admin.opened import opened_mark, put_back
from console.admin.seen import StaleForm, check_seen, seen_mark, unseen_change
from console.admin.sight import in_words, sight
from console.admin.words import not_saved, stale
from console.engine.holds import check_free, holders
from console.exceptions import ObjectBusy, ObjectHeld
from console.models import Target

if TYPE_CHECKING:
    from django.forms import ModelForm

    ObjectForm = ModelForm[Any]
else:
    ObjectForm = object

READING = ("GET", "HEAD", "OPTIONS", "TRACE")


class HeldForm(ObjectForm):
    """An object's form that a hold, or a change its reader has not seen, refuses."""

    console_refusal: Callable[[Any], str]

    def clean(self) -> Any:
        """Refuse the form, whatever else is wrong with it: all that was typed stays."""
        cleaned = super().clean()
        if refusal := type(self).console_refusal(self):
            self.add_error(None, refusal)
        return cleaned


class LockedPart(Part):
    """The part of `OperationsMixin` that keeps held objects from being changed."""

    def holders_of(self, request: HttpRequest, obj: Model) -> list[Target]:
        """Return who holds `obj`, read once a request."""
        known: dict[Any, list[Target]] = request.__dict__.setdefault("console_holders", {})
        if obj.pk not in known:
            known[obj.pk] = holders(type(obj), [obj.pk]).get(str(obj.pk), []) if has_operations(self.model) else []
        return known[obj.pk]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Make the page of a held object read-only.

        On a post the hold is an error of the form instead: a 403 would throw away what was typed.
        """
        if not super().has_change_permission(request, obj):
            return False
        if obj is None or request.method not in READING or hasattr(request, "console_ignores_holds"):
            return True
        return not self.holders_of(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        """Return the form, which is refused while the object is held or when its reader missed a change of it."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if request.method in READING or (obj is None and not hasattr(request, "console_met")):
            return form
        return type(form.__name__, (HeldForm, form), {"console_refusal": staticmethod(_Refusal(self, request))})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        """Save the object, locked and looked at once more: also where the form changes related objects only."""
        if change and has_operations(self.model):
            check_free(obj)
            check_seen(request, obj)
        super().save_model(request, obj, form, change)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show or save the form; a hold met while saving comes back as an error of the same form."""
        if request.method in READING:
            mark = self._mark(request, object_id)
            response = super().changeform_view(request, object_id, form_url, extra_context)
        else:
            mark = request.POST.get(keys.SEEN, "")
            response = self._saved(request, object_id, form_url, extra_context)
        return self._dressed_form(request, object_id, response, mark)

    def _mark(self, request: HttpRequest, object_id: str | None) -> str:
        """Return the mark of the form, taken before the object is read; empty where the address names no key."""
        if object_id is None or TO_FIELD_VAR in request.GET or not has_operations(self.model):
            return ""
        try:
            return seen_mark(self.model, [self.model._meta.pk.to_python(unquote(object_id))])
        except (ValidationError, ValueError):
            return ""

    def _saved(self, request: HttpRequest, *args: Any) -> Any:
        try:
            return super().changeform_view(request, *args)
        except (ObjectHeld, ObjectBusy, StaleForm) as met:
            request.__dict__.pop("console_holders", None)
            request.console_met = in_words(met, sight(request, self.admin_site))  # type: ignore[attr-defined]
            return super().changeform_view(request, *args)

    def _dressed_form(
        self, request: HttpRequest, object_id: str | None, response: HttpResponseBase, mark: str
    ) -> HttpResponseBase:
        context = getattr(response, "context_data", None) or {}
        obj = context.get("original")
        if not has_operations(self.model) or obj is None or object_id is None:
            return response
        targets = self.holders_of(request, obj)
        if targets:
            context["save_as"] = False
        return dress(
            response,
            "console/change_form.html",
            console_banner=banner(request, self.admin_site, obj, targets),
            console_again=self._again(request, obj),
            console_seen=mark,
            console_opened=_opened(request, context, mark),
            console_stale=self._stale(request, obj),
            **self._object_context(request, obj, is_popup=bool(context.get("is_popup"))),
        )

    def _again(self, request: HttpRequest, obj: Model) -> str:
        """Return the words of the link that the banner offers when the run has ended."""
        return _("Reload to edit") if super().has_change_permission(request, obj) else _("Reload")

    def _object_context(self, request: HttpRequest, obj: Model, *, is_popup: bool) -> dict[str, Any]:
        """Return what other parts show around the form."""
        return {}

    def _stale(self, request: HttpRequest, obj: Model) -> str:
        """Return the mark that saves a form whose reader has now been told of the last change; empty where not asked."""
        if request.method in READING or self.holders_of(request, obj):
            return ""
        return seen_mark(self.model, [obj.pk]) if unseen_change(request, obj) else ""


def _opened(request: HttpRequest, context: dict[str, Any], mark: str) -> str:
    """Return the mark of what the form shows: that of the page as it was first opened; empty where it has no mark."""
    if not mark:
        return ""
    if request.method == "POST":
        return request.POST.get(keys.OPENED, "")
    formsets = [inline.formset for inline in context["inline_admin_formsets"]]
    return opened_mark(context["adminform"].form, formsets)


class _Refusal:
    """Why the form of one request is refused, if it is."""

    def __init__(self, part: LockedPart, request: HttpRequest) -> None:
        self.part, self.request = part, request

    def __call__(self, form: Any) -> str:
        obj = form.instance
        if obj.pk is None:
            return self._met
        if targets := self.part.holders_of(self.request, obj):
            return not_saved(obj, targets)
        if has_operations(self.part.model) and (run := unseen_change(self.request, obj)):
            return stale(obj, run, put_back(form, self._formsets(obj), self.request.POST.get(keys.OPENED, "")))
        return self._met

    def _formsets(self, obj: Model) -> list[Any]:
        """Return the posted formsets, as Django will make them of the same post."""
        # No public method makes them; their prefixes and queries are the ModelAdmin's own affair.
        formsets, _inlines = self.part._create_formsets(self.request, obj, change=True)  # type: ignore[attr-defined]  # noqa: SLF001
        return list(formsets)

    @property
    def _met(self) -> str:
        """The words of the error that saving met, in the second look at a post; empty in the first."""
        return str(getattr(self.request, "console_met", ""))
