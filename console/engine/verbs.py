"""Which verbs are lawful for a run now, and permitted to a person; why not, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from console.exceptions import NotPermitted, VerbNotLawful
from console.models import Failure, Run
from console.operations import known_operation
from console.states import ENDED, VERBS, State, Verb, may

if TYPE_CHECKING:
    from console.engine.people import User

PERMISSIONS = {
    Verb.CANCEL: "console.cancel_run",
    Verb.PAUSE: "console.pause_run",
    Verb.RESUME: "console.pause_run",
    Verb.RETRY: "console.retry_run",
    Verb.WITHDRAW: "console.withdraw_run",
}


def verbs_for(run: Run, user: User | None) -> list[Verb]:
    """Return the verbs that are lawful for the run now and permitted to `user` (None: the code), main one first."""
    return [verb for verb in VERBS[State(run.state)] if is_lawful(run, verb) and is_permitted(run, verb, user)]


def is_lawful(run: Run, verb: Verb) -> bool:
    """Tell whether `verb` can be asked of the run as it is now."""
    operation = known_operation(run.operation)
    if verb in {Verb.RETRY, Verb.START} and operation is None:
        return False
    if verb == Verb.RETRY and not _leaves_something(run) and not (operation and operation.repeatable):
        return False
    return may(
        verb, run.state, dry_run=run.dry_run, preparing=run.preparing, has_targets=run.content_type_id is not None
    )


def is_permitted(run: Run, verb: Verb, user: User | None) -> bool:
    """Tell whether `user` may ask for `verb`; whoever asked for a run may always cancel it."""
    if user is None or (verb == Verb.CANCEL and run.asked_by_id == user.pk):
        return True
    operation = known_operation(run.operation)
    if (
        verb in {Verb.START, Verb.RETRY}
        and operation
        and operation.permission
        and not user.has_perm(operation.permission)
    ):
        return False
    permission = PERMISSIONS.get(verb)
    return permission is None or user.has_perm(permission)


def check_verb(run: Run, verb: Verb, by: User | None) -> None:
    """Check that `verb` is permitted to `by` and lawful for the run as it is now.

    Raises:
        NotPermitted: The permission is missing.
        VerbNotLawful: It is not lawful; the message says why.
    """
    if not is_permitted(run, verb, by):
        raise NotPermitted(_missing(run, verb, by), str(verb.label))
    if not is_lawful(run, verb):
        raise VerbNotLawful(verb, run.pk, _why_not(run, verb))


def _missing(run: Run, verb: Verb, by: User | None) -> str:
    operation = known_operation(run.operation)
    needed = operation.permission if operation and verb in {Verb.START, Verb.RETRY} else None
    if needed and by is not None and not by.has_perm(needed):
        return needed
    return PERMISSIONS[verb]


def _why_not(run: Run, verb: Verb) -> str:
    """Return why the verb is not lawful, and what did not happen because of it."""
    facts = {"run": run.pk, "state": State(run.state).label.lower(), "verb": verb.label}
    if known_operation(run.operation) is None:
        return _("This operation is no longer part of the site; run %(run)d cannot be run again.") % facts
    if run.state in ENDED:
        return _("Run %(run)d had already ended (%(state)s). Nothing was changed: “%(verb)s” is not possible.") % facts
    return _("Run %(run)d is %(state)s. Nothing was changed: “%(verb)s” is not possible now.") % facts


def _leaves_something(run: Run) -> bool:
    if run.state != State.SUCCEEDED or run.failed:
        return True
    return bool(run.skipped) and Failure.objects.filter(run=run, kind=Failure.Kind.HELD).exists()
