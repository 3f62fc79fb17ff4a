"""Findings: what is not as it should be, how urgent that is, and its cure. Facts are kept; words are made for the reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from functools import cached_property
from typing import Any

from django.utils.translation import pgettext_lazy

from console.monitoring.wording import WORDING, Words


class Severity(IntEnum):
    """How soon a person should act; the most urgent sorts first."""

    URGENT = 0
    SOON = 1
    NOTE = 2

    @property
    def label(self) -> str:
        """The word that staff read."""
        return str(_LABELS[self])


_LABELS = {
    Severity.URGENT: pgettext_lazy("severity", "Urgent"),
    Severity.SOON: pgettext_lazy("severity", "Soon"),
    Severity.NOTE: pgettext_lazy("severity", "Note"),
}


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        code: Which one, as in `WORDING`.
        severity: How soon a person should act.
        about: The queue, process or operation that it is about; with the code it tells findings apart.
        facts: What its words are made of: plain values.
        since: Since when, where it is known.
        cleared_at: When it was over; None while it holds.
    """

    code: str
    severity: Severity
    about: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    since: datetime | None = None
    cleared_at: datetime | None = None

    @cached_property
    def _words(self) -> Words:
        return WORDING[self.code]({"about": self.about, "since": self.since, **self.facts})

    @property
    def key(self) -> tuple[str, str]:
        """What tells this finding from others."""
        return self.code, self.about

    @property
    def what(self) -> str:
        """What is the matter, as one sentence."""
        return self._words.what

    @property
    def consequence(self) -> str:
        """What comes of it if nobody acts."""
        return self._words.consequence

    @property
    def cure(self) -> str:
        """What to do, in words."""
        return self._words.cure

    @property
    def command(self) -> str:
        """The command that cures it, to copy; empty where there is none."""
        return self._words.command

    @property
    def evidence(self) -> str:
        """What it was seen by."""
        return self._words.evidence

    def as_json(self) -> dict[str, Any]:
        """Return the finding as plain values."""
        return {
            "code": self.code,
            "about": self.about,
            "severity": self.severity.name.lower(),
            "what": self.what,
            "consequence": self.consequence,
            "cure": self.cure,
            "command": self.command,
            "evidence": self.evidence,
            "since": self.since.isoformat() if self.since else None,
        }


def by_urgency(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, urgent ones first, among equals the oldest; those that are over come last."""
    return sorted(
        findings,
        key=lambda one: (
            one.cleared_at is not None,
            one.severity,
            one.since is None,
            one.since.timestamp() if one.since else 0,
        ),
    )
