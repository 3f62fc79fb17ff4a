"""The form of an export: in which format, and which columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class ExportForm(forms.Form):
    """The parameters of an export; `columns` that nobody names are all of them."""

    def clean_columns(self) -> list[str]:
        """Return the chosen columns in the file's order; all of them where none is chosen."""
        every = [name for name, _heading in self.fields["columns"].choices]  # type: ignore[attr-defined]
        chosen = self.cleaned_data["columns"]
        return [name for name in every if name in chosen] if chosen else every


def export_form(formats: Iterable[tuple[str, str]], columns: Sequence[tuple[str, str]]) -> type[ExportForm]:
    """Return the form that offers these formats and these columns."""
    fields: dict[str, Any] = {
        "format": forms.ChoiceField(label=_("Format"), choices=list(formats)),
        "columns": forms.MultipleChoiceField(
            label=_("Columns"),
            choices=columns,
            required=False,
            initial=[name for name, _heading in columns],
            widget=forms.CheckboxSelectMultiple,
        ),
    }
    return type("ExportForm", (ExportForm,), fields)
