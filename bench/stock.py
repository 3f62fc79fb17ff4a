"""What pages are measured against: Django's and django-celery-results' own, on admin sites of their own."""

from __future__ import annotations

from django.contrib import admin
from django_celery_results.admin import TaskResultAdmin
from django_celery_results.models import TaskResult

from console.admin.pending import COLUMN
from notes.admin import NoteAdmin
from notes.models import Note


class PlainNoteAdmin(admin.ModelAdmin):
    """The list of notes without the console's parts."""

    list_display = [column for column in NoteAdmin.list_display if column != COLUMN]
    list_filter = NoteAdmin.list_filter
    list_select_related = NoteAdmin.list_select_related
    search_fields = NoteAdmin.search_fields
    ordering = NoteAdmin.ordering


results = admin.AdminSite("stock")
results.register(TaskResult, TaskResultAdmin)

plain = admin.AdminSite("plain")
plain.register(Note, PlainNoteAdmin)
# The same menu beside both lists, and the same header above.
for model, own in admin.site._registry.items():  # noqa: SLF001 - there is no public list of it
    if model is not Note:
        plain.register(model, type(own))
