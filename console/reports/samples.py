"""The first results of a run: what came of its first items, as its partitions kept it."""

from __future__ import annotations

from dataclasses import dataclass

from django.apps import apps
from django.db.models import Model

from console.models import Run
from console.reports.visibility import Sight

SHOWN = 10


@dataclass
class Sample:
    """One result: its text, and the object it made, if that still exists."""

    text: str
    obj: Model | None = None


def samples(run: Run, sight: Sight) -> list[Sample]:
    """Return the first ten results of `run`, those of objects that the person may see.

    What is said of no object, or of one that is gone, is told to those from whom nothing of the run is hidden.
    """
    kept = [result for partition in run.partitions.all() for result in partition.sample][:SHOWN]
    if not kept:
        return []
    there, whole = _objects(kept), sight.sees_whole(run)
    seen = {key for key, obj in there.items() if sight.shows(obj)}
    told = [result for result in kept if _key(result) in seen or (whole and _key(result) not in there)]
    return [Sample(result["text"], there.get(_key(result))) for result in told]


def _objects(kept: list[dict[str, str]]) -> dict[tuple[str, str], Model]:
    """Return those of the objects that exist, with one query for each model."""
    found: dict[tuple[str, str], Model] = {}
    for label in {_key(result)[0] for result in kept} - {"."}:
        try:
            model = apps.get_model(label)
        except LookupError:
            continue  # the model is gone from the code; its text stays
        keys = [result["pk"] for result in kept if _key(result)[0] == label]
        found |= {(label, str(obj.pk)): obj for obj in model._base_manager.filter(pk__in=keys)}
    return found


def _key(result: dict[str, str]) -> tuple[str, str]:
    return f"{result.get('app_label', '')}.{result.get('model_name', '')}", str(result.get("pk", ""))
