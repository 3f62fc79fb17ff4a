"""The page of a schedule: what it is, what can be done, its form, what became of its times."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from console.admin.actions import may_start
from console.admin.links import list_url
from console.admin.refusals import permission_name, refuse, refuse_start
from console.admin.schedule_acts import ACTS
from console.admin.schedule_facts import facts
from console.admin.schedule_form import MINUTE, ScheduleForm, initial
from console.engine.transactions import short_transaction
from console.exceptions import ConsoleError, InvalidParameters, NotPermitted
from console.models import Schedule
from console.operations import BaseOperation, known_operation
from console.operations.base import form_data, raw_params
from console.reports.words import number
from console.schedules import acts, store
from console.schedules.editing import write
from console.schedules.planning import next_times
from console.schedules.slots import selection_of
from console.schedules.store import Entry
from console.schedules.timing import Crontab, Timing
from console.schedules.words import in_words, moment_in_words, with_zone

ADD, CHANGE, VIEW = (f"django_celery_beat.{act}_periodictask" for act in ("add", "change", "view"))
SHOW_NEXT = "_next"  # posted by the button that only shows the times again


def add(model_admin: Any, request: HttpRequest, name: str) -> HttpResponseBase:
    """Show the form of a new schedule of the operation called `name`, or make it."""
    operation = known_operation(name)
    if operation is None or operation.reads_rows:  # whose file somebody has to upload, and to look at
        raise Http404(_("There is no operation called “%(name)s” to be scheduled.") % {"name": name})
    if not model_admin.has_add_permission(request):
        return _refuse(model_admin, request, ADD)
    if not may_start(request, operation):
        return refuse_start(
            request, model_admin.admin_site, NotPermitted(str(operation.permission), str(operation.label))
        )
    schedule = Schedule(operation=name, selection={"query": request.GET.get("filter", "")})
    return SchedulePage(model_admin, request, schedule).respond()


def change(model_admin: Any, request: HttpRequest, schedule: Schedule) -> HttpResponseBase:
    """Show the page of a schedule, or save what was changed."""
    if not model_admin.has_view_or_change_permission(request):
        return _refuse(model_admin, request, VIEW)
    if request.method == "POST" and not model_admin.has_change_permission(request):
        return _refuse(model_admin, request, CHANGE)
    return SchedulePage(model_admin, request, schedule).respond()


def _refuse(model_admin: Any, request: HttpRequest, codename: str) -> HttpResponseBase:
    told = _("Nothing was done. You need the permission “%(permission)s”. Ask an administrator.")
    told %= {"permission": permission_name(codename)}
    return refuse(request, model_admin.admin_site, told, codename=codename)


class SchedulePage:
    """One request to the page of a schedule."""

    def __init__(self, model_admin: Any, request: HttpRequest, schedule: Schedule) -> None:
        self.model_admin, self.request, self.schedule = model_admin, request, schedule
        self.site = model_admin.admin_site
        self.operation: type[BaseOperation] | None = known_operation(schedule.operation)
        self.is_new = not schedule.pk

    def respond(self) -> HttpResponseBase:
        """Return the page, or save and lead to it."""
        if self.request.method != "POST":
            return self._page()
        is_valid = all([self.form.is_valid(), self._params_are_valid()])
        if SHOW_NEXT in self.request.POST or not is_valid or self._is_refused() or self.form.warning:
            return self._page()
        return self._save()

    # --- the forms

    @cached_property
    def may_change(self) -> bool:
        """Whether the person may save."""
        has = self.model_admin.has_add_permission if self.is_new else self.model_admin.has_change_permission
        return bool(has(self.request))

    @cached_property
    def form(self) -> ScheduleForm:
        """The form of the schedule itself."""
        shown = initial(self.schedule, self.request.user)
        if self.is_new and self.operation is not None:
            shown["name"] = str(self.operation.label)
            shown["filter"] = (self.schedule.selection or {}).get("query", "")
        posted = self.request.POST if self.request.method == "POST" else None
        return ScheduleForm(
            posted, initial=shown, operation=self.operation, schedule=self.schedule, user=self.request.user
        )

    @cached_property
    def params_form(self) -> forms.Form | None:
        """The operation's own form; None where it has none."""
        if self.operation is None or self.operation.form is None:
            return None
        if self.request.method == "POST":
            return self.operation.form(data=form_data(self._params()))
        if self.is_new:
            return self.operation.form()
        return (
            self.operation.form(data=form_data(self.schedule.params)) if self.schedule.params else self.operation.form()
        )

    def _params(self) -> dict[str, Any]:
        """Return the posted parameters; a secret that was left empty stays as it was."""
        assert self.operation is not None
        params = raw_params(self.operation.form, self.request.POST)
        for name in self.operation.secret_params:
            if not params.get(name) and name in self.schedule.params:
                params[name] = self.schedule.params[name]
        return params

    def _params_are_valid(self) -> bool:
        return self.params_form is None or self.params_form.is_valid()

    def _is_refused(self) -> bool:
        """Tell whether the person may not save this; the form says why."""
        if self.operation is None:
            self.form.add_error(None, _("This operation is no longer part of the site; the schedule cannot be saved."))
        elif self._changes_what() and not may_start(self.request, self.operation):
            told = _("To change what it does you need “%(permission)s”.")
            self.form.add_error(None, told % {"permission": permission_name(str(self.operation.permission))})
        elif self._changes_what() and not self._may_act_for_owner():
            self.form.add_error(
                "owner",
                _("Only a superuser may change what is done in another person's name. Choose yourself as owner."),
            )
        return bool(self.form.errors)

    def _changes_what(self) -> bool:
        params = self._params() if self.operation else {}
        return self.is_new or params != self.schedule.params or "filter" in self.form.changed_data

    def _may_act_for_owner(self) -> bool:
        return bool(self.request.user.is_superuser or self.form.cleaned_data.get("owner") == self.request.user)

    # --- saving

    @short_transaction
    def _save(self) -> HttpResponseBase:
        if not self.is_new and self._is_old():
            return self._page()
        given, operation = self.form.cleaned_data, self.operation
        assert operation is not None
        assert self.form.timing is not None
        try:
            params = operation(self._params()).raw_params
        except InvalidParameters as error:
            self.form.add_error(None, str(error))
            return self._page()
        schedule, is_new = self.schedule, self.is_new
        schedule.params, schedule.owner = params, given["owner"]
        schedule.selection = {"site": self.site.name, "query": given["filter"]} if "filter" in given else None
        schedule.overlap, schedule.missed = given["overlap"], given["missed"]
        schedule.pause_after = given["pause_after"]
        schedule.catch_up, schedule.spread = given["catch_up"] * MINUTE, given["spread"] * MINUTE
        schedule.max_duration = given["max_duration"] and given["max_duration"] * MINUTE
        write(
            schedule,
            name=given["name"],
            timing=self.form.timing,
            enabled=given["enabled"],
            description=given["description"],
            queue=given["queue"] or None,
            priority=given["priority"],
        )
        acts.note(schedule, "made" if is_new else "changed", by=self.request.user)
        self._log(is_new=is_new)
        messages.success(self.request, self._saved())
        return HttpResponseRedirect(self._address)

    def _is_old(self) -> bool:
        """Lock the schedule, and tell whether somebody changed it since the form was opened."""
        self.schedule = get_object_or_404(Schedule.objects.select_for_update(no_key=True), pk=self.schedule.pk)
        self.form.check_seen(self.schedule, [_("what it does")] if self._params() != self.schedule.params else [])
        return bool(self.form.warning)

    def _saved(self) -> str:
        if self.schedule.next_slot is None:
            return _("Saved. It is off, so it does not start by itself.")
        return _("Saved. Next: %(moment)s.") % {
            "moment": moment_in_words(self.schedule.next_slot, timezone.now(), self.form.timing)
        }

    def _log(self, *, is_new: bool) -> None:
        task = self.model_admin.get_queryset(self.request).get(pk=self.schedule.task_id)
        changed = [str(self.form.fields[name].label) for name in self.form.changed_data if self.form.fields[name].label]
        message: Any = [{"added": {}}] if is_new else [{"changed": {"fields": changed}}]
        (self.model_admin.log_addition if is_new else self.model_admin.log_change)(self.request, task, message)

    @property
    def _address(self) -> str:
        return reverse(f"{self.site.name}:django_celery_beat_periodictask_change", args=[self.schedule.task_id])

    # --- the page

    def _page(self) -> TemplateResponse:
        self.request.current_app = self.site.name
        context = {
            **self.site.each_context(self.request),
            "opts": self.model_admin.opts,
            "operation": self.operation,
            "operation_label": str(self.operation.label) if self.operation else self.schedule.operation,
            "description": self.operation.description() if self.operation else "",
            "form": self.form,
            "params_form": self.params_form,
            "crontab_fields": [
                self.form[name] for name in ("hour", "minute", "day_of_week", "day_of_month", "month_of_year", "zone")
            ],
            "list_address": self._list_address,
            "may_change": self.may_change,
            "is_new": self.is_new,
            "matches": self._matches,
            "times": self._times,
            "in_words": in_words(self._timing) if self._timing else "",
            "warning": self.form.warning,
            "show_next": SHOW_NEXT,
            **(self._about_new() if self.is_new else self._about()),
        }
        return TemplateResponse(self.request, "admin/console/schedule/change_form.html", context)

    @property
    def _list_address(self) -> str:
        model = self.operation.model if self.operation else None
        if model is None:
            return ""
        query = (self.schedule.selection or {}).get("query", "")
        return f"{list_url(self.site, model)}?{query}"

    @cached_property
    def _timing(self) -> Timing | None:
        """When it is due: as it is typed, or as it is kept; None where that cannot be reckoned."""
        if self.form.is_bound:
            return self.form.timing
        return (
            Timing(Crontab("0", "2", zone=timezone.get_default_timezone_name())) if self.is_new else self._entry.timing
        )

    @cached_property
    def _entry(self) -> Entry:
        return store.entry_of(self.schedule.task_id)

    @cached_property
    def _matches(self) -> str:
        """How many objects the filter finds now."""
        count = self.form.matches
        if self.operation is None or self.operation.model is None:
            return ""
        if not self.form.is_bound and not self.is_new:
            try:
                found = selection_of(self.operation, self.schedule)
                count = found.count() if found else None
            except ConsoleError as error:
                return str(error)
        if count is None:
            return ""
        noun = self.operation.model._meta
        return _("matches %(count)s %(noun)s now; evaluated each time it fires") % {
            "count": number(count),
            "noun": noun.verbose_name if count == 1 else noun.verbose_name_plural,
        }

    @cached_property
    def _times(self) -> list[tuple[str, str]]:
        """The next times as they are typed, each with its zone and what the clocks do."""
        timing = self._timing
        return [with_zone(timing, at) for at in next_times(timing, self.schedule.anchor)] if timing else []

    def _about_new(self) -> dict[str, Any]:
        return {"title": _("Schedule: %(label)s") % {"label": self.operation.label if self.operation else ""}}

    def _about(self) -> dict[str, Any]:
        schedule, entry = self.schedule, self._entry
        return {
            "title": entry.name,
            "schedule": schedule,
            "acts": [act for act in ACTS if act.is_possible(entry, schedule)] if self.may_change else [],
            "may_delete": self.model_admin.has_delete_permission(
                self.request, self.model_admin.get_object(self.request, str(schedule.task_id))
            ),
            **facts(schedule, entry, self.site.name, self.request.GET.get("before", "")),
        }
