"""What staff are asked before an operation on notes starts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from notes.models import Tag

MOST_COPIES = 100_000


class CopyForm(forms.Form):
    """How many copies of each note."""

    copies = forms.IntegerField(
        label=_("Copies"),
        min_value=1,
        max_value=MOST_COPIES,
        initial=1,
        help_text=_("How many copies of each note, 1 to 100,000."),
    )


class RetagForm(forms.Form):
    """Which tags each note gains, and which it loses."""

    add = forms.ModelMultipleChoiceField(Tag.objects.all(), label=_("Add"), required=False)
    remove = forms.ModelMultipleChoiceField(Tag.objects.all(), label=_("Remove"), required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse a request that changes nothing, or that adds and removes the same tag."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "add" in cleaned and "remove" in cleaned:
            self._check_choice(set(cleaned["add"]), set(cleaned["remove"]))
        return cleaned

    def _check_choice(self, add: set[Tag], remove: set[Tag]) -> None:
        if not add and not remove:
            raise forms.ValidationError(_("Choose a tag to add or to remove."), code="nothing")
        if both := sorted(tag.name for tag in add & remove):
            raise forms.ValidationError(
                _("Added and removed at once: %(tags)s."), code="both", params={"tags": ", ".join(both)}
            )
