"""The admin of schedules, in the place of django-celery-beat's own: operations by the clock, and plain Celery tasks as before."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.db.models import Prefetch, QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_celery_beat.admin import PeriodicTaskAdmin  # registers its own first, or it would refuse after ours
from django_celery_beat.models import PeriodicTask

from console.admin import schedule_acts, schedule_list, schedule_many, schedule_page
from console.admin.schedule_filters import FILTERS
from console.admin.starts import schedulable
from console.models import Schedule
from console.schedules import store
from console.schedules.acts import PERMISSION
from console.schedules.declared import declaration_of
from console.schedules.entries import readable_crontabs
from console.schedules.words import in_words


class ScheduleList(ChangeList):
    """The change list with what is known of its schedules, read at once."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page's schedules, then their times."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        shown = schedule_list.read(
            [task.pk for task in self.result_list], {task.pk: task.last_run_at for task in self.result_list}
        )
        for task in self.result_list:
            task.console_shown = shown[task.pk]


class ScheduleAdmin(PeriodicTaskAdmin):
    """Schedules of operations with pages of their own; plain tasks keep their stock form, with our permissions."""

    list_display = ("on", "named", "when", "next", "last", "latest", "takes", "owner")
    list_display_links = None
    list_filter = FILTERS
    list_per_page = 50
    list_max_show_all = 50
    list_select_related = False
    show_facets = admin.ShowFacets.NEVER
    date_hierarchy = None
    ordering = ("name",)
    search_fields = ("name", "description", "task", "console_schedule__operation")
    actions = schedule_many.ACTIONS
    change_list_template = "admin/console/schedule/change_list.html"
    change_form_template = "admin/console/schedule/plain_form.html"  # the stock one has an inline script

    # --- the list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that reads the times at once."""
        return ScheduleList

    def get_queryset(self, request: HttpRequest) -> QuerySet[PeriodicTask]:
        """Return the entries with their times: a crontab whose time zone is none is none, for reading it would raise."""
        found: QuerySet[PeriodicTask] = admin.ModelAdmin.get_queryset(self, request)
        return found.prefetch_related(Prefetch("crontab", readable_crontabs()), "interval", "solar", "clocked")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, or ask about the schedules that were selected in it."""
        own = {"title": _("Schedules")}
        return cast("HttpResponse", super().changelist_view(request, {**own, **(extra_context or {})}))

    def has_schedule_permission(self, request: HttpRequest) -> bool:
        """Tell whether schedules may be switched, run and skipped."""
        return request.user.has_perm(PERMISSION)

    def has_delete_permission(self, request: HttpRequest, obj: PeriodicTask | None = None) -> bool:
        """Refuse to delete what the code declares: it would be there again after the next update. It can be switched off."""
        may = bool(super().has_delete_permission(request, obj))
        schedule = Schedule.objects.filter(task=obj.pk).first() if may and obj is not None else None
        return may and (schedule is None or declaration_of(schedule) is None)

    @admin.display(description=gettext_lazy("On"), ordering="enabled")
    def on(self, task: Any) -> SafeString:
        """The switch, drawn as a chip."""
        return schedule_list.on_mark(task.console_shown)

    @admin.display(description=gettext_lazy("Name"), ordering="name")
    def named(self, task: PeriodicTask) -> SafeString:
        """The name, as a link to its page."""
        address = reverse(f"{self.admin_site.name}:django_celery_beat_periodictask_change", args=[task.pk])
        return format_html('<a href="{}" data-schedule-row="{}"><bdi>{}</bdi></a>', address, task.pk, task.name)

    @admin.display(description=gettext_lazy("When"))
    def when(self, task: Any) -> str:
        """When it is due, in words."""
        return schedule_list.when_mark(task.console_shown)

    @admin.display(description=gettext_lazy("Next"), ordering="console_schedule__next_at")
    def next(self, task: Any) -> SafeString:
        """Its next time."""
        return schedule_list.next_mark(task.console_shown, timezone.now())

    @admin.display(description=gettext_lazy("Last"))
    def last(self, task: Any) -> SafeString:
        """What became of its last time."""
        return schedule_list.last_mark(task.console_shown, self.admin_site.name)

    @admin.display(description=gettext_lazy("Last 20"))
    def latest(self, task: Any) -> SafeString:
        """Its latest outcomes."""
        return schedule_list.latest_mark(task.console_shown)

    @admin.display(description=gettext_lazy("Takes"))
    def takes(self, task: Any) -> SafeString:
        """How long its runs take."""
        return schedule_list.takes_mark(task.console_shown)

    @admin.display(description=gettext_lazy("Owner"))
    def owner(self, task: Any) -> SafeString:
        """For whom it acts."""
        return schedule_list.owner_mark(task.console_shown)

    # --- the pages

    def get_urls(self) -> list[URLPattern]:
        """Return our addresses before django-celery-beat's own."""
        pages: list[tuple[str, str, Any]] = [
            ("<int:task_id>/" + act.address, act.name, partial(schedule_acts.view, act=act))
            for act in schedule_acts.ACTS
        ]
        own = [
            path(route, self.admin_site.admin_view(partial(view, self)), name=f"console_schedule_{name}")
            for route, name, view in pages
        ]
        return [*own, *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponseBase:
        """Show the page of an operation's schedule, new or not; a plain task has its stock form."""
        if object_id is not None and (schedule := _ours(object_id)):
            return schedule_page.change(self, request, schedule)
        if object_id is None and "operation" in request.GET:
            return schedule_page.add(self, request, request.GET["operation"])
        own: dict[str, Any] = {"console_starts": [], "console_filter": request.GET.get("filter", "")}
        if object_id is None:
            own["console_starts"] = schedulable(self.admin_site, request, request.GET.get("model", ""))
        # Past the parent's own, which reads every crontab, one that cannot be read too.
        return admin.ModelAdmin.changeform_view(self, request, object_id, form_url, {**own, **(extra_context or {})})

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        """Offer the crontabs that can be read."""
        if db_field.name == "crontab":
            kwargs["queryset"] = readable_crontabs()
        return cast("ModelChoiceField[Any] | None", super().formfield_for_foreignkey(db_field, request, **kwargs))

    def crontab_translation(self, obj: PeriodicTask) -> str:
        """When a plain task is due, in words."""
        return in_words(store.entry_of(obj.pk).timing) if obj and obj.pk else ""


def _ours(object_id: str) -> Schedule | None:
    key = unquote(object_id)
    return Schedule.objects.filter(task=int(key)).select_related("owner").first() if key.isdecimal() else None


def install(site: admin.AdminSite = admin.site) -> None:
    """Put this admin in the place of django-celery-beat's own on `site`."""
    if site.is_registered(PeriodicTask):
        site.unregister(PeriodicTask)
    site.register(PeriodicTask, ScheduleAdmin)


install()
