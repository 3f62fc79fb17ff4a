"""The page between choosing an operation and starting it: by itself for one without objects."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from console.admin import keys
from console.admin.consequences import always
from console.admin.links import run_url
from console.admin.log import log_start
from console.admin.obstacles import plain
from console.admin.refusals import refuse_start
from console.engine.acceptance import Acceptance, accept, page_key
from console.engine.selection import Selection
from console.exceptions import ConsoleError, FormExpired, KeyReused, NotPermitted
from console.models import Run
from console.operations import BaseOperation, FileOperation
from console.operations.base import raw_params
from console.reports.words import lower_first


class StartPage:
    """The page that starts one operation; a post that carries a key starts the run.

    `given` are values to show in its form at first, `note` a sentence above it, and `repeat_of` the run that it repeats.
    """

    repeat_of: Run | None = None
    given: dict[str, Any] | None = None
    note: str = ""

    def __init__(self, site: AdminSite, request: HttpRequest, operation: type[BaseOperation], back: str) -> None:
        self.site, self.request, self.operation, self.back = site, request, operation, back
        self.opts: Any = (operation.model or Run)._meta

    def respond(self) -> HttpResponseBase:
        """Return the page, or start the run and lead to it."""
        if keys.KEY in self.request.POST:
            return self._start()
        return self._page()

    def _start(self) -> HttpResponseBase:
        try:
            key = keys.read_key(self.request, self.operation)
            if refusal := self._refusal():
                return self._page(error=refusal)
            return self._started(self._accept(key))
        except ConsoleError as error:
            return self._refused(error)

    def _refusal(self) -> str:
        """Return why the page cannot start anything as it was posted; empty where it can."""
        return ""

    def _refused(self, error: ConsoleError) -> HttpResponseBase:
        if isinstance(error, NotPermitted):
            return refuse_start(self.request, self.site, error, back=self.back)
        return self._page(error=self._obstacle(error), fresh=isinstance(error, FormExpired | KeyReused))

    def _obstacle(self, error: ConsoleError) -> str:
        return plain(error)

    def _accept(self, key: str, selection: Selection | None = None, confirmed: int | None = None) -> Acceptance:
        params = raw_params(self.operation.form, self.request.POST)
        return accept(
            self.operation,
            by=self.request.user,
            selection=selection,
            params=self.request.POST,
            key=page_key(key, params, dry_run=self._is_dry_run, leave_held_out=self._leaves_held_out),
            dry_run=self._is_dry_run,
            leave_held_out=self._leaves_held_out,
            confirmed=confirmed,
            repeat_of=self.repeat_of,
            source="admin",
        )

    def _started(self, acceptance: Acceptance) -> HttpResponseBase:
        if acceptance.created:
            log_start(self.request, acceptance.run)
        messages.add_message(self.request, *self._answer(acceptance))
        return HttpResponseRedirect(run_url(self.site, acceptance.run.pk) or self.back)

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
        what = self._act
        if acceptance.run.dry_run:
            what = _("dry run of “%(what)s”") % {"what": what}
        return messages.SUCCESS, _("Run %(run)d accepted: %(what)s.") % {"run": run, "what": lower_first(what)}

    # What was asked for

    @property
    def _is_dry_run(self) -> bool:
        return keys.DRY_RUN in self.request.POST

    @property
    def _leaves_held_out(self) -> bool:
        return self.request.POST.get(keys.HELD) == "skip"

    # What the page shows

    @property
    def _act(self) -> str:
        """What the button says it does."""
        return str(self.operation.label)

    def _page(self, error: str = "", *, fresh: bool = False) -> TemplateResponse:
        self.request.current_app = self.site.name
        posted = "" if fresh else self.request.POST.get(keys.KEY, "")
        return TemplateResponse(
            self.request,
            "console/confirmation.html",
            {
                **self.site.each_context(self.request),
                "title": self._act,
                "act": self._act,
                "key": posted or keys.new_key(self.request, self.operation),
                "error": error,
                "opts": self.opts,
                "operation_name": self.operation.name,
                "operation_label": self.operation.label,
                "description": self.operation.description(),
                "note": self.note,
                "consequences": always(self.operation, self.request.user),
                "form": self._form(),
                "back": self.back,
                "offers_dry_run": not (self.operation.external or issubclass(self.operation, FileOperation)),
                **self._about_objects(),
            },
        )

    def _about_objects(self) -> dict[str, Any]:
        """Return what more the page shows where there are objects."""
        return {}

    def _form(self) -> forms.Form | None:
        if self.operation.form is None:
            return None
        if keys.KEY in self.request.POST:
            return self.operation.form(data=self.request.POST)
        given = _given(self.request, self.operation.form) if self.given is None else self.given
        form = self.operation.form(initial=given)
        for field in form.visible_fields()[:1]:
            field.field.widget.attrs["autofocus"] = True
        return form


def _given(request: HttpRequest, form: type[forms.Form]) -> dict[str, Any]:
    """Return the values that the request suggests for the form."""
    suggested = {**dict(request.GET.lists()), **dict(request.POST.lists())}
    return {
        name: values if len(values) > 1 else values[0] for name, values in suggested.items() if name in form.base_fields
    }
