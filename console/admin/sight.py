"""What the person of a request may see, by the rules of the ModelAdmins of one site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.sites import all_sites
from django.contrib.admin.sites import site as default_site
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from console.engine.people import User
from console.exceptions import ConsoleError, ObjectBusy, ObjectHeld
from console.reports.visibility import Sight, View

# Ours passes on what it is told, but for changes of held objects.
STOCK = ("django.contrib.admin.options", "console.admin.locked")


def sight(request: HttpRequest, site: AdminSite) -> Sight:
    """Return what the person of `request` may see on `site`, the same for the whole request."""
    known: dict[str, Sight] = request.__dict__.setdefault("_console_sights", {})
    if site.name not in known:
        known[site.name] = Sight(request.user, lambda model: _view(request, site, model))
    return known[site.name]


def site_of(request: HttpRequest) -> AdminSite | None:
    """Return the admin site that the request is for; None where it is for none."""
    match = request.resolver_match
    if match is None or "admin" not in match.app_names:
        return None
    return next((found for found in all_sites if found.name in match.namespaces), None)


def sight_anywhere(request: HttpRequest) -> Sight:
    """Return what the person may see on the site that the request is for, or else on the default one."""
    return sight(request, site_of(request) or default_site)


def in_words(error: ConsoleError, seen: Sight) -> str:
    """Return what an error says, with the object's key in the place of a name that the person may not know."""
    if not isinstance(error, ObjectHeld | ObjectBusy):
        return str(error)
    obj = error.obj
    if not isinstance(obj, Model) or seen.shows(obj):
        return str(error)
    return str(error.about(f"{obj._meta.verbose_name} {obj.pk}"))


def is_stock(model_admin: ModelAdmin[Any], method: str) -> bool:
    """Tell whether the project left a method of its ModelAdmin as it was."""
    definers = (cls for cls in type(model_admin).__mro__ if method in vars(cls))
    return all(cls.__module__ in STOCK for cls in definers)


def _view(request: HttpRequest, site: AdminSite, model: type[Model]) -> View | None:
    model_admin = _admin_of(site, model)
    if model_admin is None:
        return _unregistered(request.user, model)
    if not model_admin.has_view_or_change_permission(request):
        return None
    return View(model, _limited(model_admin, request), _one_by_one(model_admin, request))


def _admin_of(site: AdminSite, model: type[Model]) -> ModelAdmin[Any] | None:
    """Return the ModelAdmin of `model`, or of a proxy of it."""
    if site.is_registered(model):
        return site.get_model_admin(model)
    concrete = model._meta.concrete_model
    alike = (
        other
        for other in site._registry  # noqa: SLF001 - there is no public list of it
        if other._meta.concrete_model is concrete
    )
    found = next(alike, None)
    return site.get_model_admin(found) if found else None


def _unregistered(user: User, model: type[Model]) -> View | None:
    """Return what Django's permissions say of a model that the site does not have."""
    names = [f"{model._meta.app_label}.{act}_{model._meta.model_name}" for act in ("view", "change")]
    return View(model) if any(user.has_perm(name) for name in names) else None


def _one_by_one(model_admin: ModelAdmin[Any], request: HttpRequest) -> Callable[[Any], bool] | None:
    """Return what tells of one object whether the ModelAdmin shows it; None where Django's own methods do, alike for all.

    A superuser has every permission, as everywhere in Django.
    """
    asked = ["has_view_permission", "has_view_or_change_permission"]
    if not model_admin.has_view_permission(request):
        asked.append("has_change_permission")
    if request.user.is_superuser or all(is_stock(model_admin, name) for name in asked):
        return None
    return lambda obj: bool(model_admin.has_view_or_change_permission(request, obj))


def _limited(model_admin: ModelAdmin[Any], request: HttpRequest) -> QuerySet[Any] | None:
    """Return the objects that the ModelAdmin shows at all; None where that is every one."""
    if is_stock(model_admin, "get_queryset"):
        return None
    objects = model_admin.get_queryset(request)
    query, whole = objects.query, objects.model._default_manager.get_queryset().query
    is_whole = not query.is_sliced and not query.combinator and query.where == whole.where
    return None if is_whole else objects
