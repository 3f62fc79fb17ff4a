"""What a verb asks before it acts: a heading, its consequence, and buttons that say what they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from django.db.models import Q, Sum
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.engine.holds import would_clash
from console.models import Failure, Run
from console.operations.base import Hold
from console.operations.registry import known_operation
from console.reports.headlines import subject
from console.reports.words import noun, number
from console.states import State, Verb

if TYPE_CHECKING:
    from console.engine.progress import Progress


@dataclass(frozen=True)
class Scope:
    """One choice of what a retry takes up."""

    value: str
    label: str
    is_default: bool = False


@dataclass(frozen=True)
class Ask:
    """The words of one verb's form.

    `button` opens the form, `act` on it does the verb, `keep` leaves everything as it is. Where `at_once` is set
    nothing needs to be asked, and the button acts. `may_leave_out` offers to leave objects out that other runs hold.
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
    may_leave_out: bool = False
    leaves_out: bool = False
    error: str = ""
    reason: str = ""

    def again(self, error: str, *, only: str, reason: str) -> Ask:
        """Return the form as it comes back: with all that was typed, and the way round the held objects chosen."""
        scopes = [replace(scope, is_default=scope.value == only) for scope in self.scopes]
        scopes = scopes if any(scope.is_default for scope in scopes) else self.scopes
        return replace(self, error=error, reason=reason, scopes=scopes, may_leave_out=True, leaves_out=True)


def ask(verb: Verb, run: Run, progress: Progress, *, group: str = "", target: str = "") -> Ask:
    """Return what `verb` asks about `run`.

    Args:
        verb: The verb.
        run: The run.
        progress: Its progress.
        group: For a retry: the failure group it is limited to.
        target: For a withdrawal: the object's name.
    """
    if verb == Verb.WITHDRAW:
        return _withdraw(run, target)
    if verb == Verb.RETRY and group:
        return _retry_group(run, group)
    return _ASKS[verb](run, progress)


def _cancel(run: Run, progress: Progress) -> Ask:
    if progress.total is None or not progress.done:
        what = _("Nothing has been changed yet, and nothing will be.")
    else:
        what = _("It stops after the items in hand. What is done stays: %(done)s of %(total)s so far.") % {
            "done": number(progress.done),
            "total": number(progress.total),
        }
    return Ask(
        Verb.CANCEL,
        heading=_("Cancel run %(run)s?") % {"run": run.pk},
        consequence=" ".join(part for part in (what, _freed(run)) if part),
        button=_("Cancel…"),
        act=_("Cancel the run"),
        keep=_("Keep it running"),
        danger=True,
    )


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
        keep=_("Keep it running"),
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
    act = f"{run.label}: {subject(run)}".rstrip(": ")
    return Ask(
        Verb.START,
        heading=_("%(act)s – do it now?") % {"act": act},
        consequence=_(
            "So far nothing was changed. This makes a real run on the same objects with the same parameters; "
            "the objects are read and checked anew."
        ),
        button=_("Do it now…"),
        act=_("Do it now: %(act)s") % {"act": act},
        keep=_("Change nothing"),
    )


def _retry(run: Run, progress: Progress) -> Ask:
    failed, undone = _left(run, progress)
    button, scopes = _retry_button(failed, undone), _scopes(run, progress, failed, undone)
    return Ask(
        Verb.RETRY,
        heading=_("Retry run %(run)s?") % {"run": run.pk},
        consequence=_("It makes a new run, linked to this one, which stays as it is."),
        button=button,
        act=_("Start the retry") if len(scopes) > 1 else button.rstrip("…"),
        keep=_("Retry nothing"),
        scopes=scopes,
        may_leave_out=_may_clash(run),
    )


def _retry_button(failed: int, undone: int) -> str:
    if failed and failed == undone:
        return ngettext("Retry the %(count)s failed…", "Retry the %(count)s failed…", failed) % {
            "count": number(failed)
        }
    if undone:
        return ngettext("Retry the %(count)s not done…", "Retry the %(count)s not done…", undone) % {
            "count": number(undone)
        }
    return _("Run again…")


def _scopes(run: Run, progress: Progress, failed: int, undone: int) -> list[Scope]:
    scopes = []
    if undone:
        label = _("what is not done: %(count)s (failed, left out because locked, or not reached)")
        scopes.append(Scope(Run.Only.UNDONE, label % {"count": number(undone)}, is_default=True))
    if failed:
        label = _("only what failed: %(count)s")
        scopes.append(Scope(Run.Only.FAILED, label % {"count": number(failed)}))
    if _may_repeat(run) and progress.done:
        label = _("everything again: %(count)s are already done and will be done a second time")
        scopes.append(Scope(Run.Only.ALL, label % {"count": number(progress.done)}, is_default=not scopes))
    return scopes


def _retry_group(run: Run, group: str) -> Ask:
    failures = run.failures.filter(group=group)
    count = failures.aggregate(items=Sum("items"))["items"] or 0
    first = failures.order_by("pk").first()
    items = ngettext("%(count)s item", "%(count)s items", count) % {"count": number(count)}
    return Ask(
        Verb.RETRY,
        heading=_("Retry the %(items)s that failed for this reason?") % {"items": items},
        consequence=f"“{first.reason}”" if first else "",
        button=_("Retry these %(count)s…") % {"count": number(count)},
        act=_("Retry the %(items)s") % {"items": items},
        keep=_("Retry nothing"),
        may_leave_out=_may_clash(run),
    )


def _withdraw(run: Run, target: str) -> Ask:
    return Ask(
        Verb.WITHDRAW,
        heading=_("Leave “%(target)s” out of run %(run)s?") % {"target": target, "run": run.pk},
        consequence=_("It is free at once, and the run goes on with the others."),
        button=_("Leave out…"),
        act=_("Leave it out"),
        keep=_("Keep it in"),
    )


def _left(run: Run, progress: Progress) -> tuple[int, int]:
    """Return how many items failed, and how many are not done at all, less what linked retries have taken up.

    Not done is all but what took effect, or was left out on purpose.
    """
    taken = run.retries.aggregate(items=Sum("total"), failed=Sum("total", filter=Q(only=Run.Only.FAILED)))
    failed = max(0, progress.failed - (taken["failed"] or 0))
    if progress.total is None:
        return failed, failed
    held = run.failures.filter(kind=Failure.Kind.HELD).aggregate(items=Sum("items"))["items"] or 0
    return failed, max(0, progress.total - progress.done - progress.skipped + held - (taken["items"] or 0))


def _may_repeat(run: Run) -> bool:
    """Tell whether everything can be done again: not beside a retry of a part."""
    operation = known_operation(run.operation)
    return operation is not None and operation.repeatable and not run.retries.exists()


def _may_clash(run: Run) -> bool:
    operation = known_operation(run.operation)
    return operation is not None and would_clash(run, operation)


def _freed(run: Run) -> str:
    if run.hold == Hold.NONE:
        return ""
    return capfirst(_("the %(noun)s are free again then.") % {"noun": noun(run, 2)})


_ASKS: dict[Verb, Callable[[Run, Progress], Ask]] = {
    Verb.CANCEL: _cancel,
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.START: _start,
    Verb.RETRY: _retry,
}
