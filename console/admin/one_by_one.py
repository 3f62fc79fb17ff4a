"""Permissions that a ModelAdmin gives object by object: an operation works on none that are closed to the person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.admin.selection import Chosen
from console.admin.sight import is_stock, sight
from console.admin.words import counted
from console.operations import BaseOperation
from console.reports.words import number

ASKED_AT_ONCE = 5000  # objects that one request asks about
NAMED = 3
SEEING = ("has_view_permission", "has_view_or_change_permission")
DOING = {"change": "has_change_permission", "delete": "has_delete_permission"}


def closed(model_admin: ModelAdmin[Any], request: HttpRequest, operation: type[BaseOperation], chosen: Chosen) -> str:
    """Return the sentence that says which of the chosen objects the person has no permission for; empty for none.

    Nothing is asked, and nothing read, where the ModelAdmin has Django's own methods, which are alike for all objects.
    """
    may = _question(model_admin, request, operation)
    if may is None:
        return ""
    if chosen.count > ASKED_AT_ONCE:
        told = _("Nothing was started. Permissions on %(nouns)s are given one by one here: choose at most %(limit)s.")
        return told % {"nouns": model_admin.opts.verbose_name_plural, "limit": number(ASKED_AT_ONCE)}
    shut = [obj for obj in chosen.queryset if not may(obj)]
    return _told(model_admin, request, chosen, shut) if shut else ""


def _question(
    model_admin: ModelAdmin[Any], request: HttpRequest, operation: type[BaseOperation]
) -> Callable[[Any], bool] | None:
    methods = [*SEEING, *filter(None, [DOING.get(_act(operation))])]
    if request.user.is_superuser or all(is_stock(model_admin, method) for method in methods):
        return None

    def may(obj: Any) -> bool:
        return all(getattr(model_admin, method)(request, obj) for method in methods[1:])

    request.console_ignores_holds = True  # type: ignore[attr-defined]  # a held object is another matter, told elsewhere
    return may


def _act(operation: type[BaseOperation]) -> str:
    """Return what the operation does to each object, as its permission says."""
    if not operation.permission:
        return ""
    act = operation.permission.partition(".")[2].partition("_")[0]
    return act if act in {"add", "view", *DOING} else operation.needs


def _told(model_admin: ModelAdmin[Any], request: HttpRequest, chosen: Chosen, shut: list[Any]) -> str:
    seen = sight(request, model_admin.admin_site)
    noun = model_admin.opts.verbose_name
    names = [str(obj) if seen.shows(obj) else f"{noun} {obj.pk}" for obj in shut[:NAMED]]
    told = ngettext(
        "Nothing was started. You lack the permission for %(count)s of the %(what)s: %(names)s. Choose others.",
        "Nothing was started. You lack the permission for %(count)s of the %(what)s, such as %(names)s. Choose others.",
        len(shut),
    )
    return told % {
        "count": number(len(shut)),
        "what": counted(model_admin.model, chosen.count),
        "names": ", ".join(names),
    }
