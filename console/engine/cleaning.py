"""The operation that clears files away: what has expired, what is left of ended runs, and bytes that no record names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from console.engine.files import remove
from console.models import File
from console.models.files import forget_bytes
from console.operations import Operation, register
from console.states import ACTIVE, ENDED
from console.storage import storage

FOLDERS = 10**15  # the positions of days come behind those of files
AGE = timedelta(days=2)  # of a day's folder: whatever was being written then is recorded by now, or never will be
ASKED_AT_ONCE = 500

gettext_noop("Delete expired files, and stored bytes that no record names.")


@dataclass(frozen=True)
class Item:
    """A file to clear away, or a day whose folders are looked through."""

    pk: int
    day: date | None = None


@register()
class CleanFiles(Operation):
    """Delete expired files, and stored bytes that no record names."""

    name = "console.clean_files"
    label = _("Clean up files")
    permission = "console.clean_files"
    queue = "control"
    repeatable = True

    def count(self) -> int | None:
        """Return that nobody knows: the folders are looked through on the way."""
        return None

    def read(self, after: int, limit: int) -> Sequence[tuple[int, Item]]:
        """Return the next files to clear away by key, then the days whose folders there are."""
        keys = list(spent().filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:limit])
        found = [(pk, Item(pk)) for pk in keys]
        if len(found) < limit:
            days = ((FOLDERS + day.toordinal(), day) for day in _days())
            found += [(place, Item(place, day)) for place, day in sorted(days) if place > after][: limit - len(found)]
        return found

    def process(self, items: Sequence[Item]) -> None:
        """Clear these away; their bytes go after the checkpoint's commit."""
        files = spent().filter(pk__in=[item.pk for item in items if item.day is None])
        files.filter(Q(run=None) | Q(kind=File.Kind.PART)).delete()
        remove(files)
        for item in items:
            if item.day is not None:
                _clear(item.day)


def spent() -> QuerySet[File]:
    """Return the files that nobody may have any more, or needs: expired ones, but for those of active runs, and parts."""
    expired = Q(expires_at__lte=timezone.now()) & ~Q(run__state__in=ACTIVE)
    left_over = Q(kind=File.Kind.PART, run__state__in=ENDED)
    return File.objects.filter(expired | left_over, deleted_at=None)


def _days() -> Iterator[date]:
    """Yield the days, old enough, of which the storage has folders; none where it cannot list them."""
    newest = (datetime.now(UTC) - AGE).date()
    seen = {day for kind in File.Kind.values for day in _days_in(kind)}
    yield from (day for day in seen if day <= newest)


def _days_in(kind: str) -> Iterator[date]:
    for year in _folders(kind):
        for month in _folders(f"{kind}/{year}"):
            for day in _folders(f"{kind}/{year}/{month}"):
                if f"{year}{month}{day}".isdecimal():
                    yield date(int(year), int(month), int(day))


def _folders(path: str) -> list[str]:
    return _listed(path)[0]


def _listed(path: str) -> tuple[list[str], list[str]]:
    try:
        folders, files = storage().listdir(path)
    except (FileNotFoundError, NotImplementedError):
        return [], []
    return folders, files


def _clear(day: date) -> None:
    """Delete what no record names of a day's folders, and those that are empty then."""
    for kind in File.Kind.values:
        folder = f"{kind}/{day:%Y/%m/%d}"
        names = [f"{folder}/{name}" for name in _listed(folder)[1]]
        known = _recorded(names)
        orphans = [name for name in names if name not in known]
        forget_bytes(orphans if known else [*orphans, folder])


def _recorded(names: list[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(names), ASKED_AT_ONCE):
        asked = names[start : start + ASKED_AT_ONCE]
        known.update(File.objects.filter(stored__in=asked, deleted_at=None).values_list("stored", flat=True))
    return known
