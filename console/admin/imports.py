"""The import of a file: its button on the change list, and the addresses of its first two pages."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from console.admin.base import Part
from console.admin.columns_page import ColumnsPage
from console.admin.links import import_url
from console.admin.refusals import refuse_start
from console.admin.upload_page import UploadPage
from console.engine.acceptance import check_may_start
from console.engine.verbs import lacks
from console.exceptions import NotPermitted
from console.models import File
from console.operations import Import, known_operation, operations_of


class ImportsPart(Part):
    """The part of `OperationsMixin` that starts imports."""

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of the model's pages, with those of imports before Django's catch-all."""
        base = f"{self.opts.app_label}_{self.opts.model_name}_console"
        upload, columns = self.admin_site.admin_view(self.upload_view), self.admin_site.admin_view(self.columns_view)
        return [
            path("operation/<str:operation>/", upload, name=f"{base}_import"),
            path("operation/<str:operation>/<int:file_id>/", columns, name=f"{base}_columns"),
            *super().get_urls(),
        ]

    def upload_view(self, request: HttpRequest, operation: str) -> HttpResponseBase:
        """Ask for the file (GET), or keep it and go on to its columns (POST)."""
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        chosen = self._import(operation)
        return self._refused(request, chosen) or UploadPage(self, request, chosen).respond()

    def columns_view(self, request: HttpRequest, operation: str, file_id: int) -> HttpResponseBase:
        """Ask which column goes where (GET), or save that or start the preview (POST)."""
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        chosen = self._import(operation)
        return self._refused(request, chosen) or ColumnsPage(self, request, chosen, _upload(request, file_id)).respond()

    def import_buttons(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return (text, address) of the imports that the person may start."""
        found = (operation for operation in operations_of(self.model) if issubclass(operation, Import))
        return [
            (f"{operation.label}…", import_url(self.admin_site, self.model, operation.name))
            for operation in found
            if not lacks(request.user, operation)
        ]

    def _import(self, name: str) -> type[Import]:
        operation = known_operation(name)
        if operation is None or operation not in operations_of(self.model) or not issubclass(operation, Import):
            raise Http404(_("There is no import called “%(name)s” here.") % {"name": name})
        return operation

    def _refused(self, request: HttpRequest, operation: type[Import]) -> HttpResponseBase | None:
        try:
            check_may_start(operation, request.user)
        except NotPermitted as refused:
            return refuse_start(request, self.admin_site, refused)
        return None


def _upload(request: HttpRequest, file_id: int) -> File:
    """Return the uploaded file: until there is a run of it, it is of whoever uploaded it alone.

    Raises:
        Http404: There is none, or it is somebody else's.
    """
    file = File.objects.filter(pk=file_id, kind=File.Kind.INPUT).first()
    user: Any = request.user
    if file is None or (file.made_by_id != user.pk and not user.is_superuser):
        raise Http404(_("There is no file %(file)s.") % {"file": file_id})
    return file
