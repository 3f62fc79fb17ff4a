"""Updates write what differs, leave out what does not, and need few statements for it."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import F
from django.db.models.signals import m2m_changed, post_save
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from console.exceptions import InvalidOperation, ItemFailed, Skip
from console.operations import Result, Update
from tests.operations.copying import article
from tests.testapp.models import Article, Label, Pizzeria, Rank

pytestmark = pytest.mark.django_db


def update(operation: type[Update] | Update, *objects: Any) -> Any:
    """Run `operation` on objects in a transaction, as the engine does."""
    operation = operation if isinstance(operation, Update) else operation()
    with transaction.atomic():
        return operation.process(objects)


def fresh(*titles: str, **values: Any) -> list[Article]:
    """Return new articles with these titles, last updated long ago."""
    for title in titles:
        article(f"s-{title}", title=title, **values)
    Article._base_manager.update(updated=timezone.now().replace(year=2001))
    return list(Article._base_manager.order_by("pk"))


class Relabel(Update):
    """Writes constants."""

    values = {"section": "sport", "price": "2.50"}


class Shorten(Update):
    """Writes a value of each object's own."""

    def values(self, obj: Article) -> dict[str, Any]:
        """Return the title without blanks."""
        return {"title": obj.title.strip(), "position": obj.pk}


class LabelsForm(forms.Form):
    """What a person may set."""

    title = forms.CharField()
    label = forms.ModelChoiceField(Label.objects.all(), required=False)
    gain = forms.ModelMultipleChoiceField(Label.objects.all(), required=False)
    lose = forms.ModelMultipleChoiceField(Label.objects.all(), required=False)


class Retag(Update):
    """Adds and removes labels."""

    form = LabelsForm
    add = {"labels": "gain"}
    remove = {"labels": "lose"}


def test_equal_values_are_one_statement_and_unchanged_objects_are_skipped() -> None:
    """All objects that get the same values are written at once; one that has them is left out, untouched."""
    objects = fresh("a", "b", "c")
    Article._base_manager.filter(pk=objects[1].pk).update(section="sport", price="2.50")
    objects = list(Article._base_manager.order_by("pk"))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        results = update(Relabel, *objects)
    assert sum(query["sql"].startswith("UPDATE") for query in queries) == 1
    assert isinstance(results[objects[1].pk], Skip)
    assert isinstance(results[objects[0].pk], Result)
    assert [(a.section, str(a.price), a.updated.year > 2001) for a in Article._base_manager.order_by("pk")] == [
        ("sport", "2.50", True),
        ("sport", "2.50", False),
        ("sport", "2.50", True),
    ]


def test_a_value_for_each_object_is_written_in_one_batch() -> None:
    """Values that differ from object to object reach each its own, with the time of the change."""
    objects = fresh(*(f" {n} " for n in range(40)))
    with CaptureQueriesContext(connection) as queries:
        update(Shorten, *objects)
    assert len(queries) <= 4
    rows = list(Article._base_manager.order_by("pk"))
    assert [row.title for row in rows] == [str(n) for n in range(40)]
    assert all(row.position == row.pk and row.updated.year > 2001 for row in rows)


def test_many_values_of_an_inherited_model_reach_their_tables() -> None:
    """Columns of a parent's table are written there."""

    class Renumber(Update):
        def values(self, obj: Any) -> dict[str, Any]:
            return {"name": f"n{obj.pk}", "stars": obj.pk, "oven": f"o{obj.pk}"}

    for n in range(10):
        Pizzeria.objects.create(name=str(n), oven=str(n))
    update(Renumber, *Pizzeria.objects.all())
    assert all((p.name, p.stars, p.oven) == (f"n{p.pk}", p.pk, f"o{p.pk}") for p in Pizzeria.objects.all())


def test_expressions_and_instances_and_json_are_values() -> None:
    """An expression is computed by the database, an instance stands for its key, JSON is compared as it is."""
    label = Label.objects.create(name="x")

    class Mix(Update):
        values = {"position": F("position") + 1, "label": label, "data": {"a": [1]}}

    objects = fresh("a", "b")
    for _run in range(2):
        update(Mix, *Article._base_manager.all())
    assert [(a.position, a.label, a.data) for a in Article._base_manager.all()] == [(2, label, {"a": [1]})] * len(
        objects
    )


def test_the_form_gives_values() -> None:
    """A field of the form writes the field of the same name; an empty one that is not required changes nothing."""

    class Retitle(Update):
        form = LabelsForm
        fields = ("title", "label")

    label = Label.objects.create(name="x")
    (obj,) = fresh("a", label=label)
    update(Retitle({"title": "new"}), obj)
    obj = Article._base_manager.get()
    assert (obj.title, obj.label) == ("new", label)


