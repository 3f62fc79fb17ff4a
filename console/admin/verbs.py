"""The verbs of a run: GET asks, POST acts; the engine decides, this page shows what it said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.admin import keys
from console.admin.access import (
    NotWhole,
    RunModelAdmin,
    VerbRefused,
    check_each,
    check_whole,
    explained,
    only,
    open_run,
    whole_number,
)
from console.admin.conflicts import SHOWN, held_rows
from console.admin.links import run_url
from console.admin.log import log_start, log_verb
from console.admin.progress import payload
from console.admin.refusals import wants_json
from console.admin.sight import sight
from console.engine import control
from console.engine.clashes import Clashes
from console.engine.progress import progress as progress_of_run
from console.engine.verbs import check_permitted, check_verb
from console.exceptions import ConsoleError, CountNotTyped, HoldConflict, NotPermitted
from console.models import Run, Target
from console.operations import OnError, known_operation
from console.reports.asks import ask
from console.reports.verb_forms import Ask
from console.reports.visibility import Sight
from console.reports.words import counted, number
from console.states import Verb


@dataclass(frozen=True)
class Done:
    """What a verb did: the run to go to, what is said, and whether it had been done before."""

    run: Run
    told: str
    is_repeated: bool = False


@explained
@only("GET", "POST")
def view(model_admin: RunModelAdmin, request: HttpRequest, run_id: int, *, verb: Verb) -> HttpResponseBase:
    """Ask before `verb` (GET), or do it (POST)."""
    run = open_run(request, model_admin.admin_site, run_id)
    try:
        check_permitted(run, verb, request.user)
        check_whole(request, model_admin.admin_site, run, verb)
        check_each(request, model_admin.admin_site, run, verb)
        return (
            _act(model_admin, request, run, verb) if request.method == "POST" else _ask(model_admin, request, run, verb)
        )
    except NotWhole:
        raise
    except NotPermitted as refused:
        raise VerbRefused(verb, run, refused.codename) from refused
    except ConsoleError as refused:
        if isinstance(refused, HoldConflict | CountNotTyped) and not wants_json(request):
            return _ask(model_admin, request, run, verb, refused=refused)
        return _refuse(model_admin, request, run, refused)


def _ask(
    model_admin: RunModelAdmin, request: HttpRequest, run: Run, verb: Verb, *, refused: ConsoleError | None = None
) -> HttpResponseBase:
    """Show the verb's form; one that was `refused` with what was typed, after a clash with the offer to leave held objects out."""
    check_verb(run, verb, by=request.user)
    seen = sight(request, model_admin.admin_site)
    target, name = _target(run, request.GET.get("target", ""), seen) if verb == Verb.WITHDRAW else (None, "")
    group = request.POST.get("group", "") if refused else request.GET.get("group", "")
    words = ask(verb, run, progress_of_run(run), group=group, target=name)
    if refused:
        only, clash = request.POST.get("only", ""), isinstance(refused, HoldConflict)
        words = words.again(str(refused), only=only, reason=_reason(request), leaves_out=clash)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": words.heading,
        "run": run,
        "ask": words,
        "action": request.path,
        "back": run_url(model_admin.admin_site, run.pk),
        "group": group,
        "target": target,
        **_held(model_admin, request, run, words.clashes),
    }
    return TemplateResponse(request, "admin/console/run/verb.html", context, status=409 if refused else 200)


def _held(model_admin: RunModelAdmin, request: HttpRequest, run: Run, found: Clashes | None) -> dict[str, Any]:
    """Return what the form shows of the objects that other runs hold."""
    operation = known_operation(run.operation)
    if found is None or operation is None or operation.model is None:
        return {}
    told = ngettext(
        "%(objects)s of this run is locked by another run",
        "%(objects)s of this run are locked by other runs",
        found.count,
    )
    return {
        "held_sentence": told % {"objects": counted(run, found.count)},
        "held_rows": held_rows(request, model_admin.admin_site, operation.model, found.targets),
        "held_more": max(found.count - SHOWN, 0),
        "held_opts": operation.model._meta,
    }


def _act(model_admin: RunModelAdmin, request: HttpRequest, run: Run, verb: Verb) -> HttpResponseBase:
    done = _VERBS[verb](request, run, sight(request, model_admin.admin_site))
    if not done.is_repeated:
        log_verb(request, run, verb, _reason(request))
        if done.run.pk != run.pk:
            log_start(request, done.run)
    if wants_json(request):
        return JsonResponse(payload(Run.objects.get(pk=done.run.pk), request, model_admin.admin_site))
    messages.success(request, done.told)
    return HttpResponseRedirect(run_url(model_admin.admin_site, done.run.pk))


