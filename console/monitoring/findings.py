"""What the doctor says: a finding, how urgent it is, and its cure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from django.utils.translation import pgettext_lazy


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
        severity: How soon a person should act.
        what: What is the matter, as one sentence.
        consequence: What comes of it if nobody acts.
        cure: What to do, with the command to copy where there is one.
        evidence: What it was seen by.
        since: Since when, where it is known.
    """

    severity: Severity
    what: str
    consequence: str
    cure: str
    evidence: str = ""
    since: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the finding as plain values."""
        return {
            "severity": self.severity.name.lower(),
            "what": self.what,
            "consequence": self.consequence,
            "cure": self.cure,
            "evidence": self.evidence,
            "since": self.since.isoformat() if self.since else None,
        }


def by_urgency(findings: list[Finding]) -> list[Finding]:
    """Return the findings, urgent ones first, among equals the oldest."""
    return sorted(findings, key=lambda finding: (finding.severity, finding.since is None, finding.since or 0))
