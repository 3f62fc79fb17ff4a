"""Time zones by name, and what to say of a name that is none."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from console.exceptions import UnknownZone


@cache
def known_zones() -> frozenset[str]:
    """Return the names of all time zones."""
    return frozenset(available_timezones())


def zone_called(name: str) -> ZoneInfo:
    """Return the time zone called `name`.

    Raises:
        UnknownZone: There is none; with the name that was probably meant.
    """
    if name not in known_zones():
        raise UnknownZone(name, _near(name))
    return ZoneInfo(name)


def _near(name: str) -> str:
    """Return the known name that is most like `name`, by its place (“Lisboa”) or as a whole; empty if none is."""
    places: dict[str, str] = {}
    for zone in sorted(known_zones(), key=lambda zone: ("/" not in zone, zone), reverse=True):
        places[zone.rpartition("/")[2].lower()] = zone
        places[zone.lower()] = zone
    found = get_close_matches(name.strip().lower(), places, 1, cutoff=0.6)
    return places[found[0]] if found else ""
