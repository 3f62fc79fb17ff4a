"""The verbs on many runs at once: one page with counts and one reason, one transaction a run, an answer that counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from console.admin.access import check_whole, verbs_open
from console.engine import control
from console.engine.verbs import PERMISSIONS
from console.exceptions import ConsoleError
from console.models import Run
from console.reports.words import number
from console.states import Verb

ACT = "_act"  # posted by the page that asked
AT_ONCE = 500  # runs that one request acts on: more would outlast it, and Django takes a thousand fields

Action = Callable[[Any, HttpRequest, QuerySet[Run]], HttpResponseBase | None]


def _cancel(run: Run, request: HttpRequest, reason: str) -> None:
    control.cancel(run.pk, by=request.user, reason=reason)


def _pause(run: Run, request: HttpRequest, reason: str) -> None:
    control.pause(run.pk, by=request.user, reason=reason)


def _resume(run: Run, request: HttpRequest, reason: str) -> None:
    control.resume(run.pk, by=request.user, reason=reason)


def _retry(run: Run, request: HttpRequest, reason: str) -> None:
    control.retry(run.pk, only=Run.Only.FAILED, by=request.user, reason=reason)


def _action(verb: Verb, act: Callable[[Run, HttpRequest, str], None], description: Any) -> Action:
    @admin.action(description=description, permissions=[verb.value])
    def on_many(model_admin: Any, request: HttpRequest, queryset: QuerySet[Run]) -> HttpResponseBase | None:
        runs = list(queryset.select_related("content_type").prefetch_related("retries").order_by("pk")[: AT_ONCE + 1])
        is_too_many, runs = len(runs) > AT_ONCE, runs[:AT_ONCE]
        if ACT not in request.POST:
            return _ask(model_admin, request, runs, verb, on_many.__name__, is_too_many=is_too_many)
        _answer(model_admin, request, verb, *_do(model_admin, request, runs, verb, act))
        return None

    on_many.__name__ = f"{verb.value}_runs"
    return on_many


def _ask(
    model_admin: Any, request: HttpRequest, runs: list[Run], verb: Verb, action: str, *, is_too_many: bool
) -> HttpResponseBase:
    able = [run for run in runs if verb in verbs_open(request, model_admin.admin_site, run)]
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": _HEADINGS[verb] % {"runs": _runs(len(able))},
        "act": _ACTS[verb] % {"runs": _runs(len(able))},
        "able": able[:20],
        "more": max(0, len(able) - 20),
        "at_once": AT_ONCE if is_too_many else None,
        "left_out": len(runs) - len(able),
        "is_possible": bool(able),
        "danger": verb == Verb.CANCEL,
        "action": action,
        "act_name": ACT,
        "checkbox": ACTION_CHECKBOX_NAME,
        "chosen": [run.pk for run in runs],
    }
    return TemplateResponse(request, "admin/console/run/many.html", context)


def _do(
    model_admin: Any, request: HttpRequest, runs: list[Run], verb: Verb, act: Callable[[Run, HttpRequest, str], None]
) -> tuple[int, list[ConsoleError]]:
    """Do the verb for each run, each by itself; return how many it was done for, and why not for the others."""
    reason, refused = request.POST.get("reason", "").strip(), []
    for run in runs:
        try:
            check_whole(request, model_admin.admin_site, run, verb)
            act(run, request, reason)
        except ConsoleError as error:
            refused.append(error)
        else:
            model_admin.log_change(request, run, reason)
    return len(runs) - len(refused), refused


def _answer(model_admin: Any, request: HttpRequest, verb: Verb, done: int, refused: list[ConsoleError]) -> None:
    told = _DONE[verb] % {"runs": _runs(done)}
    if refused:
        told += _(", %(count)s skipped: %(why)s") % {"count": number(len(refused)), "why": refused[0]}
    level = messages.SUCCESS if done else messages.WARNING
    model_admin.message_user(request, told, level)


def _runs(count: int) -> str:
    if not count:
        return _("no run")
    return ngettext("%(count)s run", "%(count)s runs", count) % {"count": number(count)}


_HEADINGS = {
    Verb.CANCEL: gettext_lazy("Cancel %(runs)s?"),
    Verb.PAUSE: gettext_lazy("Pause %(runs)s?"),
    Verb.RESUME: gettext_lazy("Resume %(runs)s?"),
    Verb.RETRY: gettext_lazy("Retry the failed items of %(runs)s?"),
}
_ACTS = {
    Verb.CANCEL: gettext_lazy("Cancel %(runs)s"),
    Verb.PAUSE: gettext_lazy("Pause %(runs)s"),
    Verb.RESUME: gettext_lazy("Resume %(runs)s"),
    Verb.RETRY: gettext_lazy("Retry the failed items of %(runs)s"),
}
_DONE = {
    Verb.CANCEL: gettext_lazy("Cancelled: %(runs)s"),
    Verb.PAUSE: gettext_lazy("Paused: %(runs)s"),
    Verb.RESUME: gettext_lazy("Resumed: %(runs)s"),
    Verb.RETRY: gettext_lazy("Retried: %(runs)s"),
}

ACTIONS = (
    _action(Verb.CANCEL, _cancel, gettext_lazy("Cancel…")),
    _action(Verb.PAUSE, _pause, gettext_lazy("Pause…")),
    _action(Verb.RESUME, _resume, gettext_lazy("Resume…")),
    _action(Verb.RETRY, _retry, gettext_lazy("Retry failed items…")),
)


class ManyVerbs:
    """Who sees which of the actions: those with the verb's permission."""

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Tell whether runs may be cancelled from the list."""
        return request.user.has_perm(PERMISSIONS[Verb.CANCEL])

    def has_pause_permission(self, request: HttpRequest) -> bool:
        """Tell whether runs may be paused from the list."""
        return request.user.has_perm(PERMISSIONS[Verb.PAUSE])

    def has_resume_permission(self, request: HttpRequest) -> bool:
        """Tell whether runs may be resumed from the list."""
        return request.user.has_perm(PERMISSIONS[Verb.RESUME])

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Tell whether runs may be retried from the list."""
        return request.user.has_perm(PERMISSIONS[Verb.RETRY])
