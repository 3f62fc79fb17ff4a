"""The one sentence that says how a run stands: the same on its page, in its JSON and in the shell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.conf import settings
from console.models import Event, Run
from console.operations.base import Hold
from console.operations.registry import is_registered
from console.reports import imports
from console.reports.chips import SILENT_AFTER
from console.reports.leftovers import kept, left_out
from console.reports.retries import left
from console.reports.waiting import is_served, queued
from console.reports.words import ago, clock, countdown, counted, noun, number, person, span
from console.states import State, Verb

if TYPE_CHECKING:
    from console.engine.progress import Progress

USUAL = 30  # seconds in which a worker stops; later the page says how long it has not answered
STALE = timedelta(hours=1)  # after which a dry run's findings may no longer hold


def sentence(run: Run, progress: Progress) -> str:
    """Return the sentence of `run`'s state.

    Args:
        run: The run, just read.
        progress: Its progress, read in the same request.
    """
    if imports.is_import(run) and (told := imports.sentence(run, progress)):
        return told
    if run.preparing and run.state in {State.QUEUED, State.RUNNING}:
        return _preparing(run, progress)
    return _SENTENCES[State(run.state)](run, progress)


def tally(run: Run, progress: Progress) -> str:
    """Return the numbers beside the bar: “50 of 120 · 42 % · 3 failed · 1 skipped”."""
    if progress.total is None:
        parts = [number(progress.processed)] if progress.processed or not run.preparing else [_("preparing")]
    else:
        parts = [
            _("%(reached)s of %(total)s") % {"reached": number(progress.processed), "total": number(progress.total)}
        ]
    if progress.percent is not None and run.is_active:
        parts.append(_("%(percent)s %%") % {"percent": progress.percent})
    if progress.failed:
        parts.append(
            ngettext("%(count)s failed", "%(count)s failed", progress.failed) % {"count": number(progress.failed)}
        )
    if progress.skipped:
        parts.append(
            ngettext("%(count)s skipped", "%(count)s skipped", progress.skipped) % {"count": number(progress.skipped)}
        )
    return " · ".join(parts)


def _preparing(run: Run, progress: Progress) -> str:
    told = _("Collecting the %(noun)s: %(count)s so far.")
    if run.hold != Hold.NONE:
        told = _(
            "Collecting and locking the %(noun)s: %(count)s so far. Until this is done others can still change them."
        )
    told %= {"noun": noun(run, 2), "count": number(progress.collected)}
    return _join(told, _quiet(run, progress))


def _running(run: Run, progress: Progress) -> str:
    if quiet := _quiet(run, progress):
        return quiet
    if progress.rate:
        return _("Working at %(rate)s a second.") % {"rate": number(progress.rate)}
    return _("Working.")


def _quiet(run: Run, progress: Progress) -> str:
    """Say that the worker gives no sign, and until when that can last; empty where it does, or nobody is at it."""
    if progress.quiet is None or progress.lease_until is None:
        return ""
    left = (progress.lease_until - timezone.now()).total_seconds()
    if progress.quiet < SILENT_AFTER and left > 0:
        told = _("No sign of its worker for %(time)s.") % {"time": span(progress.quiet)}
        other = _("If it has died, another can take over in %(time)s at the latest.") % {"time": span(ceil(left))}
        return _join(told, other)
    told = _("No progress for %(time)s.") % {"time": span(progress.quiet)}
    if left > 0:
        other = _("If the worker has died, another takes over at %(clock)s.") % {"clock": clock(progress.lease_until)}
        return _join(told, other)
    if is_served(run.queue):
        return _join(told, _("The worker has died; another takes over as soon as it is free. What was done is kept."))
    away = _(
        "No worker serves the queue “%(queue)s” now; it goes on by itself when one is back. What was done is kept."
    )
    return _join(told, away % {"queue": run.queue})


def _waiting(run: Run, progress: Progress) -> str:
    error = _as_sentence(progress.error or run.why)
    counted_tries = _("Try %(next)s of %(tries)s") % {
        "next": min(progress.attempt + 1, progress.tries),
        "tries": progress.tries,
    }
    left = (progress.next_attempt_at - timezone.now()).total_seconds() if progress.next_attempt_at else 0
    if progress.next_attempt_at is None or left <= 0:
        return _join(error, _("%(try)s: trying now.") % {"try": counted_tries}, _("What was done is kept."))
    when = _("%(try)s in %(countdown)s, at %(clock)s.") % {
        "try": counted_tries,
        "countdown": countdown(left),
        "clock": clock(progress.next_attempt_at),
    }
    return _join(error, when, _("What was done is kept."))


def _pausing(run: Run, progress: Progress) -> str:
    return _stopping(run, progress, _("it pauses at the latest when its lease ends at %(clock)s"))


def _cancelling(run: Run, progress: Progress) -> str:
    stops = _stopping(run, progress, _("it stops at the latest when its lease ends at %(clock)s"))
    return _join(stops, _("What is done stays."))


def _stopping(run: Run, progress: Progress, latest: str) -> str:
    """Say when a run stops that was asked to; for a worker that does not answer, until when that can last."""
    late = _late(run)
    if not late:
        return _("Stops after the items in hand, usually within a second.")
    unanswered = _("The worker has not answered for %(time)s") % {"time": span(late)}
    if progress.lease_until and progress.lease_until > timezone.now():
        return f"{unanswered}; {latest % {'clock': clock(progress.lease_until)}}."
    return f"{unanswered}; {_('it stops as soon as the scheduler or another worker looks at it')}."


def _paused(run: Run, progress: Progress) -> str:
    told = _by(run, Verb.PAUSE, _("Paused by %(who)s at %(time)s"), _("Paused"))
    until = clock(run.changed_at + timedelta(seconds=settings.paused_max), seconds=False)
    if run.hold == Hold.NONE:
        return _join(told, _("It waits until you resume or cancel, at the latest until %(date)s.") % {"date": until})
    held = run.targets.filter(withdrawn=False).count()
    stay = ngettext(
        "%(objects)s stays locked until you resume or cancel, at the latest until %(date)s.",
        "%(objects)s stay locked until you resume or cancel, at the latest until %(date)s.",
        held,
    ) % {"objects": counted(run, held), "date": until}
    return _join(told, stay)


def _cancelled(run: Run, progress: Progress) -> str:
    told = _by(run, Verb.CANCEL, _("Cancelled by %(who)s at %(time)s"), _("Cancelled"))
    is_retried = run.retries.exists()
    return _join(told, kept(run, progress), _free(run), _taken_up(run) if is_retried else "")


def _failed(run: Run, progress: Progress) -> str:
    why = _as_sentence(run.why or progress.error)
    if not progress.done:
        return _join(_("Nothing was changed."), why, _free(run))
    if run.dry_run:
        return _join(_("Nothing was changed."), _("The check stopped before the end."), why)
    cure = _("Mend the cause, then retry the rest.") if left(run, progress)[1] != 0 else _taken_up(run)
    return _join(why or _("Stopped."), kept(run, progress), cure)


def _succeeded(run: Run, progress: Progress) -> str:
    if run.dry_run:
        return _checked(run, progress)
    others = left_out(progress)
    if progress.failed:
        told = _("%(done)s done, %(failed)s failed.") % {
            "done": number(progress.done),
            "failed": number(progress.failed),
        }
        return _join(told, others, _cure(run, progress))
    if others:
        return _join(_("%(done)s done.") % {"done": number(progress.done)}, others, _free(run))
    told = _("All %(done)s done") if progress.done > 1 else _("%(done)s done")
    told %= {"done": number(progress.done)}
    took = _(" in %(time)s.") % {"time": span(run.took.total_seconds())} if run.took else "."
    return _join(told + took, _free(run))


def _cure(run: Run, progress: Progress) -> str:
    """Say how to come by what failed: by a retry, or by those that have taken it up."""
    failed, _undone = left(run, progress)
    if not failed:
        return _taken_up(run)
    return ngettext(
        "See why below; mend the cause, then retry just that %(count)s.",
        "See why below; mend the cause, then retry just those %(count)s.",
        failed,
    ) % {"count": number(failed)}


def _taken_up(run: Run) -> str:
    """Say which runs have taken up what this one has not done."""
    runs = [str(pk) for pk in run.retries.order_by("pk").values_list("pk", flat=True)]
    return ngettext(
        "Run %(runs)s has taken them up.",
        "Runs %(runs)s have taken them up.",
        len(runs),
    ) % {"runs": get_text_list(runs, _("and"))}


def _checked(run: Run, progress: Progress) -> str:
    would = _("Nothing was changed. %(done)s would be done") % {"done": number(progress.done)}
    if progress.failed:
        would += _(", %(count)s would fail") % {"count": number(progress.failed)}
    if progress.skipped:
        would += _(", %(count)s would be left out") % {"count": number(progress.skipped)}
    if run.ended_at and timezone.now() - run.ended_at > STALE:
        checked = ago(run.ended_at) or clock(run.ended_at, seconds=False)
        stale = _("Checked %(ago)s; the %(noun)s may have changed since.") % {"ago": checked, "noun": noun(run, 2)}
        return _join(would + ".", stale)
    return would + "."


def _free(run: Run) -> str:
    if run.hold == Hold.NONE or run.dry_run:
        return ""
    return _("The %(noun)s are free again.") % {"noun": noun(run, 2)}


def _by(run: Run, verb: Verb, named: str, unnamed: str) -> str:
    """Say who asked for the state, when, and why; from the history, where the run's own reason may be newer."""
    event = Event.objects.filter(run=run, what=verb).select_related("by").order_by("-id").first()
    if event is None:
        return _join(f"{unnamed}.", _as_sentence(run.why))
    told = named % {"who": person(event.by), "time": clock(event.at, seconds=False)}
    return f"{told}: “{event.reason}”." if event.reason else f"{told}."


def _late(run: Run) -> int | None:
    passed = int((timezone.now() - run.changed_at).total_seconds())
    return passed if passed >= USUAL else None


def _as_sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?…”" else f"{text}."


def _join(*sentences: str) -> str:
    return " ".join(part for part in sentences if part)


def no_longer_known(run: Run) -> str:
    """Return the sentence for a run whose operation the code no longer has, or nothing."""
    if is_registered(run.operation):
        return ""
    return _("This operation is no longer part of the site; it cannot be run again.")


_SENTENCES: dict[State, Callable[[Run, Progress], str]] = {
    State.QUEUED: queued,
    State.RUNNING: _running,
    State.WAITING: _waiting,
    State.PAUSING: _pausing,
    State.PAUSED: _paused,
    State.CANCELLING: _cancelling,
    State.SUCCEEDED: _succeeded,
    State.FAILED: _failed,
    State.CANCELLED: _cancelled,
}
