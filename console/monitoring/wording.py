"""The words of every finding: what is the matter, what comes of it, what to do, and what it was seen by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.reports.words import number, span

Facts = dict[str, Any]


class Words(NamedTuple):
    """What a finding says in the reader's language; `command` is the one to copy."""

    what: str
    consequence: str
    cure: str
    evidence: str = ""
    command: str = ""


def _database(facts: Facts) -> Words:
    return Words(
        _("The database does not answer."),
        _("Nothing can be accepted or carried out; what was accepted goes on when it is back."),
        _("Start the database, and check DATABASES."),
        facts["error"],
    )


def _migrations(facts: Facts) -> Words:
    return Words(
        _("The database lacks migrations of the console."),
        _("Pages and workers fail as soon as they meet a table that is not there."),
        _("Bring the tables up to date."),
        facts["missing"],
        "python manage.py migrate",
    )


def _setting(facts: Facts) -> Words:
    return Words(
        facts["message"],
        _("A setting or an operation breaks a promise of the console."),
        facts["hint"] or _("Change it, and start the processes anew."),
        facts["id"],
    )


def _unwatched(facts: Facts) -> Words:
    return Words(
        _("No scheduler and no worker gives a sign of life."),
        _("What staff ask for is accepted and safe; it waits until they are back. Nobody looks for other troubles."),
        _("Start the scheduler and the workers."),
        command="celery -A <project> beat",
    )


def _clock(facts: Facts) -> Words:
    drift = {"time": span(abs(facts["drift"])), "name": facts["about"]}
    what = _("This machine's clock differs from the database's by %(time)s.")
    if facts["about"]:
        what = _("The clock of %(name)s differs from the database's by %(time)s.")
    return Words(
        what % drift,
        _("Leases are safe, for they use the database's clock; times on pages and in logs mislead."),
        _("Keep both clocks by NTP."),
        command="timedatectl set-ntp true",
    )


def _broker(facts: Facts) -> Words:
    return Words(
        _("The broker does not answer."),
        _("What staff ask for is accepted and safe, and starts when the broker is back."),
        _("Start the broker, and check CELERY_BROKER_URL."),
        _("asked for the length of the queue “%(queue)s”") % {"queue": facts["queue"]},
    )


def _deep(facts: Facts) -> Words:
    told = {"count": number(facts["depth"]), "queue": facts["about"]}
    return Words(
        _("%(count)s messages wait in the queue “%(queue)s”.") % told,
        _("New work waits behind them."),
        _("Start more workers for it."),
        command=_serve(facts["about"]),
    )


def _slow(facts: Facts) -> Words:
    told = {"queue": facts["about"], "time": span(facts["latency"])}
    return Words(
        _("A message takes %(time)s through the queue “%(queue)s”.") % told,
        _("New work starts that much later."),
        _("Start more workers for it, or let fewer runs work at once."),
        _("a probe was sent through the queue"),
        _serve(facts["about"]),
    )


def _unserved(facts: Facts) -> Words:
    runs = facts["runs"]
    waiting = ngettext(
        "%(count)s run waits; it starts by itself when a worker is back.",
        "%(count)s runs wait; they start by themselves when a worker is back.",
        runs,
    ) % {"count": number(runs)}
    return Words(
        _("No worker serves the queue “%(queue)s”.") % {"queue": facts["about"]},
        waiting if runs else _("What staff start there will wait."),
        _("Start a worker for it."),
        command=f"{_serve(facts['about'])} -n {facts['about']}@%h",
    )


def _unbalanced(facts: Facts) -> Words:
    told = {"queue": facts["about"], "idle": ", ".join(facts["idle"])}
    return Words(
        _("Runs wait in the queue “%(queue)s” while workers of other queues have nothing to do.") % told,
        _("Work takes longer than it need."),
        _("Start more workers for it, or let the idle ones serve it too."),
        _("idle: %(idle)s") % told,
        _serve(facts["about"]),
    )


def _pool(facts: Facts) -> Words:
    return Words(
        _("The worker %(name)s runs a %(pool)s pool.") % {"name": facts["about"], "pool": facts["pool"]},
        _("Soft time limits need prefork: an item that hangs blocks the worker."),
        _("Start it without -P."),
    )


