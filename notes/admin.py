"""Notes in the admin, with their operations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from console.admin import OperationsMixin
from notes.models import Attachment, AuthorStatistics, Note, NoteQuerySet, Tag

KEPT_IN_TRASH = timedelta(days=30)


class TrashFilter(admin.SimpleListFilter):
    """Hides the trash unless it is asked for."""

    title = _("trash")
    parameter_name = "trash"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the choices beside the default one."""
        return [("only", _("In the trash")), ("old", _("In the trash for 30 days")), ("all", _("Everything"))]

    def choices(self, changelist: ChangeList) -> Any:
        """Name the default choice for what it shows."""
        default, *others = super().choices(changelist)
        yield {**default, "display": _("Not in the trash")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: NoteQuerySet) -> NoteQuerySet:
        """Return the notes of the chosen side."""
        match self.value():
            case "only":
                return queryset.trashed()
            case "old":
                return queryset.filter(trashed_at__lte=timezone.now() - KEPT_IN_TRASH)
            case "all":
                return queryset
            case _:
                return queryset.live()


class AttachmentInline(admin.TabularInline):
    """The attachments, on their note's page."""

    model = Attachment
    fields = ("name", "content")
    extra = 0


@admin.register(Note)
class NoteAdmin(OperationsMixin, admin.ModelAdmin):
    """Notes, with their attachments and operations."""

    trash = "trashed_at"
    list_display = ("title", "pending_work", "author", "updated_at", "archived_at", "published_at", "trashed_at")
    list_filter = (
        TrashFilter,
        ("archived_at", admin.EmptyFieldListFilter),
        ("published_at", admin.EmptyFieldListFilter),
        "tags",
        "author",
    )
    list_select_related = ("author",)
    search_fields = ("title", "slug", "body")
    ordering = ("-updated_at", "-pk")
    fields = (
        "title",
        "slug",
        "body",
        "author",
        "tags",
        "created_at",
        "updated_at",
        "archived_at",
        "published_at",
        "trashed_at",
    )
    readonly_fields = ("created_at", "updated_at", "archived_at", "published_at", "trashed_at")
    prepopulated_fields: ClassVar = {"slug": ["title"]}
    filter_horizontal = ("tags",)
    inlines = (AttachmentInline,)


@admin.register(Tag)
class TagAdmin(OperationsMixin, admin.ModelAdmin):
    """Tags. They have no operations, but notes that a run holds may carry them."""

    list_display = ("name", "slug")
    search_fields = ("name",)
    prepopulated_fields: ClassVar = {"slug": ["name"]}


@admin.register(AuthorStatistics)
class AuthorStatisticsAdmin(admin.ModelAdmin):
    """The counts as last refreshed by the operation `notes.statistics`; nobody edits them."""

    list_display = ("author", "notes", "trashed", "refreshed_at")
    list_select_related = ("author",)
    search_fields = ("author__username",)
    ordering = ("-notes",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds counts."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuthorStatistics | None = None) -> bool:
        """Nobody changes counts."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuthorStatistics | None = None) -> bool:
        """Nobody deletes counts, but they go with their author."""
        return obj is not None and request.user.has_perm("auth.delete_user")
