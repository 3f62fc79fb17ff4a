"""The admin of runs: the list, and the addresses of the run's page, its verbs, its progress and its downloads."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet, prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from console.admin import again, dashboard, dismissals, downloads, progress, run_page, starts, verbs
from console.admin.access import RunModelAdmin, open_run, refuse_run, whole_number
from console.admin.links import list_url, run_url, runs_url
from console.admin.many import ACTIONS, ManyVerbs, refusal
from console.admin.refusals import permission_name, refuse
from console.admin.run_filters import FILTERS
from console.admin.run_search import found_by, found_in_list
from console.admin.schedule_origin import origin_in_list, with_origins
from console.admin.sight import sight
from console.engine.progress import progress_of
from console.models import Run
from console.operations.registry import registered_models
from console.reports.headlines import subject
from console.reports.marks import chip_marks, progress_mark, time_mark
from console.reports.paging import CappedPaginator
from console.reports.visibility import VIEW_RUN
from console.reports.words import number, person, shortened, span
from console.states import Verb

SELECT = "Select this object for an action - {}"  # Django's words, which its own catalogues translate


class RunList(ChangeList):
    """The change list with the people and the progress of its runs, read at once."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page's runs, then who asked for them, and the progress of them all.

        People are not joined: SQLite would begin with them, and sort a person's runs instead of reading the newest.
        """
        self.queryset = with_origins(self.model_admin.admin_site, request, self.queryset)
        super().get_results(request)
        self.full_result_count = self.result_count  # says “no count beside the search”
        self.result_list = list(self.result_list)
        prefetch_related_objects(self.result_list, "asked_by")
        found = progress_of(self.result_list)
        for run in self.result_list:
            run.console_progress = found[run.pk]
            if run.content_type_id is not None:
                run.content_type = ContentType.objects.get_for_id(run.content_type_id)
        self.is_capped = getattr(self.paginator, "is_capped", False)
        self.has_older = self.page_num < self.paginator.num_pages or (
            self.is_capped and len(self.result_list) == self.list_per_page
        )


@admin.register(Run)
class RunAdmin(ManyVerbs, RunModelAdmin):
    """Runs: read by those who may view the objects, changed by verbs alone."""

    list_display = ("state_chips", "named", "what", "progress_bar", "asked", "accepted", "took")
    list_display_links = None
    list_filter = FILTERS
    list_per_page = 100
    list_max_show_all = 100
    ordering = ("-id",)
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("stored_label",)
    search_help_text = gettext_lazy(
        "Run number, object (“note 17” or part of its name), person, or words of a failure."
    )
    actions = ACTIONS
    change_list_template = "admin/console/run/change_list.html"

    # --- who may see what

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the menu entry to staff with any permission of the console."""
        return request.user.has_module_perms("console")

    def has_view_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        """Runs are seen by those who may view their objects."""
        if obj is not None:
            return sight(request, self.admin_site).sees(obj)
        return request.user.has_perm(VIEW_RUN) or bool(sight(request, self.admin_site).viewable_types())

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Runs begin in the lists of objects, never here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        """A run is a record; only verbs change it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        """A run is a record."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        """Return the runs that the person may see, newest first."""
        return sight(request, self.admin_site).runs().order_by("-id")

    # --- the list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that reads progress at once."""
        return RunList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, or ask about the runs that were selected in it."""
        if not self.has_view_permission(request):
            return refuse(request, self.admin_site, _no_runs(), codename=VIEW_RUN)
        if refused := refusal(self, request):
            return cast("HttpResponse", refused)
        may_start = bool(starts.starts(self.admin_site, request))
        own = {"title": _("Runs"), "console_models": self._lists(request), "console_may_start": may_start}
        context = {**own, **(extra_context or {})}
        response = super().changelist_view(request, context)
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            response.context_data["console_news"] = _news(request, response.context_data["cl"])
        return response

    def _lists(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return the lists in which runs begin, as (name, address)."""
        seen = set(sight(request, self.admin_site).viewable_types())
        types = ContentType.objects.get_for_models(*registered_models())
        found = (
            (str(m._meta.verbose_name_plural), list_url(self.admin_site, m)) for m, t in types.items() if t.pk in seen
        )
        return [(name, address) for name, address in found if address]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Run], search_term: str
    ) -> tuple[QuerySet[Run], bool]:
        """Find a run by its number, an object of it, the person who asked, or words of a failure."""
        named = partial(found_in_list, self.admin_site, request)
        return found_by(queryset, search_term, sight(request, self.admin_site), named), False

    def action_checkbox(self, obj: Run) -> SafeString:
        """Return the row's box as Django draws it, without its widget: a hundred of those take a fifth of the page's time."""
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            _(SELECT).format(obj),
        )

    @admin.display(description=gettext_lazy("State"))
    def state_chips(self, run: Any) -> SafeString:
        """The chips."""
        return chip_marks(run, run.console_progress)

    @admin.display(description=gettext_lazy("Run"))
    def named(self, run: Run) -> SafeString:
        """The number and the operation, as a link to the run's page."""
        address = reverse("admin:console_run_change", args=[run.pk], current_app=self.admin_site.name)
        return format_html('<a href="{}">{} {}</a>', address, run.pk, run.label)

    @admin.display(description=gettext_lazy("What"))
    def what(self, run: Run) -> SafeString:
        """What it works on and with which parameters."""
        about = subject(run, in_list=True)
        return format_html('<bdi title="{}">{}</bdi>', about, shortened(about))

    @admin.display(description=gettext_lazy("Progress"))
    def progress_bar(self, run: Any) -> SafeString:
        """The bar and its numbers."""
        return progress_mark(run, run.console_progress)

    @admin.display(description=gettext_lazy("Asked by"))
    def asked(self, run: Any) -> SafeString:
        """Who asked for it, and the schedule that did so for them."""
        asked = format_html("<bdi>{}</bdi>", person(run.asked_by))
        origin = origin_in_list(self.admin_site, run)
        return format_html("{} · {}", asked, origin) if origin else asked

    @admin.display(description=gettext_lazy("Accepted"))
    def accepted(self, run: Run) -> SafeString:
        """When it was accepted."""
        return time_mark(run.accepted_at)

    @admin.display(description=gettext_lazy("Took"))
    def took(self, run: Run) -> str:
        """How long it worked."""
        return span(run.took.total_seconds()) if run.took else ""

    # --- the pages

    def get_urls(self) -> list[URLPattern]:
        """Return the contract's addresses before the admin's own."""
        pages: list[tuple[str, str, Any]] = [
            ("summary/", "summary", progress.summary),
            ("dashboard/", "dashboard", dashboard.live),
            ("start/", "starts", starts.choose),
            ("start/<str:operation>/", "start_operation", starts.start),
            ("<int:run_id>/again/", "again", again.view),
            ("<int:run_id>/dismiss/", "dismiss", dismissals.one),
            ("<int:run_id>/progress/", "progress", progress.one),
            ("<int:run_id>/failures.csv", "failures_csv", downloads.failures_csv),
            ("<int:run_id>/failures.xlsx", "failures_xlsx", downloads.failures_xlsx),
            ("<int:run_id>/imported.csv", "imported_csv", downloads.imported_csv),
            ("<int:run_id>/input/", "input", downloads.input_file),
            ("<int:run_id>/output/", "output", downloads.output_file),
            ("<int:run_id>/undo/", "undo", _reserved),
            *((f"<int:run_id>/{verb}/", verb.value, partial(verbs.view, verb=verb)) for verb in Verb),
        ]
        own = [
            path(route, self.admin_site.admin_view(partial(view, self)), name=f"console_run_{name}")
            for route, name, view in pages
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the run's page."""
        if not object_id.isdecimal():
            raise Http404(_("There is no run %(run)s.") % {"run": object_id})
        return cast("HttpResponse", run_page.view(self, request, int(object_id)))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the log of the run; those from whom a part of it is hidden go to its page, which leaves that part out."""
        if refusal := refuse_run(self, request, object_id):
            return refusal
        run = open_run(request, self.admin_site, whole_number(object_id))
        if not sight(request, self.admin_site).sees_whole(run):
            return HttpResponseRedirect(run_url(self.admin_site, run.pk))
        return super().history_view(request, object_id, extra_context)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Refuse: runs begin elsewhere."""
        told = _("Nothing was added. Runs begin in the lists of objects, or with “Start…” in the list of runs.")
        return refuse(request, self.admin_site, told, back=runs_url(self.admin_site))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Refuse: a run is a record."""
        told = _("Nothing was deleted. A run is a record and stays.")
        return refuse_run(self, request, object_id) or refuse(request, self.admin_site, told)


def _no_runs() -> str:
    told = _("You cannot see runs: you lack the permission “%(permission)s”. Ask an administrator.")
    return told % {"permission": permission_name(VIEW_RUN)}


def _news(request: HttpRequest, changes: Any) -> str:
    """Return how many runs of the list came after the newest that an open page of it shows; that page asks by a header."""
    newest = request.headers.get("X-Console-Newest", "")
    if not newest.isdecimal():
        return ""
    count = sum(run.pk > whole_number(newest) for run in changes.result_list)
    return ngettext("%(count)s new run.", "%(count)s new runs.", count) % {"count": number(count)} if count else ""


def _reserved(model_admin: RunModelAdmin, request: HttpRequest, run_id: int) -> HttpResponseBase:
    raise Http404(_("Undo is not built yet."))
