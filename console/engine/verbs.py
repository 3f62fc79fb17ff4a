"""Which verbs are lawful for a run now, and permitted to a person; why not, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from console.exceptions import NothingToRetry, NotPermitted, VerbNotLawful
from console.models import FAILS, Failure, Run
from console.operations import BaseOperation, known_operation
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
    has_targets = run.content_type_id is not None and not (operation and operation.reads_rows)
    if not may(verb, run.state, dry_run=run.dry_run, preparing=run.preparing, has_targets=has_targets):
        return False
    if verb not in {Verb.RETRY, Verb.START}:
        return True
    return operation is not None and (verb == Verb.START or is_retryable(run, repeatable=operation.repeatable))


def is_retryable(run: Run, *, repeatable: bool) -> bool:
    """Tell whether an ended run has something to retry that no linked run has taken up; one query, or two.

    Prefetch ``retries`` where many runs are asked about.
    """
    retries = {(retry.only, retry.group) for retry in run.retries.all()}
    if any(only in {Run.Only.UNDONE, Run.Only.ALL} for only, _group in retries):
        return False  # the one has taken up all that is left, the other excludes every further one
    if _leaves_something(run, {group for _only, group in retries}):
        return True
    return repeatable and not retries


def is_permitted(run: Run, verb: Verb, user: User | None) -> bool:
    """Tell whether `user` may ask for `verb`; whoever asked for a run may always cancel it."""
    if user is None or (verb == Verb.CANCEL and run.asked_by_id == user.pk):
        return True
    operation = known_operation(run.operation)
    if verb in {Verb.START, Verb.RETRY} and operation and lacks(user, operation):
        return False
    permission = PERMISSIONS.get(verb)
    return permission is None or user.has_perm(permission)


def check_verb(run: Run, verb: Verb, by: User | None) -> None:
    """Check that `verb` is permitted to `by` and lawful for the run as it is now.

    Raises:
        NotPermitted: The permission is missing.
        VerbNotLawful: It is not lawful; the message says why.
        NothingToRetry: Nothing is left, or linked runs have taken up all that was.
    """
    check_permitted(run, verb, by)
    if not is_lawful(run, verb):
        if verb == Verb.RETRY and run.state in ENDED and not run.dry_run and known_operation(run.operation):
            raise NothingToRetry(run.pk)
        raise VerbNotLawful(verb, run.pk, _why_not(run, verb))


def check_permitted(run: Run, verb: Verb, by: User | None) -> None:
    """Check that `verb` is permitted to `by`.

    Raises:
        NotPermitted: The permission is missing.
    """
    if not is_permitted(run, verb, by):
        raise NotPermitted(_missing(run, verb, by), str(verb.label))


def _missing(run: Run, verb: Verb, by: User | None) -> str:
    operation = known_operation(run.operation)
    needed = lacks(by, operation) if operation and verb in {Verb.START, Verb.RETRY} else ""
    return needed or PERMISSIONS[verb]


def lacks(user: User | None, operation: type[BaseOperation]) -> str:
    """Return the first permission for starting the operation that `user` lacks; empty where none is missing."""
    return next((name for name in operation.permissions() if user is not None and not user.has_perm(name)), "")


def _why_not(run: Run, verb: Verb) -> str:
    """Return why the verb is not lawful, and what did not happen because of it."""
    facts = {"run": run.pk, "state": State(run.state).label.lower(), "verb": verb.label}
    if known_operation(run.operation) is None:
        return _("This operation is no longer part of the site; run %(run)d cannot be run again.") % facts
    if run.state in ENDED:
        told = _(
            "Run %(run)d had already ended at %(time)s (%(state)s). Nothing was changed: “%(verb)s” is not possible."
        )
        return told % {**facts, "time": date_format(localtime(run.ended_at or run.changed_at), "SHORT_DATETIME_FORMAT")}
    return _("Run %(run)d is %(state)s. Nothing was changed: “%(verb)s” is not possible now.") % facts


def _leaves_something(run: Run, groups: set[str]) -> bool:
    """Tell whether anything is left beside the retries of these groups of failures; the group "" is all of them."""
    return _stopped_early(run) or _failures_are_left(run, groups) or _objects_were_held(run)


def _stopped_early(run: Run) -> bool:
    reached = run.done + run.failed + run.skipped
    return run.state != State.SUCCEEDED and (run.preparing or run.total is None or reached < run.total)


def _failures_are_left(run: Run, groups: set[str]) -> bool:
    if not run.failed or "" in groups:
        return False
    return not groups or Failure.objects.filter(run=run, kind__in=FAILS).exclude(group__in=groups).exists()


def _objects_were_held(run: Run) -> bool:
    return bool(run.skipped) and Failure.objects.filter(run=run, kind=Failure.Kind.HELD).exists()
