"""Why a verb was not obeyed."""

from __future__ import annotations

from django.utils.translation import gettext as _

from console.exceptions.base import ConsoleError


class VerbNotLawful(ConsoleError):
    """The verb is not lawful in the state the run is in now."""

    def __init__(self, verb: str, run_id: int, why: str) -> None:
        self.verb, self.run_id = verb, run_id
        super().__init__(why)


class UnlawfulTransition(RuntimeError):
    """A bug in the engine: the transitions table has no such arrow."""

    def __init__(self, run_id: int, old: str, new: str) -> None:
        super().__init__(
            f"Run {run_id} cannot go from {old} to {new}: states.TRANSITIONS has no such arrow. "
            "Only engine/transitions.py may write a run's state."
        )


class AlreadyReached(ConsoleError):
    """A target cannot be left out: its run has already reached it."""

    def __init__(self, run_id: int) -> None:
        super().__init__(_("Run %(run)d has already reached this object. Nothing was left out.") % {"run": run_id})


class NothingToRetry(ConsoleError):
    """The run has no item of the wanted scope left."""

    def __init__(self, run_id: int) -> None:
        super().__init__(
            _("Run %(run)d has nothing left to retry: everything was done, or another retry has taken it up.")
            % {"run": run_id}
        )


class RetryRefused(ConsoleError):
    """A retry of everything excludes other retries of the same run, and they exclude it."""

    def __init__(self, run_id: int, other_id: int) -> None:
        self.other_id = other_id
        super().__init__(
            _(
                "Nothing was started. Run %(run)d was already retried by run %(other)d; "
                "to repeat everything and to retry a part exclude each other. Retry run %(other)d instead."
            )
            % {"run": run_id, "other": other_id}
        )


class StillCollecting(ConsoleError):
    """Another linked run still collects what it takes up; until it has, nobody knows what is left for a further one."""

    def __init__(self, run_id: int, other_id: int) -> None:
        self.other_id = other_id
        super().__init__(
            _(
                "Nothing was started. Run %(other)d is still collecting what it takes up of run %(run)d. "
                "Try again when it has, or cancel run %(other)d."
            )
            % {"run": run_id, "other": other_id}
        )


class NotRepeatable(ConsoleError):
    """“Everything again” is offered only by operations that say that repeating is safe."""

    def __init__(self, label: str) -> None:
        super().__init__(
            _("Nothing was started. %(label)s does not say that repeating what is done is safe. Retry the undone part.")
            % {"label": label}
        )
