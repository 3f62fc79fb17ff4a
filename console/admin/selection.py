"""What staff selected on a change list, and its query built again long after the request (PROTOCOL H12)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.sites import all_sites
from django.contrib.auth import get_user_model
from django.contrib.messages.storage.cookie import CookieStorage
from django.db.models import AutoField, BigAutoField, IntegerField, Max, Model, Q, QuerySet, SmallAutoField
from django.db.models.functions import Cast
from django.http import HttpRequest, QueryDict
from django.urls import resolve
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from console.admin.links import list_url
from console.engine.holds import identity
from console.engine.selection import Descriptor, Selection
from console.engine.sources import is_earlier, named_by
from console.exceptions import ConsoleError
from console.models import Run

KIND, RUN = "changelist", "run"
COUNTED_KEYS = (AutoField, BigAutoField, SmallAutoField, IntegerField)


@dataclass
class Chosen:
    """The objects that a page of ours works on, as the request named them.

    `keys` are the keys found, as text, or where the whole list was selected the one that the form must post;
    `asked` is how many were named one by one, or None for a whole list.
    """

    selection: Selection
    keys: list[str]
    queryset: QuerySet[Any]
    asked: int | None = None
    back: str = ""

    @property
    def across(self) -> bool:
        """Whether all pages of the list were selected."""
        return self.asked is None

    @cached_property
    def count(self) -> int:
        """How many objects there are now."""
        return len(self.keys) if self.asked is not None else self.selection.count()

    @property
    def gone(self) -> int:
        """How many of those named exist no longer, or are not there for this person."""
        return 0 if self.asked is None else self.asked - self.count

    def first(self, number: int) -> list[Any]:
        """Return the first few objects, in the list's order."""
        return list(self.queryset[:number])


def chosen_on_list(model_admin: ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Any]) -> Chosen:
    """Return what an action was asked for: `queryset` as the change list hands it to actions."""
    posted = list(dict.fromkeys(request.POST.getlist(ACTION_CHECKBOX_NAME)))
    back = request.get_full_path()
    if is_across(request):
        selection = Selection(model_admin.model, queryset, describe(model_admin, request, queryset))
        return Chosen(selection, posted[:1], queryset, back=back)
    found = [str(key) for key in dict.fromkeys(queryset.values_list("pk", flat=True))]
    return Chosen(Selection.of_keys(model_admin.model, found), found, queryset, asked=len(posted), back=back)


def chosen_whole_list(model_admin: ModelAdmin[Any], request: HttpRequest, back: str) -> Chosen:
    """Return all that a change list shows, filtered as the address says.

    Raises:
        IncorrectLookupParameters: The list has no such filter.
    """
    queryset = model_admin.get_changelist_instance(request).get_queryset(request)
    return Chosen(
        Selection(model_admin.model, queryset, describe(model_admin, request, queryset)), [], queryset, back=back
    )


def chosen_object(model_admin: ModelAdmin[Any], obj: Model, back: str) -> Chosen:
    """Return the selection of a single object."""
    queryset = model_admin.model._base_manager.filter(pk=obj.pk)
    return Chosen(Selection.of_objects(model_admin.model, [obj]), [str(obj.pk)], queryset, asked=1, back=back)


def is_across(request: HttpRequest) -> bool:
    """Tell whether all pages of the list were selected, read as Django's own action form reads it."""
    return request.POST.get("select_across", "").lower() not in ("", "0", "false")


def describe(model_admin: ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Any]) -> Descriptor:
    """Return the change list as JSON: whose it is, which it is, and where it ends now."""
    user: Any = request.user
    greatest = queryset.order_by().aggregate(greatest=Max("pk"))["greatest"] if _counts_up(model_admin.model) else None
    return {
        "kind": KIND,
        "site": model_admin.admin_site.name,
        "model": model_admin.model._meta.label,
        "query": request.META.get("QUERY_STRING", ""),
        "user": user.pk,
        "greatest": greatest,
    }


def resolve_changelist(model: type[Model], descriptor: Descriptor) -> QuerySet[Any]:
    """Build the query of a change list again, by the same ModelAdmin for the same person.

    Args:
        model: The model that the run works on.
        descriptor: What `describe` made at acceptance.

    Returns:
        The query, without objects newer than the descriptor where keys count up.

    Raises:
        ConsoleError: The person, the admin or the filter is no longer there.
    """
    model_admin, request = _their_list(model, descriptor, descriptor["query"])
    try:
        queryset = model_admin.get_changelist_instance(request).get_queryset(request)
    except IncorrectLookupParameters:
        raise _lost(_("its filter is no longer valid")) from None
    greatest = descriptor.get("greatest")
    return queryset if greatest is None else queryset.filter(pk__lte=greatest)


