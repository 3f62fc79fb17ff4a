"""The export of all that a change list shows: its button, and its page."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from console.admin.base import Part
from console.admin.confirmation import Confirmation
from console.admin.links import export_url, list_url, with_query
from console.admin.obstacles import none_match
from console.admin.refusals import refuse_object, refuse_start
from console.admin.selection import chosen_whole_list
from console.engine.acceptance import check_may_start
from console.engine.verbs import lacks
from console.exceptions import NotPermitted
from console.operations import Export, known_operation, operations_of


class ExportsPart(Part):
    """The part of `OperationsMixin` that exports whole lists; a selection is exported by an action, as by any operation."""

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of the model's pages, with that of exports before Django's catch-all."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_console_export"
        view = self.admin_site.admin_view(self.export_view)
        return [path("operation/<str:operation>/all/", view, name=name), *super().get_urls()]

    def export_view(self, request: HttpRequest, operation: str) -> HttpResponseBase:
        """Show the confirmation page of an export of all that the list shows, filtered as the address says; or start it.

        Raises:
            Http404: There is no such export here.
        """
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        if not self.has_view_or_change_permission(request):
            return refuse_object(request, self.admin_site, self.model)
        chosen, plain = self._export(operation), list_url(self.admin_site, self.model)
        back = with_query(plain, request)
        try:
            check_may_start(chosen, request.user)
            objects = chosen_whole_list(self, request, back)
        except NotPermitted as refused:
            return refuse_start(request, self.admin_site, refused, back=back)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(plain)
        if not objects.count:
            messages.warning(request, none_match(self.model))
            return HttpResponseRedirect(back)
        return Confirmation(self, request, chosen, objects).respond()

    def export_buttons(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return (text, address) of the exports that the person may start, with the filters of the list."""
        found = (operation for operation in operations_of(self.model) if issubclass(operation, Export))
        return [
            (f"{operation.label}…", with_query(export_url(self.admin_site, self.model, operation.name), request))
            for operation in found
            if not lacks(request.user, operation)
        ]

    def _export(self, name: str) -> type[Export]:
        operation = known_operation(name)
        if operation is None or operation not in operations_of(self.model) or not issubclass(operation, Export):
            raise Http404(_("There is no export called “%(name)s” here.") % {"name": name})
        return operation
