"""Django's action “delete selected”, for a selection of which some objects are held."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any

from django.contrib import messages
from django.db import router, transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.admin.actions import ActionsPart
from console.admin.base import dress, has_operations
from console.admin.conflicts import SHOWN, held_rows
from console.admin.deletion import DeletionPart
from console.admin.sight import in_words, sight
from console.admin.words import action_text, counted
from console.engine.holds import holders
from console.exceptions import ObjectBusy, ObjectHeld
from console.models import Target
from console.reports.words import number

NAME = "delete_selected"


class DeleteSelectedPart(DeletionPart, ActionsPart):
    """The part of `OperationsMixin` that deletes a selection: what is held is named, and the others can go."""

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the actions, with that of Django (or the project) for deleting wrapped."""
        actions = super().get_actions(request)
        if NAME in actions and has_operations(self.model):
            function, name, description = actions[NAME]
            actions[NAME] = (_wrapped(function), name, description)
        return actions


def _wrapped(stock: Callable[..., Any]) -> Callable[..., Any]:
    return update_wrapper(partial(_delete_selected, stock), stock)


def _delete_selected(
    stock: Callable[..., HttpResponseBase | None],
    model_admin: Any,
    request: HttpRequest,
    queryset: QuerySet[Any],
) -> HttpResponseBase | None:
    chosen = list(queryset.values_list("pk", flat=True))
    held = holders(model_admin.model, chosen)
    if held:
        return _some_held(stock, model_admin, request, queryset, held, len(chosen))
    try:
        with transaction.atomic(using=router.db_for_write(model_admin.model)):
            return stock(model_admin, request, queryset)
    except (ObjectHeld, ObjectBusy) as met:
        seen = sight(request, model_admin.admin_site)
        messages.error(request, _("%(why)s Nothing was deleted.") % {"why": in_words(met, seen)})
        return None


def _some_held(
    stock: Callable[..., HttpResponseBase | None],
    model_admin: Any,
    request: HttpRequest,
    queryset: QuerySet[Any],
    held: dict[str, list[Target]],
    total: int,
) -> HttpResponseBase:
    """Show who holds which, and Django's confirmation for the others; nothing is deleted by this post."""
    model = model_admin.model
    others = queryset.exclude(pk__in=held)
    page = _asking(stock, model_admin, request, others)
    first = [targets[0] for targets in held.values()]
    return dress(
        page,
        "console/delete_selected.html",
        title=_title(model, len(held), total),
        held_rows=held_rows(request, model_admin.admin_site, model, first),
        held_more=max(len(held) - SHOWN, 0),
        others=total - len(held),
        act_others=_("Delete the other %(count)s") % {"count": number(total - len(held))},
        background=_background(model_admin, request),
        back=request.get_full_path(),
    )


def _title(model: type[Model], held: int, total: int) -> str:
    if total == 1:
        return _("This %(noun)s is locked") % {"noun": model._meta.verbose_name}
    told = ngettext("%(held)s of %(total)s is locked", "%(held)s of %(total)s are locked", held)
    return told % {"held": number(held), "total": counted(model, total)}


def _asking(
    stock: Callable[..., Any], model_admin: Any, request: HttpRequest, others: QuerySet[Any]
) -> TemplateResponse:
    """Return Django's page that asks, never its deletion: what the person saw before had other objects on it."""
    posted, asking = request.POST, request.POST.copy()
    asking.pop("post", None)
    request.POST = asking  # type: ignore[assignment]
    try:
        answer: TemplateResponse = stock(model_admin, request, others)
    finally:
        request.POST = posted
    return answer


def _background(model_admin: Any, request: HttpRequest) -> str:
    """Return the words of the operation that deletes in the background; empty where there is none for this person."""
    deleting = (operation for operation in model_admin.permitted_operations(request) if operation.deletes)
    operation = next(deleting, None)
    return action_text(operation) if operation else ""
