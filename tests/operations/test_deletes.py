"""Deletion cascades, and what must stay is named with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.signals import pre_delete
from django.test.utils import CaptureQueriesContext

from console.exceptions import ItemFailed, ObjectHeld
from console.operations import Delete
from tests.operations.copying import article, furnish
from tests.testapp.models import Article, Chapter, Invoice, Label, Rank, Remark, Sticker, Vote

pytestmark = pytest.mark.django_db


def delete(*objects: Any) -> Any:
    """Delete objects in a transaction, as the engine does."""
    with transaction.atomic():
        return Delete().process(objects)


def test_what_belongs_to_an_object_goes_with_it() -> None:
    """Children, relations and generic relations go; what refers without belonging is emptied."""
    labels = [Label.objects.create(name=name) for name in ("red", "green")]
    goes = furnish(article("goes"), labels)
    stays = article("stays", parent=goes)
    key = goes.pk
    results = delete(goes)
    assert goes.pk == key
    assert list(Article._base_manager.all()) == [stays]
    assert Article._base_manager.get().parent is None
    assert not any(model.objects.exists() for model in (Chapter, Rank, Remark, Sticker, Vote))
    assert results[key].text == "goes, and 13 more that belonged to it"


def test_what_must_stay_is_named_and_the_others_go() -> None:
    """An object that others refer to fails with words; the rest of its chunk is deleted all the same."""
    free, protected, restricted, both = (
        Label.objects.create(name=n) for n in ("free", "protected", "restricted", "both")
    )
    for n in range(3):
        Invoice.objects.create(label=restricted)
        article(f"a{n}", label=protected)
    Invoice.objects.create(label=both)
    keys = [label.pk for label in (free, protected, restricted, both)]
    results = delete(free, protected, restricted, both)
    assert list(Label.objects.order_by("pk").values_list("pk", flat=True)) == keys[1:]
    assert results[keys[0]].text == "free"
    assert [str(results[key]) for key in keys[1:]] == [
        "It cannot be deleted because 3 articles refer to it.",
        "It cannot be deleted because 3 invoices refer to it.",
        "It cannot be deleted because 1 invoice refers to it.",
    ]
    assert all(isinstance(results[key], ItemFailed) for key in keys[1:])


@pytest.fixture
def unguarded() -> Iterator[None]:
    """No receiver of other tests' guards: they ask per object, and are no part of what is counted."""
    receivers, pre_delete.receivers = pre_delete.receivers, []
    pre_delete.sender_receivers_cache.clear()
    yield
    pre_delete.receivers = receivers
    pre_delete.sender_receivers_cache.clear()


@pytest.mark.usefixtures("unguarded")
def test_one_that_must_stay_is_found_in_few_questions() -> None:
    """A chunk is halved, not searched one by one, for what forbids its deletion."""
    labels = [Label.objects.create(name=str(n)) for n in range(64)]
    article("a", label=labels[40])
    with CaptureQueriesContext(connection) as queries:
        results = delete(*labels)
    assert list(Label.objects.all()) == [labels[40]]
    assert "1 article refers to it" in str(results[labels[40].pk])
    assert len(queries) < 64


@pytest.mark.usefixtures("unguarded")
def test_a_chunk_is_deleted_by_few_statements() -> None:
    """The statements do not grow with the objects."""
    counts = []
    for size in (2, 40):
        objects = [article(f"n{n}") for n in range(size)]
        with CaptureQueriesContext(connection) as queries:
            delete(*objects)
        counts.append(len(queries))
    assert counts[1] <= counts[0]  # the first one looks up content types too
    assert not Article._base_manager.exists()


def test_a_guard_forbids_and_nothing_is_gone() -> None:
    """What a receiver of pre_delete refuses, such as a held child, stops the chunk with its own words."""
    goes = furnish(article("goes"), [Label.objects.create(name="x")])

    def guard(instance: Chapter, **_: Any) -> None:
        raise ObjectHeld(instance, 7, "Copy", saving=False)

    pre_delete.connect(guard, sender=Chapter)
    try:
        with pytest.raises(ObjectHeld, match="run 7"):
            delete(goes)
    finally:
        pre_delete.disconnect(guard, sender=Chapter)
    assert Article._base_manager.exists()
    assert Chapter.objects.exists()


def test_hidden_rows_are_deleted_too() -> None:
    """A manager that hides rows does not keep them."""
    delete(article("hidden", hidden=True))
    assert not Article._base_manager.exists()


def test_nothing_is_deleted_of_nothing() -> None:
    """An empty chunk is no error."""
    assert not delete()
