"""Two admin sites with the same pages, one with the mixin and one without, whose forms reach notes from every side."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import path

from config.urls import urlpatterns as project
from console.admin import OperationsMixin
from notes.models import Attachment, Note, Tag
from tests.testapp.models import Dish, Restaurant


class AttachmentInline(admin.TabularInline):
    """What belongs to a note, on its page."""

    model = Attachment
    fields = ("name", "content")
    extra = 1


class NoteInline(admin.TabularInline):
    """Notes on the page of their author, who is no owner of them."""

    model = Note
    fields = ("title",)
    extra = 0


class TaggingInline(admin.TabularInline):
    """A tag's notes, from the tag's side."""

    model = Note.tags.through
    extra = 1


class DishInline(admin.TabularInline):
    """Dishes on the page of their restaurant."""

    model = Dish
    extra = 0


def build(name: str, *bases: type[Any]) -> admin.AdminSite:
    """Return an admin site whose ModelAdmins inherit `bases` first."""
    site = admin.AdminSite(name=name)

    class NoteAdmin(*bases, admin.ModelAdmin):  # type: ignore[misc]
        list_display = ("__str__", "title")
        list_display_links = ("__str__",)
        list_editable = ("title",)
        fields = ("title", "slug", "body", "author", "tags")
        inlines = (AttachmentInline,)
        save_as = True

    class ParentAdmin(*bases, admin.ModelAdmin):  # type: ignore[misc]
        pass

    site.register(Note, NoteAdmin)
    site.register([Attachment, Dish], ParentAdmin)
    site.register(User, ParentAdmin, fields=("username",), inlines=(NoteInline,))
    site.register(Tag, ParentAdmin, inlines=(TaggingInline,))
    site.register(Restaurant, ParentAdmin, fields=("name",), inlines=(DishInline,))
    return site


ours, theirs = build("ours", OperationsMixin), build("theirs")

urlpatterns = [path("ours/", ours.urls), path("theirs/", theirs.urls), *project]
