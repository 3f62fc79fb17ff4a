"""The form of one verb: a heading, its consequence, and buttons that say what they do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from console.engine.clashes import Clashes
from console.states import Verb


@dataclass(frozen=True)
class Scope:
    """One choice of what a retry takes up."""

    value: str
    label: str
    is_default: bool = False


@dataclass(frozen=True)
class Ask:
    """The words of one verb's form.

    `button` opens the form, `act` on it does the verb (empty: nothing can be done now), `keep` leaves everything as it
    is. A run that is `preparing` (this says what that means) may meet held objects when nobody can be asked: the form asks
    beforehand. Where `at_once` is set nothing needs to be asked, and the button acts. `clashes` are the holds in the way: the
    form offers to leave their objects out, or where it `leaves_out` without a choice, does so.
    A form that comes back has what was typed, and the `error` that says why.
    """

    verb: Verb
    heading: str
    consequence: str
    button: str
    act: str
    keep: str
    danger: bool = False
    at_once: bool = False
    takes_reason: bool = True
    scopes: list[Scope] = field(default_factory=list)
    clashes: Clashes | None = None
    may_leave_out: bool = False
    leaves_out: bool = False
    preparing: str = ""
    error: str = ""
    reason: str = ""

    def again(self, error: str, *, only: str, reason: str) -> Ask:
        """Return the form as it comes back: with all that was typed, and the way round the held objects chosen."""
        scopes = [replace(scope, is_default=scope.value == only) for scope in self.scopes]
        scopes = scopes if any(scope.is_default for scope in scopes) else self.scopes
        return replace(self, error=error, reason=reason, scopes=scopes, leaves_out=True)