def chosen_of_run(model_admin: ModelAdmin[Any], request: HttpRequest, run: Run, back: str) -> Chosen:
    """Return the objects of an earlier run, as far as they are there for this person; ever as a query, never as keys.

    Raises:
        ConsoleError: It never had its objects, and its selection cannot be rebuilt.
    """
    user: Any = request.user
    whose = {"site": model_admin.admin_site.name, "model": model_admin.model._meta.label, "user": user.pk}
    if run.preparing and not is_earlier(run.selection):
        selection = Selection.of_descriptor(model_admin.model, {**(run.selection or {}), **whose})
    else:
        found = _objects_of(run, model_admin.get_queryset(request))
        selection = Selection(model_admin.model, found, {"kind": RUN, "run": run.pk, **whose})
    return Chosen(selection, [], selection.queryset().order_by("pk"), back=back)


def resolve_run(model: type[Model], descriptor: Descriptor) -> QuerySet[Any]:
    """Build the query of an earlier run's objects again, for the same person.

    Raises:
        ConsoleError: The person, the admin or the run is no longer there.
    """
    model_admin, request = _their_list(model, descriptor, "")
    run = Run.objects.filter(pk=descriptor["run"]).first()
    if run is None:
        raise _lost(_("run %(run)d is no longer there") % {"run": descriptor["run"]})
    return _objects_of(run, model_admin.get_queryset(request))


def _objects_of(run: Run, objects: QuerySet[Any]) -> QuerySet[Any]:
    """Return those of `objects` that the run worked on, left out because others held them, or was to take up of another.

    Raises:
        ConsoleError: It was to take them up of a run that is no longer there.
    """
    key = identity(objects.model)._meta.pk
    named = [rows.order_by().annotate(console_pk=Cast("object_id", key)) for rows in named_by(run)]
    return objects.filter(reduce(or_, [Q(pk__in=rows.values("console_pk")) for rows in named]))


def _their_list(model: type[Model], descriptor: Descriptor, query: str) -> tuple[ModelAdmin[Any], HttpRequest]:
    """Return the ModelAdmin by which objects were selected, and a request of whoever selected them.

    Raises:
        ConsoleError: The person or the admin is no longer there.
    """
    site = _site(descriptor["site"])
    model_admin = site.get_model_admin(model) if site and site.is_registered(model) else None
    user = _person(descriptor["user"])
    if site is None or model_admin is None or user is None:
        raise _lost(_("the list or the person who selected it is no longer there"))
    request = _request(site, model, query, user)
    if not model_admin.has_view_or_change_permission(request):
        raise _lost(_("%(person)s may no longer see the list") % {"person": user})
    return model_admin, request


def _person(key: Any) -> Any:
    """Return who selected: a person, who may be gone, or the site's own code, which no permission limits."""
    users: Any = get_user_model()
    if key is None:
        return users(is_active=True, is_staff=True, is_superuser=True)
    return users._default_manager.filter(pk=key).first()


def _lost(why: str) -> ConsoleError:
    return ConsoleError(_("The selection cannot be rebuilt: %(why)s. Select the objects again.") % {"why": why})


def _site(name: str) -> AdminSite | None:
    return next((site for site in all_sites if site.name == name), None)


def _counts_up(model: type[Model]) -> bool:
    field: Any = model._meta.pk
    while field.remote_field:
        field = field.target_field
    return isinstance(field, COUNTED_KEYS)


def _request(site: AdminSite, model: type[Model], query: str, user: Any) -> HttpRequest:
    """Return a GET of the change list by `user`, as far as a ChangeList looks at it."""
    request = HttpRequest()
    request.method = "GET"
    request.path = request.path_info = list_url(site, model)
    request.GET = QueryDict(query)
    request.META = {"QUERY_STRING": query, "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    request.user = user
    request.resolver_match = resolve(request.path)
    request.session = {}  # type: ignore[assignment]
    request._messages = CookieStorage(request)  # type: ignore[attr-defined]  # noqa: SLF001 - as the middleware does
    return request
