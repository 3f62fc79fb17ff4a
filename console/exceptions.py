"""Every error of the console. A message names what happened, why, and what to do; staff may read it as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


def _grouped(count: int) -> str:
    return number_format(count, force_grouping=True)


class ConsoleError(Exception):
    """Base of the errors that a person may be shown: ``str(error)`` is the whole sentence."""


class UnknownSetting(ImproperlyConfigured):
    """``CONSOLE`` holds a key that the console does not know."""

    def __init__(self, key: str, known: Iterable[str]) -> None:
        near = get_close_matches(key, known, 1)
        hint = f" Did you mean {near[0].upper()!r}?" if near else ""
        super().__init__(f"CONSOLE[{key.upper()!r}] is not a setting of the console.{hint}")


class InvalidOperation(ImproperlyConfigured):
    """A declared operation breaks a rule: no name, a name that is taken, a policy that cannot work."""


class UnknownOperation(ConsoleError):
    """The name stands for no registered operation."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            _("“%(name)s” is not known here; the site was probably updated. Reload the list and try again.")
            % {"name": name}
        )


class NotPermitted(ConsoleError):
    """The person lacks the permission `codename` for what was asked."""

    def __init__(self, codename: str, act: str) -> None:
        self.codename, self.act = codename, act
        super().__init__(
            _("To %(act)s you need the permission “%(codename)s”. Ask an administrator.")
            % {"act": act, "codename": codename}
        )


class InvalidParameters(ConsoleError):
    """The operation's form refused the parameters; `errors` maps field names to lists of messages."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        self.errors = errors
        told = "; ".join(f"{field}: {' '.join(messages)}" for field, messages in errors.items())
        super().__init__(_("Nothing was started. The parameters are not valid: %(told)s") % {"told": told})


class EmptySelection(ConsoleError):
    """No object was selected, or none of those selected exists any more."""

    def __init__(self) -> None:
        super().__init__(_("Nothing was started. None of the selected objects exists any more."))


class SelectionVanished(ConsoleError):
    """Some of the selected objects no longer exist: `gone` of `asked`."""

    def __init__(self, gone: int, asked: int) -> None:
        self.gone, self.asked = gone, asked
        super().__init__(
            ngettext(
                "%(gone)s of the %(asked)s objects you selected no longer exists. "
                "Nothing was started. %(left)s are left: check and confirm again.",
                "%(gone)s of the %(asked)s objects you selected no longer exist. "
                "Nothing was started. %(left)s are left: check and confirm again.",
                gone,
            )
            % {"gone": _grouped(gone), "asked": _grouped(asked), "left": _grouped(asked - gone)}
        )


class SelectionChanged(ConsoleError):
    """More or fewer objects match now than were confirmed."""

    def __init__(self, confirmed: int, now: int) -> None:
        self.confirmed, self.now = confirmed, now
        super().__init__(
            _("You saw %(confirmed)s objects; %(now)s match now. Nothing was started. Confirm again.")
            % {"confirmed": _grouped(confirmed), "now": _grouped(now)}
        )


class HoldConflict(ConsoleError):
    """Objects of the selection are held by other runs. `clashes` holds (run id, label, object id), the first few."""

    def __init__(self, clashes: Sequence[tuple[int, str, str]], count: int, total: int | None = None) -> None:
        self.clashes, self.count, self.total = clashes, count, total
        named = {_("%(label)s (run %(run)s)") % {"label": label, "run": run} for run, label, _object in clashes}
        runs = ", ".join(sorted(named))
        super().__init__(
            ngettext(
                "Nothing was started. %(count)s of the objects is locked by %(runs)s.",
                "Nothing was started. %(count)s of the objects are locked by %(runs)s.",
                count,
            )
            % {"count": _grouped(count), "runs": runs}
        )


class KeyReused(ConsoleError):
    """The same key came with another operation or other parameters."""

    def __init__(self, run_id: int) -> None:
        self.run_id = run_id
        super().__init__(
            _("Nothing was started. This form already started run %(run)d with other parameters. Open it anew.")
            % {"run": run_id}
        )


class FormExpired(ConsoleError):
    """The signed key of a confirmation page is older than a day, or was tampered with."""

    def __init__(self) -> None:
        super().__init__(_("Nothing was started. This page is more than a day old. Open it again and confirm."))


class NoDryRun(ConsoleError):
    """An operation with effects outside the database cannot be tried dry."""

    def __init__(self, label: str) -> None:
        super().__init__(
            _("Nothing was started. %(label)s has effects outside this site, so a dry run would not be dry.")
            % {"label": label}
        )


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


class ObjectHeld(ConsoleError):
    """A pending run holds the object, so it cannot be changed or deleted. `run_id` names the run."""

    def __init__(self, obj: object, run_id: int, label: str, *, saving: bool = True) -> None:
        self.obj, self.run_id, self.label, self.saving = obj, run_id, label, saving
        what = _("Not saved.") if saving else _("Not deleted.")
        super().__init__(
            _(
                "%(what)s “%(object)s” is locked by %(label)s (run %(run)d). "
                "Try again when it has ended, or cancel the run."
            )
            % {"what": what, "object": obj, "label": label, "run": run_id}
        )

    def about(self, name: str) -> ObjectHeld:
        """Return the same error about an object that is called `name`."""
        return ObjectHeld(name, self.run_id, self.label, saving=self.saving)


class ObjectBusy(ConsoleError):
    """Another transaction keeps the object's row locked for longer than the guard waits."""

    def __init__(self, obj: object) -> None:
        self.obj = obj
        super().__init__(
            _("Not saved. “%(object)s” is being changed by somebody else this very moment. Try again.")
            % {"object": obj}
        )

    def about(self, name: str) -> ObjectBusy:
        """Return the same error about an object that is called `name`."""
        return ObjectBusy(name)


class WrongIsolation(RuntimeError):
    """Holds cannot be seen reliably in this transaction."""

    def __init__(self, level: str) -> None:
        super().__init__(
            f"A registered model was written in a transaction at {level}: the guard could miss a hold that was just "
            "taken. Use READ COMMITTED, the default, for transactions that write objects with operations."
        )


class LeaseLost(Exception):
    """The fence refused a checkpoint: another claim owns the partition now, or it has ended. Never shown."""


class Retry(Exception):
    """Raised by an operation: outside trouble that will pass; roll back, and try again later.

    Args:
        reason: What went wrong, in words for staff.
        after: Seconds before which trying again is pointless (a service's ``Retry-After``), if it said so.
    """

    def __init__(self, reason: str | _StrPromise = "", after: float | None = None) -> None:
        self.reason, self.after = reason, after
        super().__init__(str(reason))


class ItemOutcome(Exception):
    """Base of the outcomes that an operation may raise, or return, for one item."""

    def __init__(self, obj: Any, reason: str | _StrPromise, data: dict[str, Any] | None = None) -> None:
        self.obj, self.reason, self.data = obj, reason, data or {}
        super().__init__(str(reason))


class ItemFailed(ItemOutcome):
    """One item could not be done; the others can. Becomes a Failure with this reason."""


class Skip(ItemOutcome):
    """One item was left out on purpose (unchanged, not applicable); counted as skipped, with its reason."""
