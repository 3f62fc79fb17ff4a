"""Notes as rows of a file, in both directions: an ordinary django-import-export resource."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.widgets import ForeignKeyWidget, ManyToManyWidget

from notes.models import Note, Tag


class NoteResource(ModelResource):
    """A note is found by its slug, its author by their username, its tags by their names."""

    author = Field("author", "author", ForeignKeyWidget(get_user_model(), "username"))
    tags = Field("tags", "tags", ManyToManyWidget(Tag, separator="|", field="name"))

    class Meta:
        model = Note
        fields = ("slug", "title", "body", "author", "tags")
        export_order = fields
        import_id_fields = ("slug",)
        skip_unchanged = True
