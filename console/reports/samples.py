"""The first results of runs: what came of their first items, as their partitions kept it. Of later ones nothing is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.apps import apps
from django.db.models import Model

from console.models import Partition, Run, Target
from console.reports.visibility import Sight

KEPT = 10

Kept = dict[str, str]  # a result, as JSON has it
Key = tuple[str, str]  # the label of a model, and an object's key


@dataclass
class Sample:
    """One result: its text, and the object it made, if that still exists."""

    text: str
    obj: Model | None = None


def samples(run: Run, sight: Sight) -> list[Sample]:
    """Return the first ten results of `run`, those of objects that the person may see.

    What is said of no object, or of one that is gone, is told to those from whom nothing of the run is hidden.
    """
    kept = _kept_of(run.partitions.values_list("sample", flat=True))
    there = _objects(kept)
    return _told(kept, there, _seen(there, sight), whole=sight.sees_whole(run)) if kept else []


def samples_of(targets: Sequence[Target], sight: Sight) -> dict[int, list[Sample]]:
    """Return by target those of its run's first ten results that came of its object, which the person sees, and say more.

    It takes one query, and one or two more for each model that the results are of.
    """
    rows: dict[int, list[list[Kept]]] = {}
    partitions = Partition.objects.filter(run__in={target.run_id for target in targets}).order_by("pk")
    for run_id, sample in partitions.values_list("run_id", "sample"):
        rows.setdefault(run_id, []).append(sample)
    kept = {
        target.pk: [one for one in _kept_of(rows.get(target.run_id, [])) if one.get("of") == target.object_id]
        for target in targets
    }
    there = _objects([one for results in kept.values() for one in results])
    seen = _seen(there, sight)
    return {
        target.pk: [one for one in _told(kept[target.pk], there, seen, whole=True) if not _is_itself(one, target)]
        for target in targets
    }


def _is_itself(sample: Sample, target: Target) -> bool:
    """Tell whether a result says no more than which object it came of."""
    return sample.obj is not None and str(sample.obj.pk) == target.object_id and sample.text == str(sample.obj)[:200]


def _kept_of(partitions: Iterable[list[Kept]]) -> list[Kept]:
    return [result for sample in partitions for result in sample][:KEPT]


def _told(kept: list[Kept], there: dict[Key, Model], seen: set[Key], *, whole: bool) -> list[Sample]:
    """Return the results that may be told: of objects that are seen, and of none, or of one that is gone, if `whole`."""
    told = [result for result in kept if _key(result) in seen or (whole and _key(result) not in there)]
    return [Sample(result["text"], there.get(_key(result))) for result in told]


def _objects(kept: list[Kept]) -> dict[Key, Model]:
    """Return those of the objects that exist, with one query for each model."""
    found: dict[Key, Model] = {}
    for label in {_key(result)[0] for result in kept} - {"."}:
        try:
            model = apps.get_model(label)
        except LookupError:
            continue  # the model is gone from the code; its text stays
        keys = [result["pk"] for result in kept if _key(result)[0] == label]
        found |= {(label, str(obj.pk)): obj for obj in model._base_manager.filter(pk__in=keys)}
    return found


def _seen(there: dict[Key, Model], sight: Sight) -> set[Key]:
    """Return the keys of those of the objects that the person may see, with one query for each model at most."""
    of_model: dict[type[Model], list[Model]] = {}
    for obj in there.values():
        of_model.setdefault(type(obj), []).append(obj)
    shown = {model: view.among(objects) for model, objects in of_model.items() if (view := sight.view(model))}
    return {key for key, obj in there.items() if obj.pk in shown.get(type(obj), ())}


def _key(result: Kept) -> Key:
    return f"{result.get('app_label', '')}.{result.get('model_name', '')}", str(result.get("pk", ""))
