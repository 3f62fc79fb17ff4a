"""What a person may start from the list of runs: operations on objects begin in their lists, others on a page of their own."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from console.admin.access import RunModelAdmin, only
from console.admin.actions import ActionsPart, may_start
from console.admin.links import import_url, list_url, runs_url, start_url
from console.admin.refusals import refuse_start
from console.admin.start_page import StartPage
from console.admin.words import action_text
from console.engine.acceptance import check_may_start
from console.exceptions import NotPermitted, UnknownOperation
from console.operations import BaseOperation, operations
from console.operations.registry import get_operation


@dataclass(frozen=True)
class Start:
    """One operation to start: its words, what it does, and where that begins."""

    text: str
    description: str
    address: str
    name: str


def starts(site: AdminSite, request: HttpRequest) -> list[Start]:
    """Return the operations that the person may start on this site, in the order of declaration."""
    permitted = (operation for operation in operations() if may_start(request, operation))
    found = (
        Start(_text(operation), operation.description(), _address(site, request, operation), operation.name)
        for operation in permitted
    )
    return [start for start in found if start.address]


def schedulable(site: AdminSite, request: HttpRequest, model: str = "") -> list[Start]:
    """Return those of them that can begin by the clock: not an import, whose file somebody has to upload and look at.

    Args:
        site: The site.
        request: Whose.
        model: Only those that work on what a list of this model shows, as ``"app.model"``.
    """
    found = [(start, get_operation(start.name)) for start in starts(site, request)]
    return [
        start
        for start, operation in found
        if not operation.reads_rows and (not model or _works_on_list(operation, model))
    ]


def _works_on_list(operation: type[BaseOperation], model: str) -> bool:
    return (
        operation.selection is not None and operation.model is not None and operation.model._meta.label_lower == model
    )


@only("GET")
def choose(model_admin: RunModelAdmin, request: HttpRequest) -> HttpResponseBase:
    """List what the person may start."""
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": _("Start an operation"),
        "starts": starts(model_admin.admin_site, request),
    }
    return TemplateResponse(request, "admin/console/run/starts.html", context)


@only("GET", "POST")
def start(model_admin: RunModelAdmin, request: HttpRequest, operation: str) -> HttpResponseBase:
    """Show the confirmation page of an operation without objects, or start it; others lead to where they begin."""
    site = model_admin.admin_site
    back = runs_url(site)
    try:
        chosen = get_operation(operation)
        check_may_start(chosen, request.user)
    except NotPermitted as error:
        return refuse_start(request, site, error, back=back)
    except UnknownOperation as error:
        messages.error(request, _("%(why)s Nothing was started.") % {"why": error})
        return HttpResponseRedirect(back)
    if chosen.selection is not None or chosen.reads_rows:
        return HttpResponseRedirect(_address(site, request, chosen) or back)
    return StartPage(site, request, chosen, back).respond()


def _text(operation: type[BaseOperation]) -> str:
    return f"{operation.label}…" if operation.selection is None else action_text(operation)


def _address(site: AdminSite, request: HttpRequest, operation: type[BaseOperation]) -> str:
    """Return where the operation begins; empty where this site has no such place for the person."""
    model = operation.model
    if operation.reads_rows and model is not None:
        return import_url(site, model, operation.name)
    if operation.selection is None or model is None:
        return start_url(site, operation.name)
    if not site.is_registered(model):
        return ""
    model_admin = site.get_model_admin(model)
    is_ours = isinstance(model_admin, ActionsPart) and model_admin.actions is not None
    return list_url(site, model) if is_ours and model_admin.has_view_or_change_permission(request) else ""
