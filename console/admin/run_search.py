"""The search of the list of runs: what people remember of a run is looked up first, then its runs by their indexes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib.admin import AdminSite
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db.models import CharField, Max, Model, Q, QuerySet
from django.db.models.functions import Cast
from django.http import HttpRequest

from console.admin.access import whole_number
from console.engine.holds import identity, identity_type
from console.models import Failure, Run, Target
from console.operations.registry import operations, registered_models
from console.reports.visibility import Sight

LOOKED_AT = 50_000  # of the newest failures: their words have no index
PEOPLE = 100
OBJECTS = 100  # of each model
LISTED = 1000  # runs on one and the same few objects

Named = Callable[[type[Model], str], list[str]]


def found_by(runs: QuerySet[Run], term: str, seen: Sight, named: Named) -> QuerySet[Run]:
    """Return those of `runs` that `term` tells of, to somebody who sees so much.

    Either an object (“note 17”: the model's name, then the key), or words, each of which is a run's number, part of its
    operation's name, of the name of the person who asked, or of one of the latest failures; or what finds an object in
    its own list: `named` returns the keys of such objects of a model.
    """
    words = term.split()
    match words:
        case []:
            return runs
        case [model, key] if (targets := _targets(model, key, seen)).exists():
            return runs.filter(pk__in=targets.values("run"))
    found = Q(*(_matches(word, seen) for word in words))
    return runs.filter(found if whole_number(term) else found | Q(pk__in=_on_objects(term, seen, named)))


def found_in_list(site: AdminSite, request: HttpRequest, model: type[Model], term: str) -> list[str]:
    """Return the keys of the first objects that `term` finds in the list of `model`, as targets keep them."""
    found = searched(site, request, model, term)
    return [] if found is None else list(keys_of(found).values_list("console_key", flat=True)[:OBJECTS])


def searched(site: AdminSite, request: HttpRequest, model: type[Model], term: str) -> QuerySet[Any] | None:
    """Return what `term` finds in the list of `model`, of what the person may see there; None where it has no search."""
    model_admin = site.get_model_admin(model) if site.is_registered(model) else None
    if model_admin is None or not model_admin.has_view_or_change_permission(request):
        return None
    if not model_admin.get_search_fields(request):
        return None
    found, _may_repeat = model_admin.get_search_results(request, model_admin.get_queryset(request), term)
    return cast("QuerySet[Any]", found)


def keys_of(objects: QuerySet[Any]) -> QuerySet[Any, Any]:
    """Return the keys of objects as text, as targets keep them."""
    rows = identity(objects.model)._base_manager.filter(pk__in=objects.order_by().values("pk")).order_by()
    keys: QuerySet[Any, Any] = rows.annotate(console_key=Cast("pk", CharField())).values("console_key")
    return keys


def _on_objects(term: str, seen: Sight, named: Named) -> list[int]:
    """Return the newest runs on objects that `term` finds in their lists."""
    wanted = Q()
    for model in registered_models():
        if keys := named(model, term):
            wanted |= Q(content_type=identity_type(model), object_id__in=keys)
    if not wanted:
        return []
    return list(seen.targets().filter(wanted).order_by("-run").values_list("run", flat=True).distinct()[:LISTED])


def _targets(model: str, key: str, seen: Sight) -> QuerySet[Target]:
    types = list(ContentType.objects.filter(model=model.lower()).values_list("pk", flat=True))
    return seen.targets().filter(content_type__in=types, object_id=key)


def _matches(word: str, seen: Sight) -> Q:
    """Return a condition of plain values alone, for which every database has an index."""
    part = word.casefold()
    known = [known.name for known in operations() if part in f"{known.label} {known.name}".casefold()]
    return (
        Q(pk__in=[number] if (number := whole_number(word)) else [])
        | Q(operation__in={*known, word})
        | Q(asked_by__in=_people(word))
        | Q(pk__in=_failed(word, seen))
    )


def _people(word: str) -> list[int]:
    names = Q(username__icontains=word) | Q(first_name__icontains=word) | Q(last_name__icontains=word)
    return list(get_user_model().objects.filter(names).values_list("pk", flat=True)[:PEOPLE])


def _failed(word: str, seen: Sight) -> list[int]:
    newest = Failure.objects.aggregate(newest=Max("pk"))["newest"] or 0
    failures = seen.failures().filter(pk__gt=newest - LOOKED_AT)
    told = failures.filter(Q(reason__icontains=word) | Q(object_label__icontains=word))
    return list(told.order_by().values_list("run", flat=True).distinct())
