"""The verbs on many runs at once: one page with counts and one reason, one transaction a run, an answer that counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from console.admin import dismissals
from console.admin.access import check_each, check_whole, verbs_open
from console.admin.log import log_start, log_verb
from console.admin.refusals import permission_name, refuse
from console.engine import control
from console.engine.verbs import PERMISSIONS
from console.exceptions import ConsoleError, HoldConflict, NothingToRetry, NotPermitted, VerbNotLawful
from console.models import Run
from console.reports.words import number
from console.states import ENDED, STOPPING, State, Verb

ACT = "_act"  # posted by the page that asked
AT_ONCE = 500  # runs that one request acts on: more would outlast it, and Django takes a thousand fields

Act = Callable[[Run, HttpRequest, str], Run]
Action = Callable[[Any, HttpRequest, QuerySet[Run]], HttpResponseBase | None]


def _cancel(run: Run, request: HttpRequest, reason: str) -> Run:
    return control.cancel(run.pk, by=request.user, reason=reason)


def _pause(run: Run, request: HttpRequest, reason: str) -> Run:
    return control.pause(run.pk, by=request.user, reason=reason)


def _resume(run: Run, request: HttpRequest, reason: str) -> Run:
    return control.resume(run.pk, by=request.user, reason=reason)


def _retry(run: Run, request: HttpRequest, reason: str) -> Run:
    answer = control.retry(run.pk, only=Run.Only.FAILED, by=request.user, reason=reason)
    if not answer.created:
        raise NothingToRetry(run.pk)
    return answer.run


def _action(verb: Verb, act: Act, description: Any) -> Action:
    @admin.action(description=description, permissions=[verb.value])
    def on_many(model_admin: Any, request: HttpRequest, queryset: QuerySet[Run]) -> HttpResponseBase | None:
        runs = list(queryset.select_related("content_type").prefetch_related("retries").order_by("pk")[: AT_ONCE + 1])
        is_too_many, runs = len(runs) > AT_ONCE, runs[:AT_ONCE]
        if ACT not in request.POST:
            return _ask(model_admin, request, runs, verb, on_many.__name__, is_too_many=is_too_many)
        _answer(model_admin, request, verb, _do(model_admin, request, runs, verb, act))
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


@dataclass
class _Outcome:
    """What became of the runs: how many were done, how many of those still stop, and why the others were skipped."""

    done: int = 0
    stopping: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


def _do(model_admin: Any, request: HttpRequest, runs: list[Run], verb: Verb, act: Act) -> _Outcome:
    """Do the verb for each run, each by itself."""
    reason, outcome = request.POST.get("reason", "").strip(), _Outcome()
    for run in runs:
        try:
            check_whole(request, model_admin.admin_site, run, verb)
            check_each(request, model_admin.admin_site, run, verb)
            changed = act(run, request, reason)
        except ConsoleError as error:
            outcome.skipped[_brief(run, error)] += 1
        else:
            outcome.done += 1
            outcome.stopping += changed.state in STOPPING
            log_verb(request, run, verb, reason)
            if verb == Verb.RETRY:
                log_start(request, changed)
    return outcome


def _brief(run: Run, error: ConsoleError) -> str:
    """Return why a run was skipped, in a few words."""
    match error:
        case VerbNotLawful():
            run.refresh_from_db(fields=["state"])
            return str(FINISHED) if run.state in ENDED else str(State(run.state).label).lower()
        case NotPermitted():
            return _("not permitted")
        case NothingToRetry():
            return _("nothing left to retry")
        case HoldConflict():
            return _("objects locked by other runs")
    return str(error).rstrip(".")


def _answer(model_admin: Any, request: HttpRequest, verb: Verb, outcome: _Outcome) -> None:
    skipped = outcome.skipped.total()
    whys = ", ".join(why if len(outcome.skipped) == 1 else f"{n} {why}" for why, n in outcome.skipped.most_common())
    if not outcome.done:
        if outcome.skipped[str(FINISHED)] == skipped:
            whys = ngettext("it had finished", "all %(count)d had finished", skipped) % {"count": skipped}
        model_admin.message_user(request, f"{_NONE[verb]}: {whys}.", messages.WARNING)
        return
    told = str(_DONE[verb] % {"count": outcome.done})
    if skipped:
        told += _(", %(count)d skipped: %(why)s") % {"count": skipped, "why": whys}
    if outcome.stopping:
        stops = ngettext(
            "%(count)d of them stops after the items in hand.",
            "%(count)d of them stop after the items in hand.",
            outcome.stopping,
        )
        told += ". " + (stops % {"count": outcome.stopping}).rstrip(".")
    model_admin.message_user(request, f"{told}.", messages.SUCCESS)


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
FINISHED = gettext_lazy("already finished")
_DONE = {
    Verb.CANCEL: ngettext_lazy("%(count)d run cancelled", "%(count)d runs cancelled", "count"),
    Verb.PAUSE: ngettext_lazy("%(count)d run paused", "%(count)d runs paused", "count"),
    Verb.RESUME: ngettext_lazy("%(count)d run resumed", "%(count)d runs resumed", "count"),
    Verb.RETRY: ngettext_lazy("%(count)d run retried", "%(count)d runs retried", "count"),
}
_NONE = {
    Verb.CANCEL: gettext_lazy("No run cancelled"),
    Verb.PAUSE: gettext_lazy("No run paused"),
    Verb.RESUME: gettext_lazy("No run resumed"),
    Verb.RETRY: gettext_lazy("No run retried"),
}


@admin.action(description=gettext_lazy("Mark as dealt with"))
def dismiss_runs(model_admin: Any, request: HttpRequest, queryset: QuerySet[Run]) -> None:
    """Let the selected runs no longer count among those that need this person: at once, and for them alone."""
    dismissals.many(model_admin, request, queryset)


ACTIONS = (
    _action(Verb.CANCEL, _cancel, gettext_lazy("Cancel…")),
    _action(Verb.PAUSE, _pause, gettext_lazy("Pause…")),
    _action(Verb.RESUME, _resume, gettext_lazy("Resume…")),
    _action(Verb.RETRY, _retry, gettext_lazy("Retry failed items…")),
    dismiss_runs,
)


def refusal(model_admin: Any, request: HttpRequest) -> HttpResponseBase | None:
    """Return the answer to a posted action that the person may not do; Django would drop it in silence."""
    asked = {f"{verb.value}_runs": verb for verb in _ACTS}
    verb = asked.get(request.POST.get("action", ""))
    if verb is None or request.user.has_perm(PERMISSIONS[verb]):
        return None
    told = _("Nothing was done. To %(act)s runs you need “%(permission)s”. Ask an administrator.")
    facts = {"act": verb.label.lower(), "permission": permission_name(PERMISSIONS[verb])}
    return refuse(request, model_admin.admin_site, told % facts, codename=PERMISSIONS[verb])


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