def _refuse(model_admin: RunModelAdmin, request: HttpRequest, run: Run, refused: ConsoleError) -> HttpResponseBase:
    if wants_json(request):
        return JsonResponse({"error": str(refused), "id": run.pk}, status=409)
    messages.warning(request, str(refused))
    return HttpResponseRedirect(run_url(model_admin.admin_site, run.pk))


def _cancel(request: HttpRequest, run: Run, seen: Sight) -> Done:
    run = control.cancel(run.pk, by=request.user, reason=_reason(request))
    if run.is_active:
        return Done(run, _("Run %(run)s is stopping: it ends after the items in hand.") % {"run": run.pk})
    return Done(run, _("Run %(run)s is cancelled.") % {"run": run.pk})


def _pause(request: HttpRequest, run: Run, seen: Sight) -> Done:
    run = control.pause(run.pk, by=request.user, reason=_reason(request))
    return Done(run, _("Run %(run)s pauses after the items in hand.") % {"run": run.pk})


def _resume(request: HttpRequest, run: Run, seen: Sight) -> Done:
    run = control.resume(run.pk, by=request.user, reason=_reason(request))
    return Done(run, _("Run %(run)s goes on.") % {"run": run.pk})


def _retry(request: HttpRequest, run: Run, seen: Sight) -> Done:
    group = request.POST.get("group", "")
    scope = request.POST.get("only") or (Run.Only.FAILED if group else Run.Only.UNDONE)
    if scope not in Run.Only.values:
        raise ConsoleError(_("Nothing was started. There is nothing called “%(only)s” to retry.") % {"only": scope})
    answer = control.retry(
        run.pk,
        only=scope,
        group=group,
        by=request.user,
        reason=_reason(request),
        leave_held_out=_leaves_held_out(request),
    )
    return Done(answer.run, _accepted(answer, run), is_repeated=not answer.created)


def _start(request: HttpRequest, run: Run, seen: Sight) -> Done:
    _check_typed(request, ask(Verb.START, run, progress_of_run(run)))
    answer = control.do_it_now(
        run.pk,
        by=request.user,
        reason=_reason(request),
        leave_held_out=_leaves_held_out(request),
        on_error=request.POST.get("on_error", "") if request.POST.get("on_error") in OnError.values else "",
    )
    return Done(answer.run, _accepted(answer, run), is_repeated=not answer.created)


def _withdraw(request: HttpRequest, run: Run, seen: Sight) -> Done:
    target, name = _target(run, request.POST.get("target", ""), seen)
    run = control.withdraw(run.pk, target=target.pk, by=request.user, reason=_reason(request))
    return Done(run, _("“%(target)s” is left out of run %(run)s.") % {"target": name, "run": run.pk})


def _accepted(answer: Any, old: Run) -> str:
    run = answer.run
    if not answer.created:
        return _("You already started this: here it is.")
    if answer.woken is False:
        return _(
            "Run %(run)s is accepted and safe. The message broker is away, so it starts when the broker is back; "
            "you need not do anything."
        ) % {"run": run.pk}
    if run.preparing:
        return _("Run %(run)s accepted: %(label)s. It first collects what it works on from run %(old)s.") % {
            "run": run.pk,
            "label": run.label,
            "old": old.pk,
        }
    return _("Run %(run)s accepted: %(label)s, %(count)s items of run %(old)s.") % {
        "run": run.pk,
        "label": run.label,
        "count": number(run.total or 0),
        "old": old.pk,
    }


def _check_typed(request: HttpRequest, asked: Ask) -> None:
    if asked.typed is not None and request.POST.get(keys.TYPED, "").strip() != str(asked.typed):
        raise CountNotTyped(asked.typed)


def _leaves_held_out(request: HttpRequest) -> bool:
    return request.POST.get(keys.HELD) == "skip"


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()


def _target(run: Run, key: str, seen: Sight) -> tuple[Target, str]:
    """Return one object of the run and its name; one that the person may not see is not there for them."""
    target = run.targets.filter(pk=whole_number(key)).first()
    told = seen.told(run, [target.object_id]) if target else {}
    if target is None or target.object_id not in told:
        raise Http404(_("Run %(run)s has no such object.") % {"run": run.pk})
    obj = told[target.object_id]
    return target, str(obj) if obj is not None else target.object_id


_VERBS: dict[Verb, Callable[[HttpRequest, Run, Sight], Done]] = {
    Verb.CANCEL: _cancel,
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.RETRY: _retry,
    Verb.START: _start,
    Verb.WITHDRAW: _withdraw,
}
