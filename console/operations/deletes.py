"""Delete: real deletion, with its cascade."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django.db import router
from django.db.models import Model, ProtectedError, RestrictedError
from django.db.models.deletion import Collector
from django.utils.formats import number_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.exceptions import ItemFailed
from console.operations.base import Operation, Result, Results

RESULTS = 10


class Delete(Operation):
    """Delete the selected objects, and what belongs to them.

    As ``QuerySet.delete()`` does it: what refers to an object goes with it, is emptied, or forbids the deletion, by its
    ``on_delete``; signals are sent. An object that must stay because others refer to it fails as an item, in words; the
    others go. What belongs to a held object forbids the deletion too.
    """

    deletes: ClassVar[bool] = True
    needs: ClassVar[str] = "delete"

    def process(self, objects: Sequence[Any]) -> Results:
        """Delete a chunk of objects with one collection.

        Returns:
            By key: an `ItemFailed` for what must stay, the first few results.

        Raises:
            ObjectHeld: What would go along is held by another run.
        """
        try:
            return _delete(objects)
        except (ProtectedError, RestrictedError) as error:  # raised while looking, before anything is deleted
            refused = _refused(objects, error)
            return {**refused, **_delete([obj for obj in objects if obj.pk not in refused])}


def _delete(objects: Sequence[Model]) -> dict[Any, Result]:
    if not objects:
        return {}
    collector = _collect(objects)
    labels = [(obj.pk, str(obj)) for obj in objects]
    _total, counts = collector.delete()
    for obj, (key, _label) in zip(objects, labels, strict=True):
        obj.pk = key  # Django takes it away; whoever gave us the objects still goes by it
    return _results(labels, counts)


def _collect(objects: Sequence[Model]) -> Collector:
    model, using = type(objects[0]), objects[0]._state.db or router.db_for_write(type(objects[0]))
    rows = model._base_manager.using(using).filter(pk__in=[obj.pk for obj in objects])
    collector = Collector(using=using, origin=rows)
    collector.collect(list(objects))
    return collector


def _refused(objects: Sequence[Model], error: ProtectedError | RestrictedError) -> dict[Any, ItemFailed]:
    """Return the failures of those among `objects` that cannot be deleted, found by halving."""
    if len(objects) == 1:
        return {objects[0].pk: ItemFailed(objects[0], _reason(error))}
    refused: dict[Any, ItemFailed] = {}
    middle = len(objects) // 2
    for half in (objects[:middle], objects[middle:]):
        try:
            _collect(half)
        except (ProtectedError, RestrictedError) as its_error:
            refused |= _refused(half, its_error)
    return refused


def _reason(error: ProtectedError | RestrictedError) -> str:
    referring: Iterable[Any] = (
        error.protected_objects if isinstance(error, ProtectedError) else error.restricted_objects
    )
    counts = Counter(type(obj) for obj in referring)
    told = get_text_list([_counted(model, count) for model, count in counts.items()], _("and"))
    return ngettext(
        "It cannot be deleted because %(told)s refers to it.",
        "It cannot be deleted because %(told)s refer to it.",
        sum(counts.values()),
    ) % {"told": told}


def _counted(model: type[Model], count: int) -> str:
    name = model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural
    return f"{number_format(count, force_grouping=True)} {name}"


def _results(gone: Sequence[tuple[Any, str]], counts: dict[str, int]) -> dict[Any, Result]:
    """Return what went; how much went along can be told of one object, not of each of many."""
    if len(gone) == 1 and (along := sum(counts.values()) - 1) > 0:
        return {
            gone[0][0]: Result(
                _("%(object)s, and %(count)s more that belonged to it")
                % {"object": gone[0][1][:150], "count": number_format(along, force_grouping=True)}
            )
        }
    return {key: Result(text[:200]) for key, text in gone[:RESULTS]}
