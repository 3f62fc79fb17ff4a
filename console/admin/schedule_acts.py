"""The acts on a schedule: GET asks and says what will happen, POST does it; and the same for several in the list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from console.admin.links import run_url
from console.admin.refusals import permission_name, refuse
from console.exceptions import ConsoleError, NotPermitted
from console.models import Schedule
from console.operations import known_operation
from console.operations.base import form_data, raw_params
from console.reports.words import number
from console.schedules import acts, declared, store
from console.schedules.store import Entry
from console.schedules.words import moment_in_words

ACT = "_act"  # posted by the page that asked
LISTED = 50  # times that are shown before they are made up for
VIEW = "django_celery_beat.view_periodictask"


class RangeForm(forms.Form):
    """The range that is made up for."""

    first = forms.DateTimeField(
        label=gettext_lazy("From"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    last = forms.DateTimeField(
        label=gettext_lazy("To"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a range that ends before it begins."""
        given = self.cleaned_data
        if "first" in given and "last" in given and given["first"] > given["last"]:
            self.add_error("last", _("This is before the beginning of the range."))
        return given


@dataclass(frozen=True)
class Act:
    """One act: its name and address, and its words."""

    name: str
    address: str
    button: str | Promise
    heading: str | Promise

    def is_possible(self, entry: Entry, schedule: Schedule) -> bool:
        """Tell whether the act makes sense for a schedule as it is now."""
        match self.name:
            case "enable":
                return not entry.enabled
            case "disable":
                return entry.enabled
            case "skip":
                return schedule.next_slot is not None
            case "reset":
                return declared.differs(schedule, entry)
        return True


ENABLE = Act("enable", "enable/", gettext_lazy("Enable…"), gettext_lazy("Switch %(name)s on?"))
DISABLE = Act("disable", "disable/", gettext_lazy("Disable…"), gettext_lazy("Switch %(name)s off?"))
RUN_NOW = Act("run_now", "run-now/", gettext_lazy("Run now…"), gettext_lazy("Run %(name)s now?"))
SKIP = Act("skip", "skip/", gettext_lazy("Skip the next…"), gettext_lazy("Skip the next time of %(name)s?"))
BACKFILL = Act("backfill", "backfill/", gettext_lazy("Backfill…"), gettext_lazy("Make up for times of %(name)s"))
RESET = Act("reset", "reset/", gettext_lazy("Reset to the code…"), gettext_lazy("Reset %(name)s to the code?"))
ACTS = (RUN_NOW, SKIP, BACKFILL, ENABLE, DISABLE, RESET)


