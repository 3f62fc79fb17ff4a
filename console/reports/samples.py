"""The first results of a run: what came of its first items, as its partitions kept it."""

from __future__ import annotations

from dataclasses import dataclass

from django.apps import apps
from django.db.models import Model

from console.models import Run

SHOWN = 10


@dataclass
class Sample:
    """One result: its text, and the object it made, if that still exists."""

    text: str
    obj: Model | None = None


def samples(run: Run) -> list[Sample]:
    """Return the first ten results of `run`; one query for each model among them."""
    kept = [result for partition in run.partitions.all() for result in partition.sample][:SHOWN]
    objects = _objects(kept)
    return [Sample(result["text"], objects.get(_key(result))) for result in kept]


def _objects(kept: list[dict[str, str]]) -> dict[tuple[str, str], Model]:
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
