"""What the tests of copying share: articles with everything, operations of both paths, and a picture of the database."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.db.models import CompositePrimaryKey, Model, UUIDField
from django.utils import timezone

from console.operations import Copy, Span
from tests.testapp.models import Article, Chapter, Label, Rank, Remark, Sticker, Summary, Vote

RELATED = ("labels", "ranked", "friends", "after", "chapters", "remark_set", "summary", "stickers", "votes")


class CopyAll(Copy):
    """Copies articles with all that belongs to them, inside the database where it can."""

    related = RELATED


class CopyInPython(CopyAll):
    """Copies the same in Python."""

    set_based = False


class CopySlowly(CopyAll):
    """Copies the same by save()."""

    send_signals = True


PATHS = (CopyAll, CopyInPython, CopySlowly)


def article(slug: str, **values: Any) -> Article:
    """Return a new article without anything that belongs to it."""
    values.setdefault("title", slug)
    return Article._base_manager.create(slug=slug, **values)


def furnish(article: Article, labels: list[Label]) -> Article:
    """Give an article one of everything for each label."""
    for place, label in enumerate(labels):
        article.labels.add(label)
        Rank.objects.create(article=article, label=label, rank=place)
        Chapter.objects.create(article=article, name=f"c{place}", anchor=f"{article.slug}-{place}")
        Remark.objects.create(article=article, text=f"remark {place}")
        Sticker.objects.create(target=article, text=f"sticker {place}")
        Vote.objects.create(article=article, voter=place, points=7)
    Summary.objects.create(article=article, text="in short")
    return article


def copy(operation: type[Copy] | Copy, *spans: Span | Model) -> Any:
    """Run `operation` on spans, or once on objects, in a transaction of its own, as the engine does."""
    operation = operation if isinstance(operation, Copy) else operation()
    with transaction.atomic():
        results = operation.process_spans([s if isinstance(s, Span) else Span(s) for s in spans])
        if connection.vendor == "postgresql":
            connection.check_constraints()
    return results


@contextmanager
def undone() -> Iterator[None]:
    """Roll everything back in the end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


class Picture:
    """All rows of the test application, with new keys named by their order: two ways to the same rows look the same."""

    def __init__(self) -> None:
        self.before = {model: self._keys(model) for model in self._models()}

    @staticmethod
    def _models() -> list[type[Model]]:
        return list(apps.get_app_config("testapp").get_models(include_auto_created=True))

    @staticmethod
    def _keys(model: type[Model]) -> set[Any]:
        return set(model._base_manager.values_list("pk", flat=True))

    def new(self) -> dict[str, list[dict[str, Any]]]:
        """Return by table the rows that are new, in an order that does not depend on their keys."""
        names = {
            model: {key: f"new {place}" for place, key in enumerate(sorted(self._keys(model) - keys))}
            for model, keys in self.before.items()
            if not isinstance(model._meta.pk, UUIDField | CompositePrimaryKey)
        }
        found = {}
        for model in self.before:
            rows = [row for row in model._base_manager.all() if row.pk not in self.before[model]]
            found[model._meta.label] = sorted((self._row(row, names) for row in rows), key=repr)
        return {label: rows for label, rows in found.items() if rows}

    def _row(self, row: Model, names: dict[Any, dict[Any, str]]) -> dict[str, Any]:
        return {
            field.name: self._value(field, field.value_from_object(row), names)
            for field in row._meta.concrete_fields
            if not (field.primary_key and not field.is_relation)
        }

    @staticmethod
    def _value(field: Any, value: Any, names: dict[Any, dict[Any, str]]) -> Any:
        if field.is_relation:
            return names.get(field.target_field.model, {}).get(value, value)
        if field.name == "target_id":
            return names[Article].get(int(value), value)
        if isinstance(value, uuid.UUID):
            return f"uuid {value.version}"
        if isinstance(value, datetime) and timezone.now() - value < timedelta(minutes=1):
            return "now"
        return "today" if isinstance(value, date) and value == timezone.localdate() else str(value)


def copies_of(obj: Any) -> list[Any]:
    """Return the other objects of the model, oldest first."""
    return list(type(obj)._base_manager.exclude(pk=obj.pk).order_by("pk"))
