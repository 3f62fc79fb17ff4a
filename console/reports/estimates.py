"""How long something will take, judged by how long it took before."""

from __future__ import annotations

from math import ceil

from django.db.models import Sum
from django.utils.translation import gettext as _

from console.models import Event, Partition
from console.reports.words import span


def preparing(what: str, count: int, *, locks: bool = True) -> str:
    """Say what it means that a run collects its `count` objects itself; and `locks` them, unless it holds none."""
    seconds = preparing_takes(count)
    how_long = _(" (about %(time)s)") % {"time": span(ceil(seconds))} if seconds else ""
    if not locks:
        return _("%(what)s: the run first collects them%(how_long)s. What matches by then is worked on.") % {
            "what": what,
            "how_long": how_long,
        }
    return _(
        "%(what)s: the run first collects and locks them%(how_long)s. Until then others can still change them."
    ) % {"what": what, "how_long": how_long}


def preparing_takes(count: int) -> float | None:
    """Return about how many seconds collecting and locking `count` objects takes; None where it was never done."""
    event = Event.objects.filter(what="prepared").select_related("run").order_by("-id").first()
    if event is None or event.run.started_at is None:
        return None
    preparing = Partition.objects.filter(run=event.run, kind=Partition.Kind.PREPARE)
    collected = preparing.aggregate(n=Sum("position"))["n"] or 0
    took = (event.at - event.run.started_at).total_seconds()
    return count * took / collected if collected else None
