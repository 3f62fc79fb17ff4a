"""Times that follow the sun at a place, as Celery reckons them with the help of the package ephem."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from celery import schedules
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from console.exceptions import InvalidTiming

EVENTS = (
    ("dawn_astronomical", _("astronomical dawn")),
    ("dawn_nautical", _("nautical dawn")),
    ("dawn_civil", _("civil dawn")),
    ("sunrise", _("sunrise")),
    ("solar_noon", _("solar noon")),
    ("sunset", _("sunset")),
    ("dusk_civil", _("civil dusk")),
    ("dusk_nautical", _("nautical dusk")),
    ("dusk_astronomical", _("astronomical dusk")),
)
APART = timedelta(minutes=1)  # more than what reckoning from another moment differs by
NOT_THIS_YEAR = timedelta(days=366)


@dataclass(frozen=True)
class Solar:
    """At an event of the sun, at a place."""

    event: str
    latitude: float
    longitude: float

    def check(self) -> None:
        """Check that there are such times.

        Raises:
            InvalidTiming: The event is unknown, or the package that reckons it is not installed.
        """
        self._reckoner(datetime.now(UTC))

    def after(self, moment: datetime, anchor: datetime) -> Iterator[datetime]:
        """Yield the times after `moment`; days without the event, near the poles, have none."""
        while True:
            at = moment + self._reckoner(moment).remaining_estimate(moment)
            if at - moment >= NOT_THIS_YEAR:
                return
            at = at.replace(microsecond=0)
            if at > moment:
                yield at
            moment = at + APART

    def _reckoner(self, moment: datetime) -> schedules.solar:
        try:
            return schedules.solar(self.event, self.latitude, self.longitude, nowfun=lambda: moment)
        except ImproperlyConfigured:
            raise InvalidTiming.without_ephem() from None
        except ValueError as error:
            raise InvalidTiming.unreadable(self.event, str(error)) from None
