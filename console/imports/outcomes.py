"""A row of a file, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class Kind(TextChoices):
    """What came of a row."""

    NEW = "new", gettext_lazy("new")
    CHANGED = "changed", gettext_lazy("changed")
    UNCHANGED = "unchanged", gettext_lazy("unchanged")
    SKIPPED = "skipped", gettext_lazy("skipped")
    DELETED = "deleted", gettext_lazy("deleted")
    FAILED = "failed", gettext_lazy("failed")


EXISTING = frozenset({Kind.CHANGED, Kind.DELETED})


class Row(NamedTuple):
    """A row of the file: its number there, and its raw values by the resource's names of their columns."""

    number: int
    values: Mapping[str, Any]


class Change(NamedTuple):
    """A field before and after the row, both as the resource exports them."""

    field: str
    old: str
    new: str


class Holder(NamedTuple):
    """The run that holds an object: its number and what it is called."""

    run_id: int
    label: str


class Reason(NamedTuple):
    """Why a row failed: the column's heading (empty if it is the whole row), the value, and the words."""

    field: str
    value: str
    message: str

    def sentence(self, row: int) -> str:
        """Return the reason with its place: “Row 214, Author: no author is called “J. Smiht”.”."""
        place = {"row": row, "field": self.field, "message": self.message}
        return (_("Row %(row)d, %(field)s: %(message)s") if self.field else _("Row %(row)d: %(message)s")) % place


@dataclass(slots=True)
class Outcome:
    """What came of one row.

    Attributes:
        row: Its number in the file.
        kind: What happened.
        pk: The object's key; None if there is none. A failed row has it if its object exists.
        label: The object in words, if the row failed or is shown, or went row by row: asking each costs queries.
        reasons: Why it failed.
        error: The exception behind that, if it was an unexpected one.
        changes: The fields that differ, if this row is one to be shown.
        held_by: The run that holds the object, if the row failed for that.
    """

    row: int
    kind: Kind
    pk: Any = None
    label: str = ""
    reasons: tuple[Reason, ...] = ()
    error: BaseException | None = None
    changes: tuple[Change, ...] = ()
    held_by: int | None = None

    @property
    def existing(self) -> bool:
        """Whether the row changes or deletes an object that was there before."""
        return self.kind in EXISTING

    @property
    def sentences(self) -> list[str]:
        """The reasons with their place in the file."""
        return [reason.sentence(self.row) for reason in self.reasons]
