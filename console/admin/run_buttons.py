"""The buttons of a run's page, the main one first: the verbs that are lawful now, and what else can be done with it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.admin.again import may_run_again
from console.admin.links import list_url, run_url, runs_url
from console.engine.progress import Progress
from console.models import Run
from console.reports.asks import NEW_RUNS, ask
from console.reports.attention import needs_attention
from console.reports.imports import is_import
from console.reports.verb_forms import Ask
from console.reports.words import number
from console.states import State, Verb

LARGE = 5_000  # items; above, the holds of other runs are looked for when somebody asks, not with each look at the run


@dataclass(frozen=True)
class Button:
    """One button: its words and its address.

    With `ask` it opens that form in a dialog, unless there is more to see on the page of the form; with `acts` it posts;
    else it is a link.
    """

    text: str
    address: str
    ask: Ask | None = None
    acts: bool = False

    @property
    def opens_dialog(self) -> bool:
        """Whether the form is short enough to be asked in place: a table of held objects has its own page."""
        return self.ask is not None and not self.acts and self.ask.clashes is None


def buttons(site: AdminSite, request: HttpRequest, run: Run, progress: Progress, verbs: list[Verb]) -> list[Button]:
    """Return the buttons of the run's page; the first is the main one."""
    own = [button for verb in verbs if (button := _verb(site, run, progress, verb))]
    if run.is_active:
        return own
    again = _again(site, request, run)
    if run.state == State.FAILED and not progress.done:
        own = [*again, *own]
        again = []
    return [*own, *_download(site, run, progress), *again, *_dealt_with(site, request, run), *_back(site, run)]


def _verb(site: AdminSite, run: Run, progress: Progress, verb: Verb) -> Button | None:
    if verb == Verb.WITHDRAW or (is_import(run) and (verb == Verb.START or (verb == Verb.RETRY and progress.failed))):
        return None  # asked of one object, in the list of them; asked with the preview, or with the report
    has_own_page = verb in NEW_RUNS and (progress.total or 0) > LARGE
    words = ask(verb, run, progress, with_holds=not has_own_page)
    if verb == Verb.RETRY and all(scope.value == Run.Only.ALL for scope in words.scopes):
        return None  # nothing is left: that is “Run again…”
    return Button(words.button, run_url(site, run.pk, verb), None if has_own_page else words, acts=words.at_once)


def _again(site: AdminSite, request: HttpRequest, run: Run) -> list[Button]:
    return (
        [Button(_("Run again…"), run_url(site, run.pk, "again"))]
        if not is_import(run) and may_run_again(site, request, run)
        else []
    )


def _download(site: AdminSite, run: Run, progress: Progress) -> list[Button]:
    if not progress.failed or is_import(run):  # whose report offers its failed rows
        return []
    text = ngettext("Download the %(count)s failed", "Download the %(count)s failed", progress.failed)
    address = f"{run_url(site, run.pk).removesuffix('change/')}failures.csv"
    return [Button(text % {"count": number(progress.failed)}, address)]


def _dealt_with(site: AdminSite, request: HttpRequest, run: Run) -> list[Button]:
    if not needs_attention(run, request.user):
        return []
    return [Button(_("Mark as dealt with"), run_url(site, run.pk, "dismiss"), acts=True)]


def _back(site: AdminSite, run: Run) -> list[Button]:
    """Return the way on from a dry run that shall not be done."""
    if not run.dry_run or is_import(run):
        return []
    model = run.content_type.model_class() if run.content_type else None
    address = (list_url(site, model) if model else "") or runs_url(site)
    return [Button(_("Go back"), address)] if address else []
