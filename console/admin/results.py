"""Celery's own results, shown beside our attempts when django-celery-results is installed; never the source of truth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from celery import states
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from console.models import Attempt
from console.reports.paging import CappedPaginator

INSTALLED = apps.is_installed("django_celery_results")

if INSTALLED:
    import django_celery_results.admin  # noqa: F401 - registers its own first, or it would refuse after ours
    from django_celery_results.models import TaskResult
if TYPE_CHECKING:
    ResultModelAdmin = admin.ModelAdmin[TaskResult]
else:
    ResultModelAdmin = admin.ModelAdmin

BLOBS = ("task_args", "task_kwargs", "result", "traceback", "meta")


def results_of(task_ids: Iterable[str]) -> dict[str, Model]:
    """Return the stored results by task id; those that were cleaned up, or never stored, are absent."""
    if not INSTALLED:
        return {}
    found = TaskResult.objects.filter(task_id__in=list(task_ids)).defer(*BLOBS)
    return {result.task_id: result for result in found}


class StatusFilter(admin.SimpleListFilter):
    """By Celery's states, which needs no look at the table."""

    title = gettext_lazy("state")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [(state, state) for state in sorted(states.ALL_STATES)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the results in the chosen state."""
        return queryset.filter(status=self.value()) if self.value() else queryset


class ResultList(ChangeList):
    """The change list with the runs of its results, read at once."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page's results, then the attempts that they tell of."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        attempts = Attempt.objects.filter(task_id__in=[result.task_id for result in self.result_list])
        runs = dict(attempts.values_list("task_id", "run_id"))
        for result in self.result_list:
            result.console_run = runs.get(result.task_id)


class TaskResultAdmin(ResultModelAdmin):
    """A lean list of Celery's results: no exact count, no large columns, a link to the run."""

    list_display = ("task_id", "task_name", "status", "worker", "date_done", "run")
    list_filter = (StatusFilter,)
    list_per_page = 100
    list_max_show_all = 100
    ordering = ("-id",)
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("=task_id",)
    search_help_text = gettext_lazy("The whole id of a task.")
    readonly_fields = ("run",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the results; a list reads no large columns."""
        found = super().get_queryset(request)
        match = request.resolver_match
        return (
            found.defer(*BLOBS) if match and match.url_name == "django_celery_results_taskresult_changelist" else found
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that reads the runs at once."""
        return ResultList

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Results are Celery's."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Results are Celery's."""
        return False

    @admin.display(description=gettext_lazy("Run"))
    def run(self, result: Any) -> SafeString | str:
        """The run that the task worked for."""
        run_id = getattr(result, "console_run", None)
        if run_id is None and not hasattr(result, "console_run"):
            run_id = Attempt.objects.filter(task_id=result.task_id).values_list("run_id", flat=True).first()
        if run_id is None:
            return ""
        address = reverse("admin:console_run_change", args=[run_id], current_app=self.admin_site.name)
        return format_html('<a href="{}">{}</a>', address, run_id)


def install(site: admin.AdminSite = admin.site) -> None:
    """Put this admin in the place of django-celery-results' own on `site`."""
    if not INSTALLED:
        return
    if site.is_registered(TaskResult):
        site.unregister(TaskResult)
    site.register(TaskResult, TaskResultAdmin)


install()
