"""The door to a run: found and permitted, or a 404, or a 403 that names the missing permission."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
)
from django.utils.translation import gettext as _

from console.admin.links import run_url
from console.admin.one_by_one import closed
from console.admin.refusals import permission_name, refuse
from console.admin.selection import chosen_of_run
from console.admin.sight import sight
from console.engine.verbs import verbs_for
from console.exceptions import NotPermitted
from console.models import Run
from console.operations import known_operation
from console.reports.words import noun
from console.states import Verb

if TYPE_CHECKING:
    RunModelAdmin = ModelAdmin[Run]
else:
    RunModelAdmin = ModelAdmin

MAKING_RUNS = frozenset({Verb.RETRY, Verb.START})
LONGEST_KEY = 18  # digits, well inside a big integer

View = Callable[..., HttpResponseBase]


class RunHidden(NotPermitted):
    """The person may not see this run; ``str()`` names what it works on, and what they lack: a permission, or its objects."""

    def __init__(self, run: Run, codename: str) -> None:
        super().__init__(codename, "")
        facts = {"run": run.pk, "noun": noun(run, 2), "permission": permission_name(codename) if codename else ""}
        told = _(
            "You cannot see run %(run)s: it works on %(noun)s, and you lack the permission “%(permission)s”. "
            "Ask an administrator."
        )
        if run.content_type is None:
            told = _("You cannot see run %(run)s: you lack the permission “%(permission)s”. Ask an administrator.")
        elif not codename:
            told = _("You cannot see run %(run)s: it works on %(noun)s that you may not see. Ask an administrator.")
        self.args = (told % facts,)


class VerbRefused(NotPermitted):
    """The person may not ask this of a run; ``str()`` names what they lack, and what goes on all the same."""

    def __init__(self, verb: Verb, run: Run, codename: str) -> None:
        super().__init__(codename, "")
        self.run_id = run.pk
        facts = {"act": verb_words(verb), "permission": permission_name(codename), "run": run.pk}
        told = _("To %(act)s you need “%(permission)s”.") % facts
        stays = _("The run goes on.") if run.is_active else _("Nothing was started.")
        self.args = (f"{told} {stays}",)


class NotWhole(NotPermitted):
    """The run works on objects that the person may not see, so it is not theirs to do again."""

    def __init__(self, run: Run, told: str = "") -> None:
        super().__init__("", "")
        self.run_id = run.pk
        told = told or _(
            "Nothing was started. Run %(run)s works on %(noun)s that you may not see: "
            "those who may see them all can start it again."
        )
        self.args = (told % {"run": run.pk, "noun": noun(run, 2)},)


def verbs_open(request: HttpRequest, site: AdminSite, run: Run) -> list[Verb]:
    """Return the verbs that the person may ask of the run now, the main one first."""
    verbs = verbs_for(run, request.user)
    if verbs and not sight(request, site).sees_whole(run):
        verbs = [verb for verb in verbs if verb not in MAKING_RUNS]
    return verbs


def check_whole(request: HttpRequest, site: AdminSite, run: Run, verb: Verb) -> None:
    """Check that a verb which makes a new run would work on nothing that the person may not see.

    Raises:
        NotWhole: It would.
    """
    if verb in MAKING_RUNS and not sight(request, site).sees_whole(run):
        raise NotWhole(run)


def check_each(request: HttpRequest, site: AdminSite, run: Run, verb: Verb) -> None:
    """Check that a verb which makes a new run would work on no object that is closed to the person.

    Raises:
        NotWhole: It would.
    """
    operation = known_operation(run.operation)
    if verb not in MAKING_RUNS or operation is None or operation.model is None:
        return
    if site.is_registered(operation.model):
        model_admin = site.get_model_admin(operation.model)
        if told := closed(model_admin, request, operation, chosen_of_run(model_admin, request, run, "")):
            raise NotWhole(run, told)


def open_run(request: HttpRequest, site: AdminSite, run_id: int) -> Run:
    """Return the run if it exists and the person may see it.

    Raises:
        Http404: There is no such run.
        RunHidden: The person may not see it.
    """
    linked = ("asked_by", "content_type", "retry_of", "preview_of", "repeat_of", "undo_of", "started_as")
    try:
        run = Run.objects.select_related(*linked).get(pk=run_id)
    except (Run.DoesNotExist, OverflowError):
        raise Http404(_("There is no run %(run)s.") % {"run": run_id}) from None
    seen = sight(request, site)
    if not seen.sees(run):
        raise RunHidden(run, seen.lacks(run))
    return run


def refuse_run(model_admin: RunModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse | None:
    """Return the answer to those who may not see the run that an address of Django's names; None where they may.

    Raises:
        Http404: There is no such run.
    """
    try:
        open_run(request, model_admin.admin_site, whole_number(object_id))
    except NotPermitted as refused:
        return refuse(request, model_admin.admin_site, str(refused), codename=refused.codename)
    return None


def whole_number(text: str | None) -> int:
    """Return the positive whole number that `text` writes, 0 for anything else or what no key can be."""
    return int(text) if text and text.isdecimal() and len(text) <= LONGEST_KEY else 0


def only(*methods: str) -> Callable[[View], View]:
    """Answer other methods than these with 405; HEAD goes with GET."""
    allowed = [*methods, "HEAD"] if "GET" in methods else list(methods)

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(model_admin: RunModelAdmin, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method not in allowed:
                return HttpResponseNotAllowed(allowed)
            return view(model_admin, request, *args, **kwargs)

        return checked

    return decorate


def explained(view: View) -> View:
    """Turn a missing permission into a page, or JSON, with status 403 that names it."""

    @wraps(view)
    def guarded(model_admin: RunModelAdmin, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(model_admin, request, *args, **kwargs)
        except NotPermitted as refused:
            back = (
                run_url(model_admin.admin_site, refused.run_id) if isinstance(refused, VerbRefused | NotWhole) else ""
            )
            return refuse(request, model_admin.admin_site, str(refused), codename=refused.codename, back=back)

    return guarded


def verb_words(verb: Verb) -> str:
    """Return the verb as a sentence names it: “to cancel this run”."""
    return {
        Verb.CANCEL: _("cancel this run"),
        Verb.PAUSE: _("pause this run"),
        Verb.RESUME: _("resume this run"),
        Verb.RETRY: _("retry this run"),
        Verb.START: _("start this run"),
        Verb.WITHDRAW: _("leave an object out of this run"),
    }[verb]
