"""Watching: a look at the scene, written down as the one list that pages, machines and the shell read.

The scheduler watches at each of its signs of life, a worker's main process where no scheduler lives, the doctor when
asked. Requests only read what they wrote.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now
from django.utils import timezone

from console.engine import wakeups
from console.models import FoundTrouble, Heartbeat
from console.monitoring.findings import Finding, Severity, by_urgency
from console.monitoring.rules import broken_settings, troubles
from console.monitoring.scene import late_after, look
from console.monitoring.signs import forget_silent

KEPT = timedelta(hours=1)  # after it was cleared
SETTING = "setting"


def watch(*, settings_too: bool = False) -> None:
    """Look once, and bring the list up to date: raise what is new, clear what is over, forget what is long over.

    Args:
        settings_too: Whether to ask the system checks too, which change only with the code.
    """
    forget_silent()
    found = {finding.key: finding for finding in troubles(look())}
    if settings_too:
        found |= {finding.key: finding for finding in broken_settings()}
    rows = {(row.code, row.about): row for row in FoundTrouble.objects.all()}
    if not settings_too:
        found |= {key: _read(row) for key, row in rows.items() if key[0] == SETTING and row.cleared_at is None}
    _raise(found, rows)
    over = [row.pk for key, row in rows.items() if key not in found and row.cleared_at is None]
    if over:
        FoundTrouble.objects.filter(pk__in=over).update(cleared_at=Now())
    if any(row.cleared_at for row in rows.values()):
        FoundTrouble.objects.filter(cleared_at__lt=Now() - KEPT).delete()


def watch_alone() -> None:
    """Watch in the place of a scheduler, if none is alive."""
    living = Heartbeat.objects.filter(kind=Heartbeat.Kind.SCHEDULER, seen_at__gte=Now() - _late())
    if not living.exists():
        watch()


def listed(*, cleared: bool = False) -> list[Finding]:
    """Return the findings that hold, urgent ones first, in two queries; with `cleared` also those of the last hour."""
    rows = FoundTrouble.objects.all() if cleared else FoundTrouble.objects.filter(cleared_at=None)
    found = [_read(row) for row in rows]
    if not wakeups.is_eager() and (unwatched := _unwatched()):
        found.append(unwatched)
    return by_urgency(found)


def newest_sign() -> tuple[float | None, bool]:
    """Return how many seconds ago a process gave a sign of life (None: none is known), and whether that is too long."""
    newest = Heartbeat.objects.order_by("-seen_at").annotate(clock=Now()).first()
    if newest is None:
        return None, True
    age = max(0.0, (newest.clock - newest.seen_at).total_seconds())
    return age, age > late_after()


def _unwatched() -> Finding | None:
    """Return that nobody keeps the list any more: what it says may be over, and what is new is not in it."""
    age, is_long = newest_sign()
    if not is_long:
        return None
    since = timezone.now() - timedelta(seconds=age) if age is not None else None
    return Finding("unwatched", Severity.URGENT, since=since)


def _raise(found: dict[tuple[str, str], Finding], rows: dict[tuple[str, str], FoundTrouble]) -> None:
    changed = []
    for key, finding in found.items():
        row = rows.get(key)
        holds = row is not None and row.cleared_at is None
        if row and holds and (row.severity, row.facts) == (finding.severity, finding.facts):
            continue
        since = row.since if row and holds else finding.since or timezone.now()
        changed.append(
            FoundTrouble(
                code=finding.code,
                about=finding.about,
                severity=finding.severity,
                facts=finding.facts,
                since=since,
                cleared_at=None,
            )
        )
    if changed:
        FoundTrouble.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=("code", "about"),
            update_fields=("severity", "facts", "since", "cleared_at"),
        )


def _read(row: FoundTrouble) -> Finding:
    return Finding(row.code, Severity(row.severity), row.about, row.facts, row.since, row.cleared_at)


def _late() -> timedelta:
    return timedelta(seconds=late_after())
