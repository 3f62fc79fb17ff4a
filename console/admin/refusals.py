"""A 403 that says why: which permission is missing, and that nothing was done."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from console.admin.words import contact
from console.exceptions import NotPermitted


def refuse(request: HttpRequest, site: AdminSite, reason: str, *, codename: str = "", back: str = "") -> HttpResponse:
    """Return the page, or JSON, with status 403, that tells a person why something was not done.

    Args:
        request: The request that is refused.
        site: The admin site whose frame the page has.
        reason: What happened and what to do, in words for staff.
        codename: The permission that is missing; empty where it is not one.
        back: Where to go on; by default the start page.
    """
    if wants_json(request):
        return JsonResponse({"error": reason, "permission": codename}, status=403)
    request.current_app = site.name
    shown = {
        **site.each_context(request),
        "title": _("Not permitted"),
        "reason": reason,
        "codename": codename,
        "contact": contact(),
        "back": back,
    }
    return TemplateResponse(request, "console/refused.html", shown, status=403)


def refuse_start(request: HttpRequest, site: AdminSite, refused: NotPermitted, *, back: str = "") -> HttpResponse:
    """Return the page that tells a person which permission they lack to start an operation."""
    told = _("To start “%(operation)s” you need “%(permission)s”. Nothing was started. Ask an administrator.")
    facts = {"operation": refused.act, "permission": permission_name(refused.codename)}
    return refuse(request, site, told % facts, codename=refused.codename, back=back)


def refuse_object(request: HttpRequest, site: AdminSite, model: type[Model]) -> HttpResponse:
    """Return the page that tells a person that they may not see an object, or not this one."""
    codename = f"{model._meta.app_label}.view_{model._meta.model_name}"
    told = _("You cannot see this %(noun)s: you lack the permission “%(permission)s”. Ask an administrator.")
    if request.user.has_perm(codename):
        codename, told = "", _("You cannot see this %(noun)s. Ask an administrator.")
    facts = {"noun": model._meta.verbose_name, "permission": permission_name(codename)}
    return refuse(request, site, told % facts, codename=codename)


def wants_json(request: HttpRequest) -> bool:
    """Tell whether a program asks, not a browser."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def permission_name(codename: str) -> str:
    """Return a permission's own name, such as “Can view note”; the codename where the database has none."""
    app_label, _dot, name = codename.partition(".")
    found = Permission.objects.filter(content_type__app_label=app_label, codename=name).values_list("name", flat=True)
    return found.first() or codename
