"""The search of the list of runs: what people remember of a run is looked up first, then its runs by their indexes."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db.models import Max, Q, QuerySet

from console.admin.access import whole_number
from console.models import Failure, Run, Target
from console.operations.registry import operations
from console.reports.visibility import Sight

LOOKED_AT = 50_000  # of the newest failures: their words have no index
PEOPLE = 100


def found_by(runs: QuerySet[Run], term: str, seen: Sight) -> QuerySet[Run]:
    """Return those of `runs` that `term` tells of, to somebody who sees so much.

    Either an object (“note 17”: the model's name, then the key), or words, each of which is a run's number, part of its
    operation's name, of the name of the person who asked, or of one of the latest failures.
    """
    words = term.split()
    match words:
        case [model, key] if (targets := _targets(model, key, seen)).exists():
            return runs.filter(pk__in=targets.values("run"))
    return runs.filter(*(_matches(word, seen) for word in words))


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