def _version(facts: Facts) -> Words:
    told = {"name": facts["about"], "theirs": facts["theirs"], "ours": facts["ours"]}
    return Words(
        _("The worker %(name)s runs version %(theirs)s of the console; here it is %(ours)s.") % told,
        _("It may not know the newest operations; their runs try again until it is replaced."),
        _("Restart it with the current code."),
    )


def _aimless(facts: Facts) -> Words:
    return Words(
        _("The worker %(name)s serves no queue.") % {"name": facts["about"]},
        _("It is alive and does nothing."),
        _("Give it a queue again, or start it anew with -Q."),
    )


def _no_scheduler(facts: Facts) -> Words:
    return Words(
        _("No scheduler process is alive."),
        _("Running work goes on. Retries and lost messages wait for a worker's own look; nothing starts by the clock."),
        _("Start the scheduler."),
        command="celery -A <project> beat",
    )


def _schedulers(facts: Facts) -> Words:
    return Words(
        _("%(count)s scheduler processes are alive.") % {"count": number(len(facts["names"]))},
        _("Work of the console still starts once; tasks of other apps start once for each of them."),
        _("Stop all but one."),
        ", ".join(facts["names"]),
    )


def _silent(facts: Facts) -> Words:
    silence = (timezone.now() - facts["since"]).total_seconds() if facts["since"] else 0
    return Words(
        _("%(name)s gives no sign of life.") % {"name": facts["about"]},
        _("It was killed, hangs, or cannot reach the database. Its work is taken over when its leases end."),
        _("Look at its log, and restart it. After an hour it is forgotten."),
        _("last sign %(time)s ago") % {"time": span(max(0, silence))},
    )


def _overdue(facts: Facts) -> Words:
    count = facts["count"]
    told = ngettext(
        "%(count)s wake-up is overdue: nobody sends what is owed.",
        "%(count)s wake-ups are overdue: nobody sends what is owed.",
        count,
    )
    return Words(
        told % {"count": number(count)},
        _("Runs do not start, retry or recover."),
        _("Start the scheduler, or send what is owed at once by hand."),
        command="python manage.py console sweep",
    )


def _late_schedules(facts: Facts) -> Words:
    count = facts["count"]
    told = ngettext("%(count)s schedule is overdue.", "%(count)s schedules are overdue.", count)
    return Words(
        told % {"count": number(count)},
        _("The runs have not started; they start as soon as the scheduler is back."),
        _("Start the scheduler, and look at its log."),
        ", ".join(facts["names"]),
        "celery -A <project> beat",
    )


def _stranded(facts: Facts) -> Words:
    return Words(
        _("Active runs have no open partition."),
        _("They hold their objects until the next sweep ends them."),
        _("Have them ended at once."),
        ", ".join(str(run) for run in facts["runs"]),
        "python manage.py console sweep",
    )


def _unknown(facts: Facts) -> Words:
    return Words(
        _("Active runs ask for “%(name)s”, which this code does not know.") % {"name": facts["about"]},
        _("They try again until their tries are used up, then fail."),
        _("Deploy the code that has the operation, or cancel the runs."),
    )


def _disk(facts: Facts) -> Words:
    told = {"percent": round(facts["free"] * 100), "folder": facts["about"]}
    return Words(
        _("The disk of %(folder)s has %(percent)s %% left.") % told,
        _("When it is full, uploads and exports fail, and a database on it stops."),
        _("Delete what is not needed, or give it more room."),
        command=f"df -h {facts['about']}",
    )


def _serve(queue: str) -> str:
    return f"celery -A <project> worker -Q {queue}"


WORDING: dict[str, Callable[[Facts], Words]] = {
    "database": _database,
    "migrations": _migrations,
    "setting": _setting,
    "unwatched": _unwatched,
    "clock": _clock,
    "broker": _broker,
    "deep queue": _deep,
    "slow queue": _slow,
    "unserved queue": _unserved,
    "unbalanced queues": _unbalanced,
    "pool": _pool,
    "version": _version,
    "aimless worker": _aimless,
    "no scheduler": _no_scheduler,
    "schedulers": _schedulers,
    "silent process": _silent,
    "overdue wake-ups": _overdue,
    "overdue schedules": _late_schedules,
    "stranded runs": _stranded,
    "unknown operation": _unknown,
    "disk": _disk,
}
