"""What a verb asks before it acts: a heading, its consequence, and buttons that say what they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.engine.clashes import would_clash
from console.engine.sizes import prepare_above
from console.engine.sources import Earlier
from console.exceptions import InvalidParameters
from console.models import Run
from console.operations.base import Hold
from console.operations.registry import known_operation
from console.reports.estimates import preparing
from console.reports.headlines import subject
from console.reports.imports import good, is_import, tally
from console.reports.retries import retry, retry_group
from console.reports.verb_forms import Ask, must_type
from console.reports.words import acted, lower_first, noun, number, shortened
from console.states import WORKING, State, Verb

if TYPE_CHECKING:
    from console.engine.progress import Progress
    from console.operations import BaseOperation


NEW_RUNS = frozenset({Verb.START, Verb.RETRY})  # these verbs make a new run on objects that others may hold by now


def ask(verb: Verb, run: Run, progress: Progress, *, group: str = "", target: str = "", with_holds: bool = True) -> Ask:
    """Return what `verb` asks about `run`.

    Args:
        verb: The verb.
        run: The run.
        progress: Its progress.
        group: For a retry: the failure group it is limited to.
        target: For a withdrawal: the object's name.
        with_holds: Whether to look for the holds of other runs that a new run on the same objects would meet, now or while
            it collects them.
    """
    if verb == Verb.WITHDRAW:
        return _withdraw(run, target)
    words = retry_group(run, group) if verb == Verb.RETRY and group else _ASKS[verb](run, progress)
    if not with_holds or verb not in NEW_RUNS or is_import(run):  # whose rows say so when they are reached
        return words
    return replace(_beside_holds(words, run), preparing=_preparing(words, run, group))


def _cancel(run: Run, progress: Progress) -> Ask:
    return Ask(
        Verb.CANCEL,
        heading=_("Cancel run %(run)s?") % {"run": run.pk},
        consequence=_join(_stays(run, progress), _freed(run)),
        button=_("Cancel…"),
        act=_("Cancel the run"),
        keep=_keep(run),
        danger=True,
    )


def _stays(run: Run, progress: Progress) -> str:
    """Say what a cancelled run leaves behind."""
    if run.dry_run:
        return _("It is a dry run: nothing was changed, and nothing will be.")
    if not progress.done and run.state not in WORKING:
        return _("Nothing has been changed yet, and nothing will be.")
    stays = _("It stops after the items in hand. What is done stays: %(done)s of %(total)s so far.")
    if progress.total is None:
        stays = _("It stops after the items in hand. What is done stays: %(done)s so far.")
    told = stays % {"done": number(progress.done), "total": number(progress.total or 0)}
    operation = known_operation(run.operation)
    is_external = operation is not None and operation.external
    return _join(told, _("What was sent cannot be taken back.") if is_external else "")


def _pause(run: Run, progress: Progress) -> Ask:
    stays = ""
    if run.hold != Hold.NONE:
        stays = _("The %(noun)s stay locked meanwhile.") % {"noun": noun(run, 2)}
    what = _("It stops after the items in hand, and goes on from there when somebody resumes it.")
    return Ask(
        Verb.PAUSE,
        heading=_("Pause run %(run)s?") % {"run": run.pk},
        consequence=f"{what} {stays}".strip(),
        button=_("Pause…"),
        act=_("Pause the run"),
        keep=_keep(run),
    )


def _resume(run: Run, progress: Progress) -> Ask:
    waits = run.state == State.WAITING
    return Ask(
        Verb.RESUME,
        heading=_("Retry run %(run)s now?") % {"run": run.pk} if waits else _("Resume run %(run)s?") % {"run": run.pk},
        consequence=_("It goes on where it stopped."),
        button=_("Retry now") if waits else _("Resume"),
        act=_("Retry now") if waits else _("Resume the run"),
        keep=_("Leave it waiting") if waits else _("Leave it paused"),
        at_once=True,
        takes_reason=False,
    )


def _start(run: Run, progress: Progress) -> Ask:
    if is_import(run):
        return _start_import(run)
    operation = known_operation(run.operation)
    act = lower_first(acted(run.label, subject(run)))
    asked = Ask(
        Verb.START,
        heading=_("Do it now: %(act)s?") % {"act": act},
        consequence=_(
            "So far nothing was changed. This makes a real run on the same objects with the same parameters; "
            "the objects are read and checked anew."
        ),
        button=_("Do it now: %(act)s…") % {"act": shortened(act)},
        act=_("Do it now: %(act)s") % {"act": act},
        keep=_("Change nothing"),
        takes_reason=False,
    )
    if operation is not None and operation.deletes:
        final = _join(asked.consequence, _("What is deleted cannot be brought back."))
        asked = replace(asked, consequence=final, danger=True)
    return _typed(asked, operation, run.total or 0)


def _start_import(run: Run) -> Ask:
    count = good(tally(run))
    act = ngettext("Import %(count)s row", "Import %(count)s rows", count) % {"count": number(count)}
    return Ask(
        Verb.START,
        heading=f"{act}?",
        consequence=_("So far nothing was changed. The good rows are imported, the others are listed in the report."),
        button=f"{act}…",
        act=act,
        keep=_("Change nothing"),
        takes_reason=False,
    )


def _beside_holds(asked: Ask, run: Run) -> Ask:
    """Return the form with the holds in the way; “do it now” is for the others then: the whole could not be started."""
    operation = known_operation(run.operation)
    found = would_clash(run, operation) if operation is not None else None
    if found is None or not found.count:
        return asked
    if asked.verb == Verb.RETRY:
        return replace(asked, clashes=found)
    others = max(found.total - found.count, 0)
    rest = _("the other %(count)s") % {"count": number(others)}
    act = _("Do it now: %(act)s") % {"act": lower_first(acted(run.label, rest))} if others else ""
    return _typed(replace(asked, clashes=found, leaves_out=True, act=act), operation, others)


def _typed(asked: Ask, operation: type[BaseOperation] | None, count: int) -> Ask:
    """Return the form of an operation on `count` objects, where need be with their number to be typed."""
    return replace(asked, typed=count if operation is not None and must_type(operation, count) else None)


def _preparing(asked: Ask, run: Run, group: str) -> str:
    """Say what it means that the new run collects its objects itself; empty where it does not."""
    limit = prepare_above()
    if run.total is None or run.total <= limit:  # which spares the look at its objects
        return ""
    default = Run.Only.FAILED if group else Run.Only.ALL
    scopes = [scope.value for scope in asked.scopes] or [default]
    try:
        is_much = any(Earlier(run, scope, group).exceeds(limit) for scope in scopes)
    except InvalidParameters:  # with which nothing starts: the verb says so
        return ""
    return preparing(capfirst(noun(run, 2)), run.total) if is_much else ""


def _withdraw(run: Run, target: str) -> Ask:
    return Ask(
        Verb.WITHDRAW,
        heading=_("Leave “%(target)s” out of run %(run)s?") % {"target": target, "run": run.pk},
        consequence=_("It is free at once, and the run goes on with the others."),
        button=_("Leave out…"),
        act=_("Leave it out"),
        keep=_("Keep it in"),
    )


def _keep(run: Run) -> str:
    return _("Keep it running") if run.state in WORKING else _("Keep it")


def _freed(run: Run) -> str:
    if run.hold == Hold.NONE:
        return ""
    return capfirst(_("the %(noun)s are free again then.") % {"noun": noun(run, 2)})


def _join(*sentences: str) -> str:
    return " ".join(part for part in sentences if part)


_ASKS: dict[Verb, Callable[[Run, Progress], Ask]] = {
    Verb.CANCEL: _cancel,
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.START: _start,
    Verb.RETRY: retry,
}
