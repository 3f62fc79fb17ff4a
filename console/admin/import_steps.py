"""The five steps of an import, as its pages show them on top."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

FILE, COLUMNS, PREVIEW, IMPORT, REPORT = range(5)


@dataclass(frozen=True)
class Step:
    """One step: its name, whether it is the one at hand, and where it was done (empty: nowhere, or not yet)."""

    name: str
    is_current: bool
    address: str = ""


def steps(current: int, addresses: dict[int, str] | None = None) -> list[Step]:
    """Return the steps with the `current` one marked, and links to those that can be gone back to."""
    names = [_("File"), _("Columns"), _("Preview"), _("Import"), _("Report")]
    back = addresses or {}
    return [Step(name, place == current, back.get(place, "")) for place, name in enumerate(names)]
