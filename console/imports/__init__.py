"""Rows written through a Resource of django-import-export: in bulk where it allows that, else row by row."""

from console.imports.outcomes import Change, Holder, Kind, Outcome, Reason, Row
from console.imports.paths import Path
from console.imports.plans import plan

__all__ = ["Change", "Holder", "Kind", "Outcome", "Path", "Reason", "Row", "plan"]
