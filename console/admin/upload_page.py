"""The first page of an import: the file, kept where every worker can read it, or refused with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from console import tables
from console.admin.import_steps import FILE, steps
from console.admin.links import columns_url, list_url
from console.conf import settings
from console.engine.files import keep
from console.exceptions import ConsoleError
from console.models import File
from console.operations import Import

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin


class UploadPage:
    """The page that asks for a file; a post keeps it and leads to its columns. Nothing is imported yet."""

    def __init__(self, model_admin: ModelAdmin[Any], request: HttpRequest, operation: type[Import]) -> None:
        self.model_admin, self.request, self.operation = model_admin, request, operation
        self.site, self.model = model_admin.admin_site, model_admin.model

    def respond(self) -> HttpResponseBase:
        """Return the page, or keep the file."""
        if self.request.method != "POST":
            return self._page()
        upload: Any = self.request.FILES.get("file")
        if upload is None:
            return self._page(_("Choose a file first."))
        try:
            tables.detect(upload.file, upload.name)
            upload.seek(0)
            file = keep(
                upload, kind=File.Kind.INPUT, name=upload.name, by=self.request.user, limit=settings.import_max_bytes
            )
        except ConsoleError as refused:
            return self._page(str(refused))
        return HttpResponseRedirect(columns_url(self.site, self.model, self.operation.name, file.pk))

    def _page(self, error: str = "") -> TemplateResponse:
        self.request.current_app = self.site.name
        context = {
            **self.site.each_context(self.request),
            "opts": self.model._meta,
            "title": _("%(label)s %(noun)s")
            % {"label": self.operation.label, "noun": self.model._meta.verbose_name_plural},
            "operation_label": self.operation.label,
            "description": self.operation.description(),
            "error": error,
            "steps": steps(FILE),
            "accept": ",".join(
                f".{name}" for one in tables.FORMATS.values() for name in (one.name, *one.other_extensions)
            ),
            "limits": tables.limits_sentence(),
            "back": list_url(self.site, self.model),
        }
        return TemplateResponse(self.request, "console/import_file.html", context)
