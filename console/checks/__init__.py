"""System checks: every setting and every operation that would break a promise is named, with its cure.

An error is a promise that cannot be kept; a warning costs speed, safety or convenience. ``docs/checks.md`` lists them.
"""

from console.checks import celery, databases, durations, files, operations, web

__all__ = ["celery", "databases", "durations", "files", "operations", "web"]
