"""A 403 that says why: which permission is missing, and that nothing was done."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from console.admin.words import contact


def refuse(request: HttpRequest, site: AdminSite, reason: str, **context: Any) -> TemplateResponse:
    """Return the page, with status 403, that tells a person why something was not done.

    Args:
        request: The request that is refused.
        site: The admin site whose frame the page has.
        reason: What happened and what to do, in words for staff.
        context: More for the template, such as `back`, where to go on.
    """
    request.current_app = site.name
    shown = {**site.each_context(request), "title": _("Not allowed"), "reason": reason, "contact": contact(), **context}
    return TemplateResponse(request, "console/refused.html", shown, status=403)
