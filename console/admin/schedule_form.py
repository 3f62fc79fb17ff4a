"""The form of a schedule: when, what if, who. The operation's own form stands beside it, with its fields' own names."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from console.admin.schedule_fields import ScheduleFields
from console.admin.schedule_seen import SEEN, mark, warning
from console.exceptions import ConsoleError, InvalidTiming, UnknownZone
from console.models import Schedule
from console.operations import BaseOperation
from console.schedules import store
from console.schedules.planning import next_times
from console.schedules.slots import selection_of
from console.schedules.solar import Solar
from console.schedules.timing import Clocked, Crontab, Interval, NoPattern, Pattern, Timing

PREFIX = "schedule"
MINUTE = 60
OFTEN = timedelta(minutes=1)  # what comes more often is asked about
PAGED = ("p", "o", "e", "all")  # of a list's address: where one looks, not what one sees


class ScheduleForm(ScheduleFields):
    """When an operation starts, what happens if it cannot, and for whom it acts."""

    def __init__(
        self, *args: Any, operation: type[BaseOperation] | None, schedule: Schedule, user: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **{"prefix": PREFIX, **kwargs})
        self.operation, self.schedule, self.user = operation, schedule, user
        self.matches: int | None = None
        self.timing: Timing | None = None
        self.warning = ""
        if operation is None or operation.selection is None:
            del self.fields["filter"]

    def clean_name(self) -> str:
        """Return a name that no other schedule has."""
        name: str = self.cleaned_data["name"]
        if store.is_taken(name, but=self.schedule.task_id):
            raise ValidationError(_("Another schedule is called so. Choose another name."))
        return name

    def clean_filter(self) -> str:
        """Return the query of a list's address."""
        text: str = self.cleaned_data["filter"].strip()
        query = urlsplit(text).query if "?" in text or "/" in text else text
        kept = QueryDict(query, mutable=True)
        for name in PAGED:
            kept.pop(name, None)
        return kept.urlencode()

    def clean_owner(self) -> Any:
        """Return the person, or None for the code that declared the schedule."""
        name: str = self.cleaned_data["owner"].strip()
        if not name:
            if self.schedule.declared is None:
                raise ValidationError(_("Name the person for whom it acts."))
            return None
        users: Any = get_user_model()
        owner = users._default_manager.filter(**{users.USERNAME_FIELD: name, "is_active": True}).first()
        if owner is None:
            raise ValidationError(_("Nobody with this user name may sign in."))
        return owner

    def clean(self) -> dict[str, Any]:
        """Reckon the times, and look at what the filter finds."""
        cleaned = self.cleaned_data
        if not self.errors.keys() & {"kind", "every", "clocked", "start", "end", "latitude", "longitude"}:
            self._reckon()
        if "owner" in cleaned:
            self._check_owner(cleaned["owner"])
        if "filter" in cleaned and "owner" in cleaned:
            self._look()
        return cleaned

    def _reckon(self) -> None:
        given = self.cleaned_data
        timing = Timing(
            self._pattern(), given.get("start"), given.get("end"), given["once"] or given["kind"] == "clocked"
        )
        try:
            timing.check()
        except InvalidTiming as error:
            field = "zone" if isinstance(error, UnknownZone) else _FIRST[given["kind"]]
            self.add_error(field, str(error))
            return
        self.timing = timing
        times = next_times(timing, None)
        if not times and self._is_new(timing):
            self.timing = None
            self.add_error(_FIRST[given["kind"]], _("No such time is to come. Choose a later one."))
        elif self._is_new(timing):
            self._ask_whether_meant(times)

    def _is_new(self, timing: Timing) -> bool:
        return not self.schedule.pk or store.entry_of(self.schedule.task_id).timing != timing

    def _ask_whether_meant(self, times: list[datetime]) -> None:
        """Warn of times less than a minute apart; whoever saves again means it."""
        apart = min((after - before for before, after in pairwise(times)), default=OFTEN)
        seconds = int(apart.total_seconds())
        if apart < OFTEN and self.cleaned_data.get("meant") != str(seconds):
            self.warning = _("Every %(count)d s: is that meant? Save again if it is.") % {"count": seconds}
            self._keep("meant", str(seconds))

    def check_seen(self, kept: Schedule, replaced: Iterable[str] = ()) -> None:
        """Warn of what somebody else changed since the form was opened; whoever saves again replaces it.

        Args:
            kept: The schedule as it is, its row locked.
            replaced: What would be replaced beside the form's own fields.
        """
        now = initial(kept, self.user)[SEEN]
        names = [str(self.fields[name].label) for name in self.changed_data if self.fields[name].label]
        labels = [*names, *replaced]
        if labels and self.cleaned_data.get(SEEN) not in ("", now):
            self.warning = warning(labels)
            self._keep(SEEN, now)

    def _keep(self, name: str, value: str) -> None:
        """Let the form that is shown again hold what was told."""
        given: Any = self.data
        told = given.copy()
        told[self.add_prefix(name)] = value
        self.data = told

    def _pattern(self) -> Pattern:
        given = self.cleaned_data
        match given["kind"]:
            case "interval":
                return Interval(given.get("every") or 0, given.get("period") or "hours")
            case "clocked" if given.get("clocked"):
                return Clocked(given["clocked"])
            case "solar" if given.get("latitude") is not None and given.get("longitude") is not None:
                return Solar(given["event"], float(given["latitude"]), float(given["longitude"]))
            case "crontab":
                fields = {name: given.get(name) or "*" for name in store.CRONTAB}
                return Crontab(**fields, zone=given.get("zone") or timezone.get_default_timezone_name())
        return NoPattern()

    def _check_owner(self, owner: Any) -> None:
        """Let nobody act with another person's permissions."""
        if self.user.is_superuser or owner == self.user:
            return
        if self.schedule.pk and owner == self.schedule.owner and not self.changes_what():
            return
        self.add_error("owner", _("Only a superuser may let a schedule act for somebody else. Choose yourself."))

    def changes_what(self) -> bool:
        """Tell whether something else would be done than before."""
        return "filter" in self.changed_data

    def _look(self) -> None:
        assert self.operation is not None
        draft = Schedule(
            operation=self.operation.name,
            owner=self.cleaned_data["owner"],
            selection={**(self.schedule.selection or {}), "query": self.cleaned_data["filter"]},
        )
        try:
            found = selection_of(self.operation, draft)
            self.matches = found.count() if found else None
        except ConsoleError as error:
            self.add_error("filter", str(error))


