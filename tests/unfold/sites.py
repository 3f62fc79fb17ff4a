"""Notes on django-unfold's ModelAdmin, and the console's own pages beside them."""

from django.urls import path
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

from console.admin import OperationsMixin
from console.admin.runs import RunAdmin
from console.models import Run
from notes.models import Note

site = UnfoldAdminSite(name="admin")


class Notes(OperationsMixin, ModelAdmin):
    """Nothing but the mixin."""

    trash = "trashed_at"
    list_display = ("title", "author")
    fields = ("title", "slug", "body", "tags")


site.register(Note, Notes)
site.register(Run, RunAdmin)

urlpatterns = [path("admin/", site.urls)]
