"""Runs of others whose end a person asked to be told: remembered until they sign out, told wherever they are in the admin."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest

from console.models import Run

WATCHED = "console_watched"
MOST = 50


def watch(request: HttpRequest, runs: Iterable[Run]) -> None:
    """Remember that the person wants to be told when these runs end; the oldest wishes are forgotten first."""
    known = watched(request)
    request.session[WATCHED] = [*known, *(run.pk for run in runs if run.pk not in known)][-MOST:]


def watched(request: HttpRequest) -> list[int]:
    """Return the runs whose end the person asked to be told."""
    return list(request.session.get(WATCHED, []))


def will_tell(request: HttpRequest, runs: Iterable[Run]) -> bool:
    """Tell whether the person hears of the end of all `runs` anyway: they asked for them, or asked to be told."""
    known = watched(request)
    return all(run.asked_by_id == request.user.pk or run.pk in known for run in runs)
