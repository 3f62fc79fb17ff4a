"""Import: the rows of a file through a django-import-export resource, unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.utils.text import capfirst
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _
from import_export.resources import ModelResource

from console import tables
from console.imports import Path, plan
from console.operations.base import Operation

LANGUAGES_MAX = 20  # more are not all asked what they call a field: each is loaded first
READING = ("encoding", "delimiter", "heading_row", "sheet")  # the parameters that say how to read a file


class NamesField(forms.MultipleChoiceField):
    """A field for each column of the file, by its name in the resource; empty where the column is not imported."""

    widget = forms.MultipleHiddenInput

    def valid_value(self, value: Any) -> bool:
        """Leave it to the operation, which knows the resource."""
        return True


class ImportForm(forms.Form):
    """What an import is asked to do: which file, read how, and which of its columns go where."""

    file = forms.IntegerField(label=_("File"), min_value=1)
    columns = NamesField(label=_("Columns"))
    encoding = forms.CharField(label=_("Encoding"), required=False)
    delimiter = forms.CharField(label=_("Delimiter"), required=False, strip=False)
    heading_row = forms.IntegerField(label=_("Heading in row"), required=False, min_value=1)
    sheet = forms.CharField(label=_("Sheet"), required=False)
    mends = forms.IntegerField(label=_("Mends the failed rows of run"), required=False, min_value=1)


@dataclass(frozen=True)
class Choice:
    """A field of the resource that a column can go to: its name, its label, whether it identifies the object."""

    name: str
    column: str
    label: str
    is_id: bool


class Import(Operation):
    """Create and change objects from the rows of a file.

    The resource is any ``ModelResource`` of django-import-export, unchanged::

        @register(Note)
        class ImportNotes(Import):
            name = "notes.import"
            resource_class = NoteResource

    By default it needs the permissions to add and to change the model's objects.

    Attributes:
        resource_class: The resource.
    """

    label: ClassVar[Any] = _("Import")
    form: ClassVar[type[forms.Form] | None] = ImportForm
    selection: ClassVar[str | None] = None
    reads_rows: ClassVar[bool] = True
    resource_class: ClassVar[type[ModelResource] | None] = None

    @classmethod
    def permissions(cls) -> tuple[str, ...]:
        """Return every permission that starting needs: by default to add and to change."""
        declared = super().permissions()
        if cls.model is None or declared != (f"{cls.model._meta.app_label}.change_{cls.model._meta.model_name}",):
            return declared
        return (f"{cls.model._meta.app_label}.add_{cls.model._meta.model_name}", *declared)

    @classmethod
    def resource(cls) -> ModelResource:
        """Return the resource, made anew; override it where it takes arguments."""
        assert cls.resource_class is not None
        return cls.resource_class()

    @classmethod
    def choices(cls) -> list[Choice]:
        """Return the fields of the resource that a column can go to, in its order."""
        resource = cls.resource()
        ids = set(resource.get_import_id_fields())
        fields = ((resource.get_field_name(field), field) for field in resource.get_import_fields())
        return [
            Choice(name, field.column_name or name, _label(resource, field), name in ids or field.column_name in ids)
            for name, field in fields
        ]

    @classmethod
    def guess(cls, headings: Sequence[str]) -> list[str]:
        """Return for each heading the field that it names, each once; empty where there is none.

        A field goes by the name of its column, its own, and what staff call it in any of the site's languages.
        """
        names: dict[str, list[str]] = {choice.name: [choice.column, choice.name] for choice in cls.choices()}
        for language in _languages():
            with override(language):
                for choice in cls.choices():
                    names[choice.name].append(choice.label)
        return tables.match(headings, names)

    def path(self, **hooks: Any) -> Path:
        """Return how rows are written, in bulk or row by row; the same for as long as this instance lives.

        Args:
            hooks: What ``import_data`` would hand to the resource's hooks, such as ``user`` and ``file_name``.
        """
        if self._path is None:
            self._path = plan(self.resource(), **hooks)
        return self._path

    _path: Path | None = None

    def reading(self) -> dict[str, Any]:
        """Return what was said of how to read the file, instead of what is detected."""
        return {name: self.params[name] for name in READING if self.params[name]}

    def values(self, cells: Sequence[Any]) -> dict[str, Any]:
        """Return the cells of a row that are imported, by the resource's names of their columns."""
        return {column: cells[place] for place, column in self.places}

    @property
    def places(self) -> list[tuple[int, str]]:
        """The columns of the file that are imported: the place of each, and the resource's name of it."""
        if self._places is None:
            columns = {choice.name: choice.column for choice in self.choices()}
            named = enumerate(self.params["columns"])
            self._places = [(place, columns[name]) for place, name in named if name in columns]
        return self._places

    _places: list[tuple[int, str]] | None = None


def _label(resource: ModelResource, field: Any) -> str:
    """Return what staff call a field of the resource: the model's own words, or else the name of its column."""
    try:
        found: Any = resource._meta.model._meta.get_field(field.attribute or "")
    except FieldDoesNotExist:
        return capfirst(str(field.column_name).replace("_", " "))
    return str(capfirst(found.verbose_name))


def _languages() -> list[str]:
    """Return the languages in which a file's headings may be: the site's, of very many only the one that is spoken now."""
    spoken = get_language() or settings.LANGUAGE_CODE
    languages = [code for code, _name in settings.LANGUAGES]
    return [spoken, *languages] if len(languages) <= LANGUAGES_MAX else [spoken, settings.LANGUAGE_CODE]