def test_relations_are_added_and_removed_in_bulk() -> None:
    """What is there already stays once; an object that gains and loses nothing is skipped."""
    red, green, blue = (Label.objects.create(name=name) for name in ("red", "green", "blue"))
    first, second, third = fresh("a", "b", "c")
    first.labels.set([red])
    second.labels.set([red, blue])
    third.labels.set([green])
    operation = Retag({"title": "-", "gain": [green.pk], "lose": [red.pk]})
    ContentType.objects.get_for_models(Article, Label)  # Django remembers them, unless the last test emptied its tables
    with CaptureQueriesContext(connection) as queries:
        results = update(operation, first, second, third)
    # 8, and one where an earlier test had the relation guarded: Django reads rows before it deletes them if anybody listens.
    assert len(queries) <= 9
    assert [set(a.labels.all()) for a in (first, second, third)] == [{green}, {green, blue}, {green}]
    assert [pk for pk, result in results.items() if isinstance(result, Skip)] == [third.pk]


def test_symmetrical_relations_are_changed_on_both_sides() -> None:
    """A friend gained or lost is gained or lost by both."""

    class Befriend(Update):
        add = {"friends": "friends"}

    class Part(Update):
        remove = {"friends": "friends"}

    first, second = fresh("a", "b")
    for operation, expected in ((Befriend(), [first]), (Part(), [])):
        operation.params = {"friends": [second]}
        update(operation, first)
        assert list(Article._base_manager.get(pk=second.pk).friends.all()) == expected
        assert first.friends.count() == len(expected)


def test_relations_with_a_table_of_their_own_are_removed() -> None:
    """A row of an explicit table goes like any other."""

    class Ranked(Update):
        remove = {"ranked": "labels"}

    label = Label.objects.create(name="x")
    (obj,) = fresh("a")
    Rank.objects.create(article=obj, label=label, rank=1)
    operation = Ranked()
    operation.params = {"labels": [label]}
    update(operation, obj)
    assert not Rank.objects.exists()


def test_what_validation_refuses_fails_alone() -> None:
    """With full_clean an invalid object is that item's failure, and the others are written."""

    class Lengthen(Update):
        full_clean = True

        def values(self, obj: Article) -> dict[str, Any]:
            return {"title": obj.title * 20, "data": {"a": 1}, "paper": "p"}

    label = Label.objects.create(name="x")
    long, short = fresh("long", "s", label=label)
    for place, obj in enumerate((long, short)):
        obj.code, obj.seen_at, obj.price, obj.parent = f"c{place}", timezone.now(), 1, short
        obj.save()
    results = update(Lengthen, long, short)
    assert isinstance(results[long.pk], ItemFailed)
    assert "30" in str(results[long.pk])
    assert sorted(Article._base_manager.values_list("title", flat=True)) == ["long", "s" * 20]


@pytest.mark.parametrize("slow", [False, True])
def test_signals_are_sent_only_by_save(slow: bool) -> None:  # noqa: FBT001
    """use_save calls save() and Django's manager; else no signal is sent."""

    class Change(Retag):
        values = {"section": "sport"}
        use_save = slow

    seen: list[str] = []

    def receiver(signal: Any, **_: Any) -> None:
        seen.append("relation" if signal is m2m_changed else "saved")

    label = Label.objects.create(name="x")
    (obj,) = fresh("a")
    post_save.connect(receiver, sender=Article)
    m2m_changed.connect(receiver, sender=Article.labels.through)
    try:
        update(Change({"title": "-", "gain": [label.pk]}), obj)
    finally:
        post_save.disconnect(receiver, sender=Article)
        m2m_changed.disconnect(receiver, sender=Article.labels.through)
    assert seen == (["relation", "relation", "saved"] if slow else [])
    obj = Article._base_manager.get()
    assert (obj.section, list(obj.labels.all()), obj.updated.year > 2001) == ("sport", [label], True)


def test_unknown_fields_are_refused() -> None:
    """A misspelt field or relation is an error of the declaration."""

    class Misspelt(Update):
        values = {"titel": "x"}

    class Relation(Update):
        add = {"lables": "x"}

    (obj,) = fresh("a")
    operation = Relation()
    operation.params = {"x": [1]}
    for wrong, name in ((Misspelt(), "titel"), (operation, "lables")):
        with pytest.raises(InvalidOperation, match=name):
            update(wrong, obj)
