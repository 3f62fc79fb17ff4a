"""The resources whose imports are measured: notes, found by their slug, with their author by name and their tags by name."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.widgets import ForeignKeyWidget, ManyToManyWidget

from notes.models import Note, Tag


class Notes(ModelResource):
    """Without tags."""

    author = Field("author", "author", ForeignKeyWidget(get_user_model(), "username"))

    class Meta:
        model = Note
        import_id_fields = ("slug",)
        fields = ("slug", "title", "body", "author", "published_at")


class BulkNotes(Notes):
    """As fast as django-import-export goes: its own bulk mode, without comparing."""

    class Meta(Notes.Meta):
        use_bulk = skip_diff = True


class CheckedNotes(Notes):
    """Validates every object."""

    class Meta(Notes.Meta):
        clean_model_instances = True


class TaggedNotes(Notes):
    """With tags."""

    tags = Field("tags", "tags", ManyToManyWidget(Tag, "|", "name"))

    class Meta(Notes.Meta):
        fields = (*Notes.Meta.fields, "tags")


class CheckedTaggedNotes(TaggedNotes):
    """With tags, and validates every object."""

    class Meta(TaggedNotes.Meta):
        clean_model_instances = True


class HookedNotes(TaggedNotes):
    """Has hooks that need an object of each row, though not a saved one."""

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        """Tidy a value."""
        row["title"] = row["title"].strip()

    def before_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        """Shorten a value."""
        instance.title = instance.title[:200]


class LoggedNotes(TaggedNotes):
    """Has a hook that needs each object saved, so that its rows go one by one."""

    def after_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        """Look at the key."""
        assert instance.pk
