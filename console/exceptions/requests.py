"""Why a request for an operation was not accepted."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.exceptions.base import ConsoleError, grouped


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
            % {"gone": grouped(gone), "asked": grouped(asked), "left": grouped(asked - gone)}
        )


class SelectionChanged(ConsoleError):
    """More or fewer objects match now than were confirmed."""

    def __init__(self, confirmed: int, now: int) -> None:
        self.confirmed, self.now = confirmed, now
        super().__init__(
            _("You saw %(confirmed)s objects; %(now)s match now. Nothing was started. Confirm again.")
            % {"confirmed": grouped(confirmed), "now": grouped(now)}
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
            % {"count": grouped(count), "runs": runs}
        )


class CountNotTyped(ConsoleError):
    """Many objects are to be deleted, and how many has not been typed."""

    def __init__(self, count: int) -> None:
        super().__init__(_("Nothing was started. Type %(count)d in the field below to confirm.") % {"count": count})


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


class TooManyItems(ConsoleError):
    """The run would have more items than its parameters allow."""

    def __init__(self, count: int, limit: int) -> None:
        self.count, self.limit = count, limit
        super().__init__(
            _("Nothing was started. There would be %(count)s rows; the format is limited to %(limit)s. Choose CSV.")
            % {"count": grouped(count), "limit": grouped(limit)}
        )
