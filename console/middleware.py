"""Answers in words where a view of the project, or a stock ModelAdmin, meets a held object: never a server error."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.contrib.admin.sites import site
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from console.admin.links import run_url
from console.admin.refusals import wants_json
from console.admin.sight import in_words, sight, site_of
from console.exceptions import ObjectBusy, ObjectHeld
from console.models import Run


class HeldObjectMiddleware(MiddlewareMixin):
    """Turns an `ObjectHeld` or `ObjectBusy` that no view caught into a page, or JSON, with status 409.

    The view's transaction is over by then and has been rolled back: nothing was written. Place it anywhere after
    ``AuthenticationMiddleware``.
    """

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the answer to a request that met a held object; None leaves every other error alone."""
        if not isinstance(exception, ObjectHeld | ObjectBusy):
            return None
        run_id = exception.run_id if isinstance(exception, ObjectHeld) else None
        admin = site_of(request)  # outside of it the project's own view judges what its visitors may read
        sentence = in_words(exception, sight(request, admin)) if admin else str(exception)
        if wants_json(request):
            return JsonResponse({"error": sentence, "run": run_id}, status=409)
        return _page(request, admin, sentence, run_id)


def _page(request: HttpRequest, admin: AdminSite | None, sentence: str, run_id: int | None) -> TemplateResponse:
    """Return the page, in the admin's frame where the request was for the admin."""
    shown = {
        **(admin.each_context(request) if admin else {}),
        "console_parent": "admin/base_site.html" if admin else "console/bare.html",
        "title": _("Nothing was changed"),
        "sentence": sentence,
        "run_id": run_id,
        "run_url": _run_url(request, admin or site, run_id) if run_id is not None else "",
        "back": _back(request),
    }
    if admin:
        request.current_app = admin.name
    return TemplateResponse(request, "console/held.html", shown, status=409)


def _run_url(request: HttpRequest, admin: AdminSite, run_id: int) -> str:
    """Return the address of the run's page, for staff who may see it."""
    user = getattr(request, "user", None)
    run = Run.objects.select_related("content_type").filter(pk=run_id).first()
    if user is None or run is None or not user.is_active or not user.is_staff:
        return ""
    return run_url(admin, run_id) if sight(request, admin).sees(run) else ""


def _back(request: HttpRequest) -> str:
    """Return where the person came from: the page before on this site, else the form that was posted."""
    before = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(before, {request.get_host()}, require_https=request.is_secure()):
        return before
    return request.get_full_path() if request.method == "POST" else ""