def view(model_admin: Any, request: HttpRequest, task_id: int, *, act: Act) -> HttpResponseBase:
    """Ask before an act (GET), or do it (POST)."""
    if request.method not in {"GET", "HEAD", "POST"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    schedule = Schedule.objects.filter(task=task_id).select_related("owner").first()
    if schedule is None:
        raise Http404(_("There is no such schedule of an operation."))
    try:
        acts.check_permitted(request.user, "")
        return ActPage(model_admin, request, schedule, act).respond()
    except NotPermitted as refused:
        return _refuse(model_admin, request, refused, task_id)


def _refuse(
    model_admin: Any, request: HttpRequest, refused: NotPermitted, task_id: int | None = None
) -> HttpResponseBase:
    told = _("Nothing was done. You need the permission “%(permission)s”. Ask an administrator.")
    told %= {"permission": permission_name(refused.codename)}
    back = _address(model_admin, task_id) if task_id else ""
    return refuse(request, model_admin.admin_site, told, codename=refused.codename, back=back)


def _address(model_admin: Any, task_id: int) -> str:
    return reverse(f"{model_admin.admin_site.name}:django_celery_beat_periodictask_change", args=[task_id])


class ActPage:
    """One request to an act's page."""

    def __init__(self, model_admin: Any, request: HttpRequest, schedule: Schedule, act: Act) -> None:
        self.model_admin, self.request, self.schedule, self.act = model_admin, request, schedule, act
        self.site = model_admin.admin_site
        self.entry = store.entry_of(schedule.task_id)
        self.operation = known_operation(schedule.operation)
        self.reason = request.POST.get("reason", "").strip()
        self.back = _address(model_admin, schedule.task_id)

    def respond(self) -> HttpResponseBase:
        """Return the page that asks, or do it and lead on."""
        if self.request.method != "POST" or (self.act is BACKFILL and ACT not in self.request.POST):
            return self._page()
        try:
            done: Callable[[], HttpResponseBase | None] = getattr(self, f"_{self.act.name}")
            return done() or self._page()
        except NotPermitted:
            raise
        except ConsoleError as error:
            return self._page(error=str(error))

    # --- what each does

    def _enable(self) -> HttpResponseBase:
        schedule = acts.enable(self.schedule.pk, by=self.request.user, reason=self.reason)
        if schedule.next_slot is None:
            return self._done(_("On, but no time is to come."))
        told = _("On. Next: %(moment)s. Nothing is made up for the time it was off.")
        return self._done(told % {"moment": self._at(schedule.next_slot)})

    def _disable(self) -> HttpResponseBase:
        acts.disable(self.schedule.pk, by=self.request.user, reason=self.reason)
        return self._done(_("Off. Runs that have started go on."))

    def _skip(self) -> HttpResponseBase:
        schedule = acts.skip_next(self.schedule.pk, by=self.request.user, reason=self.reason)
        if schedule.next_slot is None:
            return self._done(_("Skipped. No other time is to come."))
        return self._done(_("Skipped. Next: %(moment)s.") % {"moment": self._at(schedule.next_slot)})

    def _reset(self) -> HttpResponseBase:
        acts.reset(self.schedule.pk, by=self.request.user, reason=self.reason)
        return self._done(_("It is as the code declares it again."))

    def _run_now(self) -> HttpResponseBase | None:
        form = self._params_form
        if form is not None and not form.is_valid():
            return None
        params = raw_params(self.operation.form, self.request.POST) if self.operation and form is not None else None
        run = acts.run_now(self.schedule.pk, by=self.request.user, params=params, reason=self.reason)
        return self._done(_("Run %(run)d accepted.") % {"run": run.pk}, run_url(self.site, run.pk))

    def _backfill(self) -> HttpResponseBase | None:
        if not self._range_form.is_valid():
            return None
        asked = self._range_form.cleaned_data
        times = acts.backfill(self.schedule.pk, asked["first"], asked["last"], by=self.request.user, reason=self.reason)
        told = ngettext(
            "%(count)s run is to be made up for; the scheduler starts it.",
            "%(count)s runs are to be made up for; the scheduler starts them.",
            len(times),
        )
        return self._done(told % {"count": number(len(times))})

    def _done(self, told: str, address: str = "") -> HttpResponseBase:
        log(self.request, self.model_admin, self.schedule.task_id, self.act, self.reason)
        messages.success(self.request, told)
        return HttpResponseRedirect(address or self.back)

    # --- what the page shows

    def _at(self, moment: datetime) -> str:
        return moment_in_words(moment, timezone.now(), self.entry.timing)

    @cached_property
    def _params_form(self) -> forms.Form | None:
        if self.act is not RUN_NOW or self.operation is None or self.operation.form is None:
            return None
        posted = self.request.method == "POST"
        shown = raw_params(self.operation.form, self.request.POST) if posted else self.schedule.params
        return self.operation.form(data=form_data(shown))

    @cached_property
    def _range_form(self) -> RangeForm:
        now = timezone.localtime()
        shown = {"first": now.replace(hour=0, minute=0), "last": now}
        return RangeForm(self.request.POST if self.request.method == "POST" else None, initial=shown)

    def _page(self, error: str = "") -> TemplateResponse:
        self.request.current_app = self.site.name
        context = {
            **self.site.each_context(self.request),
            "opts": self.model_admin.opts,
            "title": str(self.act.heading) % {"name": f"“{self.entry.name}”"},
            "name": self.entry.name,
            "back": self.back,
            "act": self.act,
            "act_name": ACT,
            "error": error,
            "reason": self.reason,
            "form": self._params_form,
            "range_form": self._range_form if self.act is BACKFILL else None,
            **self._what_happens(),
        }
        return TemplateResponse(self.request, "admin/console/schedule/act.html", context)

    def _what_happens(self) -> dict[str, Any]:
        """Return the sentence of what will happen, and the words of the button."""
        now = timezone.now()
        match self.act.name:
            case "enable":
                told = _("Nothing is made up for the time it was off.")
                return {"sentence": told, "button": _("Switch it on")}
            case "disable":
                told = _("It no longer starts by itself. Runs that have started go on.")
                return {"sentence": told, "button": _("Switch it off"), "danger": True}
            case "run_now":
                told = _("Starts with these parameters, once. Its times stay as they are.")
                if self.operation is None or self.operation.form is None:
                    told = _("Starts once, beside its times.")
                return {"sentence": told, "button": _("Run it now")}
            case "reset":
                told = _("Undoes what was changed in the admin. Whether it is on stays as it is.")
                return {"sentence": told, "button": _("Reset it")}
            case "skip":
                return {
                    "sentence": self._skips(),
                    "button": _("Skip it"),
                    "is_impossible": self.schedule.next_slot is None,
                }
        return self._makes_up(now)

    def _skips(self) -> str:
        slot = self.schedule.next_slot
        if slot is None:
            return _("It has no next time: it is off, or over.")
        after = next(self.entry.timing.after(slot, self.schedule.anchor), None)
        facts = {"skipped": self._at(slot), "next": self._at(after) if after else ""}
        if after is None:
            return _("Skips %(skipped)s; no other is to come.") % facts
        return _("Skips %(skipped)s; the one after is %(next)s.") % facts

    def _makes_up(self, now: datetime) -> dict[str, Any]:
        form = self._range_form
        if not form.is_bound or not form.is_valid():
            told = _("Choose a past range. Times that have their run already are left out.")
            return {"sentence": told, "button": ""}
        try:
            times = acts.to_backfill(self.schedule, form.cleaned_data["first"], form.cleaned_data["last"], now)
        except ConsoleError as error:
            return {"sentence": str(error), "button": ""}
        if not times:
            return {"sentence": _("Each time of this range has its run already, or there is none."), "button": ""}
        told = ngettext("Makes %(count)s run:", "Makes %(count)s runs:", len(times)) % {"count": number(len(times))}
        button = ngettext("Start %(count)s run", "Start %(count)s runs", len(times)) % {"count": number(len(times))}
        return {"sentence": told, "button": button, "times": times[:LISTED], "more": max(0, len(times) - LISTED)}


def log(request: HttpRequest, model_admin: Any, task_id: int, act: Act, reason: str) -> None:
    """Note in the admin's own log that the person has done it, and why."""
    task = model_admin.get_queryset(request).get(pk=task_id)
    told = f"{_DONE[act.name]}: {reason}" if reason else f"{_DONE[act.name]}."
    user: Any = request.user
    LogEntry.objects.log_actions(user.pk, [task], CHANGE, change_message=told, single_object=True)


_DONE = {
    "enable": pgettext_lazy("schedule", "Switched on"),
    "disable": pgettext_lazy("schedule", "Switched off"),
    "run_now": pgettext_lazy("schedule", "Run now"),
    "skip": pgettext_lazy("schedule", "Skipped the next time"),
    "backfill": pgettext_lazy("schedule", "Made up for a range"),
    "reset": pgettext_lazy("schedule", "Reset to the code"),
}
