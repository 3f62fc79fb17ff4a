"""The page between choosing an operation and starting it: what will happen, to what, and what stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from console.admin import keys
from console.admin.conflicts import SHOWN, held_rows
from console.admin.consequences import consequences
from console.admin.links import object_url, run_url
from console.admin.obstacles import all_vanished, obstacle, untyped, vanished
from console.admin.refusals import refuse
from console.admin.words import act, counted, lower_first
from console.engine.acceptance import Acceptance, accept, page_key
from console.engine.holds import Clashes, clashes, held
from console.engine.selection import Selection
from console.engine.sizes import prepare_above
from console.exceptions import (
    ConsoleError,
    EmptySelection,
    FormExpired,
    KeyReused,
    NotPermitted,
    SelectionChanged,
)
from console.operations import BaseOperation, Hold
from console.operations.base import raw_params
from console.reports.words import number

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    from console.admin.selection import Chosen

LISTED = 10
DRY_RUN_FIRST_ABOVE = 1000
TYPE_THE_COUNT_ABOVE = 100


class Confirmation:
    """The confirmation page of one operation on what was chosen; a post that carries a key starts the run."""

    def __init__(
        self, model_admin: ModelAdmin[Any], request: HttpRequest, operation: type[BaseOperation], chosen: Chosen
    ) -> None:
        self.model_admin, self.request, self.operation, self.chosen = model_admin, request, operation, chosen
        self.site, self.model = model_admin.admin_site, model_admin.model

    def respond(self) -> HttpResponseBase:
        """Return the page, or start the run and lead to it."""
        if not self.chosen.count:
            return self._all_vanished()
        if keys.KEY in self.request.POST:
            return self._start()
        return self._page(error=self._vanished())

    def _start(self) -> HttpResponseBase:
        try:
            key, confirmed = keys.read_key(self.request, self.operation), keys.read_count(self.request)
            if refusal := self._vanished() or self._untyped():
                return self._page(error=refusal)
            return self._started(self._accept(key, confirmed), confirmed)
        except ConsoleError as error:
            return self._refused(error)

    def _refused(self, error: ConsoleError) -> HttpResponseBase:
        if isinstance(error, EmptySelection):
            return self._all_vanished()
        if isinstance(error, NotPermitted):
            return refuse(self.request, self.site, str(error), back=self.chosen.back)
        text = obstacle(error, self.model, self.chosen.count)
        return self._page(error=text, fresh=isinstance(error, FormExpired | KeyReused))

    def _accept(self, key: str, confirmed: int | None) -> Acceptance:
        dry_run, leave_held_out = keys.DRY_RUN in self.request.POST, self._leaves_held_out
        params = raw_params(self.operation.form, self.request.POST)
        if self._must_not_change and confirmed is not None and confirmed != self.chosen.count:
            raise SelectionChanged(confirmed, self.chosen.count)
        return accept(
            self.operation,
            by=self.request.user,
            selection=self._free_now() if dry_run and leave_held_out else self.chosen.selection,
            params=self.request.POST,
            key=page_key(key, params, dry_run=dry_run, leave_held_out=leave_held_out),
            dry_run=dry_run,
            leave_held_out=leave_held_out,
            confirmed=confirmed if self._must_not_change else None,
            source="admin",
        )

    @property
    def _must_not_change(self) -> bool:
        """Whether more objects than were seen must not be touched unasked: where they are changed or deleted."""
        return self.chosen.across and (self.operation.deletes or self.operation.hold == Hold.EXCLUSIVE)

    def _free_now(self) -> Selection:
        """Return the selection without what other runs hold: a dry run takes no holds, so it meets none either."""
        if self._prepares:
            return self.chosen.selection
        taken = held(self.model).filter(object_id__in=self.chosen.selection.keys()).values_list("object_id", flat=True)
        free = self.chosen.selection.queryset().exclude(pk__in=list(taken))
        return Selection.of_queryset(free)

    def _started(self, acceptance: Acceptance, confirmed: int | None) -> HttpResponseBase:
        level, text = self._answer(acceptance)
        messages.add_message(self.request, level, text)
        more = self.chosen.count - confirmed if self.chosen.across and confirmed is not None else 0
        if acceptance.created and more > 0:
            messages.info(
                self.request,
                _("%(now)s, %(more)s more than you saw.") % {"now": self._counted, "more": number(more)},
            )
        return HttpResponseRedirect(run_url(self.site, acceptance.run.pk) or self.chosen.back)

    def _answer(self, acceptance: Acceptance) -> tuple[int, str]:
        run = acceptance.run.pk
        if not acceptance.created:
            return messages.INFO, _("You already started this: here it is.")
        if acceptance.woken is False:
            away = _(
                "Run %(run)d is accepted and safe. The message broker is away, so it starts when the broker is back; "
                "you need not do anything."
            )
            return messages.WARNING, away % {"run": run}
        what = act(self.operation, self._counted)
        if acceptance.run.dry_run:
            what = _("dry run of “%(what)s”") % {"what": what}
        return messages.SUCCESS, _("Run %(run)d accepted: %(what)s.") % {"run": run, "what": lower_first(what)}

    # What stands in the way

    def _all_vanished(self) -> HttpResponseBase:
        messages.error(self.request, all_vanished(self.model))
        return HttpResponseRedirect(self.chosen.back)

    def _vanished(self) -> str:
        return vanished(self.model, self.chosen.gone, self.chosen.asked or 0) if self.chosen.gone else ""

    def _untyped(self) -> str:
        if not self._asks_to_type or self.request.POST.get(keys.TYPED, "").strip() == str(self.chosen.count):
            return ""
        return untyped(self.chosen.count)

    @cached_property
    def _clashes(self) -> Clashes:
        """The holds in the way now; none where the run collects its objects later, or leaves held ones out."""
        if self._prepares:
            return Clashes(0, [], self.chosen.count)
        return clashes(self.chosen.selection, self.operation.hold)

    # What the page shows

    @property
    def _leaves_held_out(self) -> bool:
        return self.request.POST.get(keys.HELD) == "skip"

    @property
    def _counted(self) -> str:
        return counted(self.model, self.chosen.count)

    @property
    def _prepares(self) -> bool:
        return self.chosen.count > prepare_above()

    @property
    def _asks_to_type(self) -> bool:
        return self.operation.deletes and self.chosen.count > TYPE_THE_COUNT_ABOVE

    @property
    def _dry_run_first(self) -> bool:
        changes = self.operation.hold == Hold.EXCLUSIVE and not self.operation.external
        return changes and self.chosen.count > DRY_RUN_FIRST_ABOVE

    def _page(self, error: str = "", *, fresh: bool = False) -> TemplateResponse:
        self.request.current_app = self.site.name
        return TemplateResponse(
            self.request,
            "console/confirmation.html",
            {
                **self.site.each_context(self.request),
                **self._hidden(fresh=fresh),
                **self._words(),
                **self._conflicts(),
                "error": error,
                "opts": self.model._meta,
                "operation_name": self.operation.name,
                "operation_label": self.operation.label,
                "form": self._form(),
                "back": self.chosen.back,
                "dry_run_first": self._dry_run_first,
                "offers_dry_run": not self.operation.external,
                "asks_to_type": self._asks_to_type,
                "prepares": self._prepares,
                "leaves_held_out": self._leaves_held_out or keys.KEY not in self.request.POST,
            },
        )

    def _hidden(self, *, fresh: bool) -> dict[str, Any]:
        posted = "" if fresh else self.request.POST.get(keys.KEY, "")
        return {
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "selected": self.chosen.keys,
            "across": self.chosen.across,
            "key": posted or keys.new_key(self.request, self.operation),
            "signed_count": keys.sign_count(self.chosen.count),
        }

    def _words(self) -> dict[str, Any]:
        act_text = act(self.operation, self._counted)
        first = self.chosen.first(LISTED)
        return {
            "title": act_text,
            "act": act_text,
            "description": self.operation.description(),
            "count": self.chosen.count,
            "counted": self._counted,
            "consequences": consequences(self.operation, self.model, self.chosen),
            "objects": [(str(obj), object_url(self.site, obj)) for obj in first],
            "more": self.chosen.count - len(first),
        }

    def _conflicts(self) -> dict[str, Any]:
        found = self._clashes
        others = found.total - found.count
        rest = _("the other %(count)s") % {"count": number(others)}
        return {
            "held_count": found.count,
            "held_rows": held_rows(self.request, self.site, self.model, found.targets) if found.count else [],
            "held_more": max(found.count - SHOWN, 0),
            "others": others,
            "act_others": act(self.operation, rest),
            "rest": rest,
        }

    def _form(self) -> forms.Form | None:
        if self.operation.form is None:
            return None
        if keys.KEY in self.request.POST:
            return self.operation.form(data=self.request.POST)
        form = self.operation.form(initial=_given(self.request, self.operation.form))
        for field in form.visible_fields()[:1]:
            field.field.widget.attrs["autofocus"] = True
        return form


def _given(request: HttpRequest, form: type[forms.Form]) -> dict[str, Any]:
    """Return the values that the request suggests for the form, as “run again” does."""
    suggested = {**dict(request.GET.lists()), **dict(request.POST.lists())}
    return {
        name: values if len(values) > 1 else values[0] for name, values in suggested.items() if name in form.base_fields
    }
