"""The door to a run: found and permitted, or a 404, or a 403 that names the missing permission."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import Permission
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    JsonResponse,
)
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from console.conf import settings
from console.exceptions import NotPermitted
from console.models import Run
from console.reports.visibility import missing_permission
from console.reports.words import noun
from console.states import Verb

if TYPE_CHECKING:
    RunModelAdmin = ModelAdmin[Run]
else:
    RunModelAdmin = ModelAdmin

LONGEST_KEY = 18  # digits, well inside a big integer

View = Callable[..., HttpResponseBase]


class RunHidden(NotPermitted):
    """The person may not see this run; ``str()`` names what it works on, and what they lack."""

    def __init__(self, run: Run, codename: str) -> None:
        super().__init__(codename, "")
        facts = {"run": run.pk, "noun": noun(run, 2), "permission": permission_name(codename)}
        told = _("You cannot see run %(run)s: it works on %(noun)s, and you lack the permission “%(permission)s”.")
        if run.content_type is None:
            told = _("You cannot see run %(run)s: you lack the permission “%(permission)s”.")
        self.args = (told % facts,)


class VerbRefused(NotPermitted):
    """The person may not ask this of a run; ``str()`` names what they lack."""

    def __init__(self, verb: Verb, codename: str) -> None:
        super().__init__(codename, "")
        facts = {"verb": verb.label, "permission": permission_name(codename)}
        self.args = (_("“%(verb)s” needs the permission “%(permission)s”. The run stays as it is.") % facts,)


def open_run(request: HttpRequest, run_id: int) -> Run:
    """Return the run if it exists and the person may see it.

    Raises:
        Http404: There is no such run.
        RunHidden: The person may not see it.
    """
    linked = ("asked_by", "content_type", "retry_of", "preview_of", "undo_of", "started_as")
    try:
        run = Run.objects.select_related(*linked).get(pk=run_id)
    except (Run.DoesNotExist, OverflowError):
        raise Http404(_("There is no run %(run)s.") % {"run": run_id}) from None
    if codename := missing_permission(request.user, run):
        raise RunHidden(run, codename)
    return run


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
            return forbidden(model_admin, request, refused)

    return guarded


def wants_json(request: HttpRequest) -> bool:
    """Tell whether a program asks, not a browser."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def forbidden(model_admin: RunModelAdmin, request: HttpRequest, refused: NotPermitted) -> HttpResponse:
    """Answer 403 with a page, or JSON, that names the missing permission."""
    sentence = str(refused)
    if wants_json(request):
        return JsonResponse({"error": sentence, "permission": refused.codename}, status=403)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": _("Not permitted"),
        "sentence": sentence,
        "codename": refused.codename,
        "contact": settings.contact,
    }
    return TemplateResponse(request, "admin/console/run/forbidden.html", context, status=403)


def permission_name(codename: str) -> str:
    """Return a permission's own name, such as “Can view note”; the codename where the database has none."""
    app_label, _dot, name = codename.partition(".")
    found = Permission.objects.filter(content_type__app_label=app_label, codename=name).values_list("name", flat=True)
    return found.first() or codename
