"""Errors about schedules: a message names what happened, why, and what to do; staff may read it as it is."""

from __future__ import annotations

from django.utils.dates import MONTHS
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from console.exceptions.base import ConsoleError


class InvalidTiming(ConsoleError):
    """A schedule's times cannot be reckoned: a field cannot be read, or no such time ever comes."""

    @classmethod
    def unreadable(cls, text: str, why: str) -> InvalidTiming:
        """Return the error about a field of a crontab."""
        return cls(_("“%(text)s” cannot be read: %(why)s") % {"text": text, "why": why})

    @classmethod
    def too_often(cls) -> InvalidTiming:
        """Return the error about times that are less than a second apart."""
        return cls(_("An operation starts at most once a second. Choose a longer interval."))

    @classmethod
    def without_ephem(cls) -> InvalidTiming:
        """Return the error about the sun, of which nobody here can tell."""
        return cls(_("Times by the sun need the package “ephem”, which is not installed. Choose other times."))

    @classmethod
    def none(cls) -> InvalidTiming:
        """Return the error about a schedule without times."""
        return cls(_("No times are chosen. Choose when it starts."))

    @classmethod
    def never(cls, day: int, month: int) -> InvalidTiming:
        """Return the error about a day that never comes."""
        return cls(
            _("This never happens: %(day)d %(month)s. Choose another day.") % {"day": day, "month": MONTHS[month]}
        )


class UnknownZone(InvalidTiming):
    """No time zone has this name; `near` is the one that was probably meant."""

    def __init__(self, name: str, near: str) -> None:
        self.name, self.near = name, near
        told = _("“%(name)s” is not a time zone.") % {"name": name}
        hint = _("Did you mean %(near)s?") % {"near": near} if near else _("Choose one such as Europe/Lisbon.")
        super().__init__(f"{told} {hint}")


class OwnerGone(ConsoleError):
    """The person for whom a schedule acts was deleted or may not act any more."""

    def __init__(self) -> None:
        super().__init__(_("Nothing was started. The owner of this schedule is no longer there. Choose another."))


class NotStarted(ConsoleError):
    """A schedule's operation could not be started now; the message says why."""


class NothingToSkip(ConsoleError):
    """A schedule has no next time."""

    def __init__(self) -> None:
        super().__init__(_("Nothing was skipped. This schedule has no next time: it is off, or over."))


class NothingToBackfill(ConsoleError):
    """Each time of a range has its run, or there is none."""

    def __init__(self) -> None:
        super().__init__(_("Nothing was started. Each time of this range has its run already, or there is none."))


class TooManyTimes(ConsoleError):
    """A range has more times than can be made up for at once."""

    def __init__(self, most: int) -> None:
        super().__init__(
            _("Nothing was started. This range has more than %(most)s times. Choose a shorter one.")
            % {"most": number_format(most, force_grouping=True)}
        )


class BrokerAway(ConsoleError):
    """A plain message cannot be sent: the broker does not answer. Runs need no broker to be accepted."""

    def __init__(self) -> None:
        super().__init__(_("Nothing was sent. The message broker is away. Try again when it is back."))


class NotDeclared(ConsoleError):
    """A schedule cannot be reset: the code does not declare it, or no longer."""

    def __init__(self) -> None:
        super().__init__(_("Nothing was changed. The code does not declare this schedule, or no longer does."))