_FIRST = {"crontab": "minute", "interval": "every", "clocked": "clocked", "solar": "latitude"}


def initial(schedule: Schedule, user: Any) -> dict[str, Any]:
    """Return what the form shows of a schedule; of a new one, what is usual."""
    zone = timezone.get_default_timezone_name()
    if not schedule.pk:
        return {"owner": user.get_username(), "zone": zone, "minute": "0", "hour": "2"}
    entry = store.entry_of(schedule.task_id)
    shown: dict[str, Any] = {
        "name": entry.name,
        "description": store.description_of(entry.pk),
        "enabled": entry.enabled,
        "filter": (schedule.selection or {}).get("query", ""),
        "zone": zone,
        "start": entry.timing.start,
        "end": entry.timing.end,
        "once": entry.timing.once,
        "overlap": schedule.overlap,
        "missed": schedule.missed,
        "catch_up": schedule.catch_up // MINUTE,
        "pause_after": schedule.pause_after,
        "spread": schedule.spread // MINUTE,
        "max_duration": schedule.max_duration and schedule.max_duration // MINUTE,
        "owner": schedule.owner.get_username() if schedule.owner else "",
        **store.options_of(entry.pk),
    }
    match entry.timing.pattern:
        case Interval(every, period):
            shown |= {"kind": "interval", "every": every, "period": period}
        case Crontab() as crontab:
            shown |= {
                "kind": "crontab",
                "zone": crontab.zone,
                **{name: getattr(crontab, name) for name in store.CRONTAB},
            }
        case Clocked(at):
            shown |= {"kind": "clocked", "clocked": at}
        case Solar(event, latitude, longitude):
            shown |= {"kind": "solar", "event": event, "latitude": latitude, "longitude": longitude}
    return {**shown, SEEN: mark(schedule, shown)}
