"""The states of a run, the one table of lawful transitions, and the verbs lawful in each state.

Leaf: buttons, permissions, documentation and the engine are drawn from here, and nobody else compares states.
"""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class State(TextChoices):
    """Where a run stands."""

    QUEUED = "queued", pgettext_lazy("state", "Queued")
    RUNNING = "running", pgettext_lazy("state", "Running")
    WAITING = "waiting", pgettext_lazy("state", "Waiting to retry")
    PAUSING = "pausing", pgettext_lazy("state", "Pausing")
    PAUSED = "paused", pgettext_lazy("state", "Paused")
    CANCELLING = "cancelling", pgettext_lazy("state", "Cancelling")
    SUCCEEDED = "succeeded", pgettext_lazy("state", "Succeeded")
    FAILED = "failed", pgettext_lazy("state", "Failed")
    CANCELLED = "cancelled", pgettext_lazy("state", "Cancelled")


MEANINGS = {
    State.QUEUED: _("accepted; a worker will start it"),
    State.RUNNING: _("a worker is at it"),
    State.WAITING: _("something outside failed; tries again by itself"),
    State.PAUSING: _("stops at the next checkpoint"),
    State.PAUSED: _("stopped until resumed; objects stay locked"),
    State.CANCELLING: _("stops at the next checkpoint; what was done stays"),
    State.SUCCEEDED: _("all items done"),
    State.FAILED: _("stopped before the end; items not reached are listed"),
    State.CANCELLED: _("stopped; what was done stays"),
}

ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})
ACTIVE = frozenset(State) - ENDED
CLAIMABLE = frozenset({State.QUEUED, State.WAITING, State.RUNNING})
STOPPING = frozenset({State.PAUSING, State.CANCELLING})
WORKING = frozenset({State.RUNNING, State.PAUSING, State.CANCELLING})

# (from, to): the causes of the arrow. Ended states have no arrows out: retry, undo and “do it now” are new runs.
TRANSITIONS: dict[tuple[State, State], str] = {
    (State.QUEUED, State.RUNNING): "claim",
    (State.QUEUED, State.PAUSED): "pause; nobody works on it",
    (State.QUEUED, State.CANCELLED): "cancel; nobody works on it",
    (State.WAITING, State.RUNNING): "claim",
    (State.WAITING, State.QUEUED): "resume (retry now)",
    (State.WAITING, State.PAUSED): "pause; nobody works on it",
    (State.WAITING, State.CANCELLED): "cancel; nobody works on it",
    (State.RUNNING, State.QUEUED): "every open partition refused or paced, none leased",
    (State.RUNNING, State.WAITING): "every open partition backs off",
    (State.RUNNING, State.PAUSING): "pause; a worker is at it",
    (State.RUNNING, State.PAUSED): "pause; nobody works on it",
    (State.RUNNING, State.CANCELLING): "cancel, or stop on an error; a worker is at it",
    (State.RUNNING, State.CANCELLED): "cancel; nobody works on it",
    (State.RUNNING, State.SUCCEEDED): "the last open partition is done",
    (State.RUNNING, State.FAILED): "the last open partition ended, and one of them failed",
    (State.PAUSING, State.PAUSED): "the last leased partition parked",
    (State.PAUSING, State.RUNNING): "resume",
    (State.PAUSING, State.CANCELLING): "cancel, or stop on an error; a worker is at it",
    (State.PAUSING, State.CANCELLED): "cancel; nobody works on it",
    (State.PAUSING, State.SUCCEEDED): "the last open partition is done",
    (State.PAUSING, State.FAILED): "the last open partition ended, and one of them failed",
    (State.PAUSED, State.QUEUED): "resume",
    (State.PAUSED, State.CANCELLED): "cancel, or the longest pause is over",
    (State.CANCELLING, State.CANCELLED): "the last leased partition obeyed, finished, erred or lapsed",
    (State.CANCELLING, State.FAILED): "the same, where the cause was an error that stops the run",
}


class Verb(TextChoices):
    """What a person, a schedule or code can ask of a run. ``undo`` is reserved until it is built."""

    START = "start", pgettext_lazy("verb", "Do it now")
    CANCEL = "cancel", pgettext_lazy("verb", "Cancel")
    PAUSE = "pause", pgettext_lazy("verb", "Pause")
    RESUME = "resume", pgettext_lazy("verb", "Resume")
    RETRY = "retry", pgettext_lazy("verb", "Retry")
    WITHDRAW = "withdraw", pgettext_lazy("verb", "Leave out")


# The main verb of each state comes first: the page draws its buttons in this order.
VERBS: dict[State, tuple[Verb, ...]] = {
    State.QUEUED: (Verb.CANCEL, Verb.PAUSE, Verb.WITHDRAW),
    State.RUNNING: (Verb.PAUSE, Verb.CANCEL, Verb.WITHDRAW),
    State.WAITING: (Verb.RESUME, Verb.CANCEL, Verb.PAUSE, Verb.WITHDRAW),
    State.PAUSING: (Verb.RESUME, Verb.CANCEL, Verb.WITHDRAW),
    State.PAUSED: (Verb.RESUME, Verb.CANCEL, Verb.WITHDRAW),
    State.CANCELLING: (),
    State.SUCCEEDED: (Verb.START, Verb.RETRY),
    State.FAILED: (Verb.RETRY,),
    State.CANCELLED: (Verb.RETRY,),
}


def is_lawful(old: State, new: State) -> bool:
    """Tell whether a run may go from `old` to `new`."""
    return (old, new) in TRANSITIONS


def may(verb: Verb, state: str, *, dry_run: bool, preparing: bool = False, has_targets: bool = True) -> bool:
    """Tell whether `verb` is lawful for a run in `state`.

    Args:
        verb: The verb asked for.
        state: The state the run is in.
        dry_run: Whether the run is a dry run: only a succeeded one can be started, and none is retried.
        preparing: Whether the run still collects its targets: it can be cancelled, not paused.
        has_targets: Whether the run works on objects, of which one could be left out.
    """
    if verb not in VERBS[State(state)]:
        return False
    if verb == Verb.START:
        return dry_run
    if verb == Verb.RETRY:
        return not dry_run
    if verb == Verb.WITHDRAW:
        return has_targets and not preparing
    return not (verb == Verb.PAUSE and preparing)
