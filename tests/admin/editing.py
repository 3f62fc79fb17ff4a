"""A second admin site: notes edited in the list, saved as new, shown to their author alone. Addresses for tests."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path

from config.urls import urlpatterns as project
from console.admin import OperationsMixin
from notes.admin import AttachmentInline
from notes.models import Attachment, Note
from tests.testapp.models import Article, Dish, Label, NiceArticle, Remark, Restaurant, Token, Word

site = admin.AdminSite(name="editing")


@admin.register(Note, site=site)
class EditableNotes(OperationsMixin, admin.ModelAdmin):
    """Titles and slugs are edited in the list."""

    trash = "trashed_at"
    list_display = ("__str__", "title", "slug")
    list_display_links = ("__str__",)
    list_editable = ("title", "slug")
    ordering = ("pk",)
    fields = ("title", "slug", "body", "tags")
    inlines = (AttachmentInline,)
    save_as = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave out what is secret for all but superusers."""
        notes = super().get_queryset(request)
        return notes if request.user.is_superuser else notes.exclude(title__startswith="Secret")


@admin.register(Attachment, site=site)
class Attachments(OperationsMixin, admin.ModelAdmin):
    """A model without operations, whose objects belong to notes."""

    fields = ("note", "name", "content")


class Plain(OperationsMixin, admin.ModelAdmin):
    """Nothing but the mixin."""


site.register([Token, Word, Restaurant, Dish, NiceArticle, Article, Remark, Label], Plain)

urlpatterns = [path("editing/", site.urls), *project]
