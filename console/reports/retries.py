"""What is left of an ended run, what its retries have taken up, and the words that offer to retry the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.models import Failure, Run
from console.operations.base import OnError
from console.operations.registry import known_operation
from console.reports.imports import is_import
from console.reports.verb_forms import Ask, Scope
from console.reports.words import number
from console.states import State, Verb

if TYPE_CHECKING:
    from console.engine.progress import Progress


def left(run: Run, progress: Progress) -> tuple[int, int | None]:
    """Return how many items failed, and how many are not done at all, less what linked retries have taken up.

    Not done is all but what took effect, or was left out on purpose; None where nobody knows how many there are.
    """
    taken = run.retries.aggregate(items=Sum("total"), whole=Count("pk", filter=~Q(only=Run.Only.FAILED)))
    if taken["whole"]:
        return 0, 0
    failed = max(0, progress.failed - (taken["items"] or 0))
    if progress.total is None or run.preparing:
        return failed, None
    held = run.failures.filter(kind=Failure.Kind.HELD).aggregate(items=Sum("items"))["items"] or 0
    return failed, max(0, progress.total - progress.done - progress.skipped + held - (taken["items"] or 0))


def retry(run: Run, progress: Progress) -> Ask:
    """Return the words that ask what of `run` to retry."""
    failed, undone = left(run, progress)
    button, scopes = _button(run, progress, failed, undone), _scopes(run, progress, failed, undone)
    return Ask(
        Verb.RETRY,
        heading=_heading(run, progress, undone),
        consequence=_("It makes a new run, linked to this one, which stays as it is."),
        button=button,
        act=_("Start the retry") if len(scopes) > 1 else button.rstrip("…"),
        keep=_("Retry nothing"),
        scopes=scopes,
        may_leave_out=True,
    )


def retry_group(run: Run, group: str) -> Ask:
    """Return the words that ask whether to retry the failures of one reason."""
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
        may_leave_out=True,
    )


def takers(run: Run) -> dict[str, Run]:
    """Return which run has taken up the failures of which group; that of the group "" took up all that was left."""
    whole, groups = "", dict[str, Run]()
    for retry in run.retries.select_related("content_type").order_by("pk"):
        groups.setdefault(retry.group if retry.only == Run.Only.FAILED else whole, retry)
    return groups


def _button(run: Run, progress: Progress, failed: int, undone: int | None) -> str:
    if undone is None:
        return _("Retry the rest…")
    if not undone:
        return _("Do everything again…")
    if run.state == State.CANCELLED:
        return _the_others(progress, undone) + "…"
    if failed == undone:
        return ngettext("Retry the %(count)s failed…", "Retry the %(count)s failed…", failed) % {
            "count": number(failed)
        }
    return ngettext("Retry the %(count)s not done…", "Retry the %(count)s not done…", undone) % {
        "count": number(undone)
    }


def _heading(run: Run, progress: Progress, undone: int | None) -> str:
    if run.state == State.CANCELLED and undone:
        return _("%(act)s of run %(run)s?") % {"act": _the_others(progress, undone), "run": run.pk}
    return _("Retry run %(run)s?") % {"run": run.pk}


def _the_others(progress: Progress, undone: int) -> str:
    told = _("Run the other %(count)s") if progress.done else _("Run all %(count)s")
    return told % {"count": number(undone)}


def _scopes(run: Run, progress: Progress, failed: int, undone: int | None) -> list[Scope]:
    scopes = []
    if undone != 0:
        label = _("what is not done (failed, left out because locked, or not reached)")
        if undone is not None:
            label = _("the %(count)s not done (failed, left out because locked, or not reached)")
        scopes.append(Scope(Run.Only.UNDONE, label % {"count": number(undone or 0)}, is_default=True))
    if failed and not _is_all_or_nothing(run):
        label = ngettext("only the %(count)s that failed", "only the %(count)s that failed", failed)
        scopes.append(Scope(Run.Only.FAILED, label % {"count": number(failed)}))
    if _may_repeat(run) and progress.done:
        label = ngettext(
            "everything again: %(count)s was already done and will be done a second time",
            "everything again: %(count)s were already done and will be done a second time",
            progress.done,
        )
        scopes.append(Scope(Run.Only.ALL, label % {"count": number(progress.done)}, is_default=not scopes))
    return scopes


def _is_all_or_nothing(run: Run) -> bool:
    """Tell whether what failed was undone with the rest, so that there is nothing to retry but the whole."""
    return run.on_error == OnError.STOP and is_import(run)


def _may_repeat(run: Run) -> bool:
    """Tell whether everything can be done again: not beside a retry of a part."""
    operation = known_operation(run.operation)
    return operation is not None and operation.repeatable and not run.retries.exists()
