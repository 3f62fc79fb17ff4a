"""The run's page: the same order in every state, each part drawn here and nowhere else."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from console.admin.access import RunModelAdmin, explained, only, open_run, verbs_open, whole_number
from console.admin.again import may_run_again
from console.admin.import_part import import_part
from console.admin.links import with_addresses
from console.admin.progress import poll_ms, progress_shown
from console.admin.results import results_of
from console.admin.run_buttons import buttons
from console.admin.run_objects import objects_part
from console.admin.schedule_origin import origin
from console.admin.sight import sight
from console.conf import settings
from console.engine.progress import Progress
from console.models import Attempt, Run
from console.operations.base import Hold
from console.operations.registry import known_operation
from console.reports import failures, imports
from console.reports.files import output_shown
from console.reports.headlines import headline, parameters
from console.reports.history import source_words
from console.reports.paging import capped
from console.reports.retries import takers
from console.reports.samples import KEPT, samples
from console.reports.sentences import no_longer_known, sentence
from console.reports.spreadsheets import HAS_XLSX
from console.reports.visibility import Sight
from console.reports.words import number, span
from console.states import State, Verb

ATTEMPTS_SHOWN = 50
EVENTS_SHOWN = 200
LINKS_SHOWN = 20


@explained
@only("GET")
def view(model_admin: RunModelAdmin, request: HttpRequest, run_id: int) -> HttpResponseBase:
    """Show the run."""
    site = model_admin.admin_site
    run = open_run(request, site, run_id)
    progress, verbs, seen = progress_shown(request, site, run), verbs_open(request, site, run), sight(request, site)
    whole = seen.sees_whole(run)
    context = {
        **site.each_context(request),
        "opts": model_admin.opts,
        "title": _("Run %(run)s: %(label)s, %(state)s")
        % {"run": run.pk, "label": run.label, "state": str(State(run.state).label).lower()},
        "run": run,
        "progress": progress,
        "headline": headline(run, whole=whole),
        "sentence": sentence(run, progress),
        "no_longer_known": no_longer_known(run),
        "poll_ms": poll_ms(run),
        "buttons": buttons(site, request, run, progress, verbs),
        "linked": _linked(run, seen),
        "schedule": origin(site, request, run),
        "output": output_shown(seen, run),
        "may_run_again": may_run_again(site, request, run),
        "is_whole": whole,
        "updated": timezone.now(),
        "failures_title": _failures_title(progress),
        **_failures(request, run, verbs, seen),
        "objects_count": capped(run.targets.all()),
        **objects_part(request, site, run, verbs),
        **_history(run, whole=whole),
        "samples": with_addresses(site, samples(run, seen)),
        "samples_are_cut": progress.done > KEPT,
        "parameters": parameters(run, whole=whole),
        "facts": _facts(run),
        **import_part(site, request, run, progress, verbs, seen),
    }
    return TemplateResponse(request, "admin/console/run/change_form.html", context)


def _linked(run: Run, seen: Sight) -> list[tuple[str, Run]]:
    """Return the runs that this one came from or led to, as far as the person may see them."""
    retries, repeats = (
        links.select_related("content_type").order_by("pk")[:LINKS_SHOWN] for links in (run.retries, run.repeats)
    )
    found = [
        (_("dry run"), run.preview_of),
        (_("retry of"), run.retry_of),
        (_("repeat of"), run.repeat_of),
        (_("started as"), getattr(run, "started_as", None)),
        *((_("retried by"), retry) for retry in retries),
        *((_("repeated by"), repeat) for repeat in repeats),
    ]
    opened = seen.seen(other for _words, other in found if other)
    return [(words, other) for words, other in found if other and other.pk in opened]


def _failures_title(progress: Progress) -> str:
    """Return what the list of items that were not done is called: some are there because they were left out."""
    if not progress.skipped:
        return _("Failures")
    return _("Failures and what was left out") if progress.failed else _("Left out")


def _failures(request: HttpRequest, run: Run, verbs: list[Verb], seen: Sight) -> dict[str, Any]:
    chosen = request.GET.get("group", "")
    after = whole_number(request.GET.get("after"))
    rows, following = failures.page(run, chosen, after, seen) if chosen else ([], None)
    groups, taken = [] if chosen else failures.groups(run, seen), takers(run)
    opened = seen.seen(taken.values())
    for group in groups:
        taker = taken.get(group.fingerprint) or taken.get("")
        group.is_retried = taker is not None
        group.retried_by = taker if taker and taker.pk in opened else None
    return {
        "groups": groups,
        "group": chosen,
        "group_rows": rows,
        "group_next": following,
        "failed_rows": capped(run.failures.all()),
        "are_rows": failures.are_rows(run),
        "contact": settings.contact,
        "may_retry": Verb.RETRY in verbs,
        "has_xlsx": HAS_XLSX,
    }


def _history(run: Run, *, whole: bool) -> dict[str, Any]:
    attempts = list(Attempt.objects.filter(run=run).order_by("-pk")[:ATTEMPTS_SHOWN])
    if not whole:
        for attempt in attempts:  # what went wrong may quote hidden objects
            attempt.error = attempt.traceback = ""
    results = results_of(attempt.task_id for attempt in attempts)
    well = {Attempt.Outcome.YIELDED, Attempt.Outcome.DONE, Attempt.Outcome.PARKED, None}
    return {
        "attempts": [(attempt, results.get(attempt.task_id)) for attempt in attempts],
        "attempts_are_well": all(attempt.outcome in well for attempt in attempts),
        "attempts_count": capped(run.attempts.all()),
        "events": list(reversed(run.events.select_related("by").order_by("-pk")[:EVENTS_SHOWN])),
        "events_count": capped(run.events.all()),
    }


def _facts(run: Run) -> list[tuple[str, Any]]:
    """Return the details for those who look closer; the operation's name last, for developers."""
    facts = [
        (_("Queue"), run.queue),
        (_("Priority"), run.priority),
        (_("Hold"), Hold(run.hold).label),
        (_("Retries"), _policy(run)),
        (_("A failing item"), _("stops the run") if run.on_error == "stop" else _("is reported, the run goes on")),
        (_("Failures allowed"), run.max_failures),
        (_("Items a second"), run.pace),
        (_("Rows are written"), imports.path_sentence(run) if imports.is_import(run) else ""),
        (_("Retry takes up"), Run.Only(run.only).label if run.only else ""),
        (_("Asked through"), source_words(run.source)),
        (_("Key"), run.key),
        (_("Operation"), run.operation),
    ]
    return [(name, value) for name, value in facts if value not in (None, "")]


def _policy(run: Run) -> str:
    """Return how often and how soon outside trouble is tried again, as the code says today."""
    operation = known_operation(run.operation)
    if operation is None:
        return ""
    policy = operation.retry
    return _("%(tries)s tries in all, at most %(base)s apart at first, then up to %(cap)s") % {
        "tries": number(policy.tries),
        "base": span(policy.base),
        "cap": span(policy.cap),
    }
