"""The fields of an object before and after a row, as the resource exports them."""

from __future__ import annotations

from typing import Any

from django.utils.encoding import force_str
from import_export.resources import Diff

from console.imports.outcomes import Change

LONGEST = 2000


class Difference(Diff):
    """django-import-export's own comparison, kept as values."""

    def __init__(self, resource: Any, instance: Any, new: bool) -> None:  # noqa: FBT001 - as the resource calls it
        super().__init__(resource, instance, new)
        self.before = instance
        self.headers = resource.get_diff_headers()

    def changes(self) -> tuple[Change, ...]:
        """Return the fields that differ; of a new object those that have a value."""
        old = ["" if self.new else _text(value) for value in self.left]
        new = [_text(value) for value in self.right]
        return tuple(Change(*both) for both in zip(self.headers, old, new, strict=True) if both[1] != both[2])


class NoDifference:
    """Stands where django-import-export compares and nobody looks."""

    def compare_with(self, resource: Any, instance: Any) -> None:
        """Do nothing."""

    def as_html(self) -> list[str]:
        """Return nothing."""
        return []


def _text(value: Any) -> str:
    return "" if value is None else force_str(value)[:LONGEST]
