"""The form of one verb: a heading, its consequence, and buttons that say what they do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from console.engine.clashes import Clashes
from console.states import Verb

if TYPE_CHECKING:
    from console.operations import BaseOperation

TYPE_THE_COUNT_ABOVE = 100


def must_type(operation: type[BaseOperation], count: int) -> bool:
    """Tell whether whoever starts `operation` on so many objects types how many they are: those would be gone for good."""
    return operation.deletes and count > TYPE_THE_COUNT_ABOVE


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
    beforehand. `typed` is the number of objects that has to be typed, None where none has. Where `at_once` is set nothing needs to be asked, and the button acts. `clashes` are the holds in the way: the
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
    typed: int | None = None
    error: str = ""
    reason: str = ""

    def again(self, error: str, *, only: str, reason: str, leaves_out: bool) -> Ask:
        """Return the form as it comes back: with all that was typed; after a clash the way round the held objects is chosen."""
        scopes = [replace(scope, is_default=scope.value == only) for scope in self.scopes]
        scopes = scopes if any(scope.is_default for scope in scopes) else self.scopes
        return replace(self, error=error, reason=reason, scopes=scopes, leaves_out=leaves_out or self.leaves_out)
