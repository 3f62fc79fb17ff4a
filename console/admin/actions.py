"""Operations as admin actions, and as buttons on one object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from console.admin import keys
from console.admin.base import Part
from console.admin.confirmation import Confirmation
from console.admin.links import object_url, operation_url
from console.admin.refusals import refuse_object, refuse_start
from console.admin.selection import chosen_object, chosen_on_list
from console.admin.words import action_text
from console.engine.acceptance import check_may_start
from console.exceptions import ConsoleError, NotPermitted, UnknownOperation
from console.operations import BaseOperation, operations_of
from console.operations.registry import get_operation

BUTTONS = 3
Action = tuple[Callable[..., Any], str, str]


class ActionsPart(Part):
    """The part of `OperationsMixin` that starts operations."""

    def permitted_operations(self, request: HttpRequest) -> list[type[BaseOperation]]:
        """Return the operations on this model that the person may start, in the order of declaration."""
        found = (operation for operation in operations_of(self.model) if operation.selection is not None)
        return [operation for operation in found if may_start(request, operation)]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the project's own actions, then the operations."""
        actions: dict[str, Any] = super().get_actions(request)
        if self.actions is None or IS_POPUP_VAR in request.GET:
            return actions
        for operation in self.permitted_operations(request):
            actions[operation.name] = (_action(operation), operation.name, _escaped(action_text(operation)))
        return actions

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of the model's pages, with that of operations on one object before Django's catch-all."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_operation"
        view = self.admin_site.admin_view(self.operation_view)
        return [path("<path:object_id>/operation/<str:operation>/", view, name=name), *super().get_urls()]

    def operation_view(self, request: HttpRequest, object_id: str, operation: str) -> HttpResponseBase:
        """Show the confirmation page of an operation on one object, or start it."""
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        obj = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, obj):
            return refuse_object(request, self.admin_site, self.model)
        if obj is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        back = object_url(self.admin_site, obj)
        refusal = self.refuse_operation(request, operation, back)
        if refusal is not None:
            return refusal
        return Confirmation(self, request, get_operation(operation), chosen_object(self, obj, back)).respond()

    def refuse_operation(self, request: HttpRequest, name: str, back: str) -> HttpResponseBase | None:
        """Return the answer to a request for an operation that is unknown or not permitted; None where it is lawful."""
        try:
            operation = get_operation(name)
            if operation not in operations_of(self.model) or operation.selection is None:
                raise UnknownOperation(name)
            check_may_start(operation, request.user)
        except NotPermitted as error:
            return refuse_start(request, self.admin_site, error, back=back)
        except ConsoleError as error:
            messages.error(request, _("%(why)s Nothing was started.") % {"why": error})
            return HttpResponseRedirect(back)
        return None

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Refuse what Django would drop in silence: an action that is not, or no longer, there for this person."""
        asked = _asked_for(request)
        if asked and self.has_view_or_change_permission(request) and asked not in self.get_actions(request):
            refusal = self.refuse_operation(request, asked, request.get_full_path())
            if refusal is not None:
                return refusal
        if asked and not all(_is_key(self.model, key) for key in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            messages.error(
                request, _("Nothing was started. The selection could not be read: select the objects again.")
            )
            return HttpResponseRedirect(request.get_full_path())
        return super().changelist_view(request, extra_context)

    def operation_buttons(self, request: HttpRequest, obj: Model) -> dict[str, list[tuple[str, str]]]:
        """Return (text, address) of the operations on one object: three as buttons, the rest folded."""
        site = self.admin_site
        buttons = [(f"{op.label}…", operation_url(site, obj, op.name)) for op in self.permitted_operations(request)]
        return {"console_buttons": buttons[:BUTTONS], "console_more_buttons": buttons[BUTTONS:]}


def may_start(request: HttpRequest, operation: type[BaseOperation]) -> bool:
    """Tell whether the person may start the operation."""
    return bool(request.user.has_perms(operation.permissions()))


def _is_key(model: type[Model], key: str) -> bool:
    """Tell whether a posted key could be one: Django would stop at another with an error."""
    field: Any = model._meta.pk
    try:
        field.run_validators(field.to_python(key))
    except ValidationError:
        return False
    return True


def _action(operation: type[BaseOperation]) -> Callable[..., HttpResponseBase]:
    def confirm(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase:
        return Confirmation(model_admin, request, operation, chosen_on_list(model_admin, request, queryset)).respond()

    confirm.__name__ = confirm.__qualname__ = operation.name
    return confirm


def _escaped(text: str) -> str:
    """Django formats the descriptions of actions with ``%``."""
    return text.replace("%", "%%")


def _asked_for(request: HttpRequest) -> str:
    """Return the name of the operation that a posted change list asks for; empty where it asks for something else."""
    if request.method != "POST" or "_save" in request.POST or ACTION_CHECKBOX_NAME not in request.POST:
        return ""
    names = request.POST.getlist("action")
    index = request.POST.get("index", "0")
    position = int(index) if index.isdecimal() else 0
    name = names[position] if position < len(names) else ""
    return name if "." in name or keys.KEY in request.POST else ""
