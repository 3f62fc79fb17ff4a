"""The acts on several schedules at once, in their list: plain Celery tasks too."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from console.admin.schedule_acts import ACT, DISABLE, ENABLE, LISTED, RUN_NOW, Act, log
from console.exceptions import ConsoleError
from console.models import Schedule
from console.reports.words import number
from console.schedules import acts, plain, store


def _action(act: Act, do: Callable[..., object], description: Any) -> Callable[..., HttpResponseBase | None]:
    @admin.action(description=description, permissions=["schedule"])
    def on_many(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase | None:
        if ACT not in request.POST and act is not ENABLE:
            return _ask_many(model_admin, request, queryset, act, on_many.__name__)
        done, skipped, reason = 0, [], request.POST.get("reason", "").strip()
        for task in queryset:
            try:
                do(request, task, reason)
            except ConsoleError as error:
                skipped.append(f"{task.name}: {error}")
            else:
                done += 1
                log(request, model_admin, task.pk, act, reason)
        if done:
            told = _COUNTED[act.name] % {"count": done}
            model_admin.message_user(request, told, messages.SUCCESS)
        for told in skipped:
            model_admin.message_user(request, told, messages.WARNING)
        return None

    on_many.__name__ = f"{act.name}_schedules"
    return on_many


def _ask_many(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Any], act: Act, action: str
) -> HttpResponseBase:
    names = list(queryset.values_list("name", flat=True))
    counted = ngettext("%(count)s schedule", "%(count)s schedules", len(names)) % {"count": number(len(names))}
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": str(act.heading) % {"name": counted},
        "back": "",
        "act": act,
        "act_name": ACT,
        "names": names[:LISTED],
        "more": max(0, len(names) - LISTED),
        "action": action,
        "checkbox": ACTION_CHECKBOX_NAME,
        "chosen": list(queryset.values_list("pk", flat=True)),
        "button": {"disable": _("Switch %(counted)s off"), "run_now": _("Run %(counted)s now")}[act.name]
        % {"counted": counted},
        "danger": act is DISABLE,
    }
    return TemplateResponse(request, "admin/console/schedule/act.html", context)


def _switch(request: HttpRequest, task: Any, reason: str, *, on: bool) -> None:
    schedule = Schedule.objects.filter(task=task).first()
    if schedule is None:
        store.switch_plain(task.pk, on=on)
    else:
        (acts.enable if on else acts.disable)(schedule.pk, by=request.user, reason=reason)


def _run(request: HttpRequest, task: Any, reason: str) -> None:
    schedule = Schedule.objects.filter(task=task).first()
    if schedule is None:
        plain.send(task)
    else:
        acts.run_now(schedule.pk, by=request.user, reason=reason)


_COUNTED = {
    "enable": ngettext_lazy("%(count)d schedule switched on.", "%(count)d schedules switched on.", "count"),
    "disable": ngettext_lazy("%(count)d schedule switched off.", "%(count)d schedules switched off.", "count"),
    "run_now": ngettext_lazy("%(count)d schedule run now.", "%(count)d schedules run now.", "count"),
}
ACTIONS = (
    _action(ENABLE, partial(_switch, on=True), gettext_lazy("Enable")),
    _action(DISABLE, partial(_switch, on=False), gettext_lazy("Disable…")),
    _action(RUN_NOW, _run, gettext_lazy("Run now…")),
)
