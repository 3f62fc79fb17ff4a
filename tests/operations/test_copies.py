"""What a copy takes over, and what it does not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models.signals import post_save
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from console.exceptions import InvalidOperation, ItemFailed
from console.operations import Copy, Span
from tests.operations.copying import (
    PATHS,
    RELATED,
    CopyAll,
    CopyInPython,
    CopySlowly,
    Picture,
    article,
    copies_of,
    copy,
    furnish,
    undone,
)
from tests.testapp.models import (
    Article,
    BeerGarden,
    Dish,
    Garden,
    Label,
    NiceArticle,
    Passport,
    Pizzeria,
    Place,
    Restaurant,
    Sticker,
    Token,
    Word,
)

pytestmark = pytest.mark.django_db
every_path = pytest.mark.parametrize("operation", PATHS)


@pytest.fixture
def labels() -> list[Label]:
    """Two labels."""
    return [Label.objects.create(name=name) for name in ("red", "green")]


def pictures(*spans: Span) -> list[dict[str, Any]]:
    """Return what each path makes of `spans`, each rolled back."""
    found = []
    for operation in PATHS:
        with undone():
            picture = Picture()
            copy(operation, *spans)
            found.append(picture.new())
    return found


def test_paths_agree_on_all_that_belongs_to_a_copy(labels: list[Label]) -> None:
    """The database, Python in bulk and save() make the same rows, down to every column of what belongs to a copy."""
    first, second = (furnish(article(slug, label=labels[0]), labels) for slug in ("one", "a-longer-slug-16"))
    first.friends.add(second)
    first.after.add(second, first)
    made = pictures(Span(first, 0, 2), Span(second, 0, 0))
    assert len(made[0]["testapp.Article"]) == 4
    assert made[0] == made[1] == made[2]


class PathsAgree(TestCase):
    """Whatever the values, the paths agree."""

    texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]), max_size=16)

    @settings(max_examples=40)
    @given(
        slug=texts,
        code=st.none() | texts,
        title=texts,
        number=st.integers(-(2**31), 2**31 - 1),
        data=st.lists(st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | texts, st.lists, max_leaves=4)),
        price=st.none() | st.decimals(-999, 999, places=2),
        seen=st.none()
        | st.datetimes(timezones=st.just(timezone.get_default_timezone())).filter(lambda t: t.year < 2020),
        first=st.integers(0, 2000),
        copies=st.integers(1, 12),
    )
    def test_on_any_values(self, **values: Any) -> None:
        """Texts cut to their length, numbers, JSON, decimals and times arrive unchanged on each path."""
        first, copies = values.pop("first"), values.pop("copies")
        values["position"], values["seen_at"] = values.pop("number"), values.pop("seen")
        source = Article._base_manager.get(pk=Article._base_manager.create(paper="a.txt", **values).pk)
        made = pictures(Span(source, first, first + copies - 1))
        assert len(made[0]["testapp.Article"]) == copies
        assert made[0] == made[1] == made[2]


@every_path
def test_a_copy_takes_over_every_value(operation: type[Copy], labels: list[Label]) -> None:
    """Foreign keys, files and values are the original's; times, generated and unique fields are the copy's own."""
    source = article(
        "one", title="Hello", label=labels[0], price=Decimal("1.50"), paper="p.txt", state="old", hidden=True
    )
    long_ago = timezone.now().replace(year=2001)
    Article._base_manager.update(created=long_ago, updated=long_ago, made_at=long_ago, data={"a": [1]})
    source = Article._base_manager.get()
    copy(operation, source)
    (made,) = copies_of(source)
    kept = ("label", "price", "paper", "state", "hidden", "data", "section", "code", "parent")
    assert [getattr(made, name) for name in kept] == [getattr(source, name) for name in kept]
    assert (made.title, made.slug, made.shout) == ("Hello-copy-1", "one-copy-1", "HELLO-COPY-1")
    assert made.public_id != source.public_id
    assert made.public_id.version == 4
    assert min(made.created, made.updated, made.made_at).year > 2001


def test_results_name_the_first_few(labels: list[Label]) -> None:
    """By the original's key, its copies among the first ten."""
    sources = [article(f"n{n}") for n in range(20)]
    results = copy(CopyAll, *(Span(source, 0, 2) for source in sources))
    assert list(results) == [source.pk for source in sources[:4]]
    made = [[Article._base_manager.get(pk=one.pk).slug for one in results[source.pk]] for source in sources[:4]]
    assert made == [[f"n{n}-copy-{number}" for number in (1, 2, 3)[: 10 - 3 * n]] for n in range(4)]


@every_path
def test_keys_that_are_uuids(operation: type[Copy], labels: list[Label]) -> None:
    """Copies get keys by the field's default, and what belongs to them follows."""

    class CopyTokens(operation):
        related = ("labels", "stickers")

    token = Token.objects.create(name="t")
    token.labels.set(labels)
    Sticker.objects.create(target=token, text="s")
    copy(CopyTokens, Span(token, 0, 2))
    made = Token.objects.exclude(pk=token.pk)
    assert sorted(t.name for t in made) == ["t-copy-1", "t-copy-2", "t-copy-3"]
    assert all(set(t.labels.all()) == set(labels) and t.stickers.count() == 1 for t in made)


@every_path
def test_keys_that_are_texts(operation: type[Copy], labels: list[Label]) -> None:
    """A key without default is derived like any unique text."""

    class CopyWords(operation):
        related = ("labels",)

    word = Word.objects.create(word="w")
    word.labels.set(labels)
    for _run in range(2):
        copy(CopyWords, Span(word, 0, 1))
    made = Word.objects.exclude(pk="w")
    assert sorted(w.pk for w in made) == ["w-copy-1", "w-copy-2", "w-copy-3", "w-copy-4"]
    assert len({w.secret for w in made}) == 4
    assert all(w.labels.count() == 2 for w in made)


@every_path
def test_inherited_models_are_copied_through_all_tables(operation: type[Copy], labels: list[Label]) -> None:
    """A copy has a row in each parent's table, and what belongs to it may refer to any of them."""

    class CopyPlaces(operation):
        related = ("labels", "dishes")

    pizzeria = Pizzeria.objects.create(name="p", stars=3, oven="o")
    pizzeria.labels.set(labels)
    Dish.objects.create(restaurant=pizzeria, name="d")
    copy(CopyPlaces, Span(pizzeria, 0, 1))
    made = copies_of(pizzeria)
    assert [(p.name, p.stars, p.oven) for p in made] == [("p-copy-1", 3, "o-copy-1"), ("p-copy-2", 3, "o-copy-2")]
    assert all(p.labels.count() == 2 and p.dishes.get().name == "d" for p in made)
    assert Place.objects.count() == Restaurant.objects.count() == 3


@every_path
def test_relations_are_copied_from_their_other_end_too(operation: type[Copy], labels: list[Label]) -> None:
    """A reverse relation, with or without a model of its own, belongs to a copy if it is named."""

    class CopyLabels(operation):
        related = ("labelled", "ranked")

    source = furnish(article("one"), labels)
    copy(CopyLabels, Span(labels[0], 0, 1))
    made = copies_of(labels[0])[1:]
    assert [(list(m.labelled.all()), m.ranked.count()) for m in made] == [([source], 1)] * 2


def test_several_parents_are_copied_by_save() -> None:
    """A model of several parents gets a row in each of their tables."""
    garden = BeerGarden.objects.create(name="b", trees=2, beers=9)
    copy(Copy, Span(garden, 0, 1))
    assert [(g.name, g.trees, g.beers) for g in copies_of(garden)] == [("b-copy-1", 2, 9), ("b-copy-2", 2, 9)]
    assert Place.objects.count() == Garden.objects.count() == 3


@every_path
def test_a_proxy_is_copied_like_its_model(operation: type[Copy], labels: list[Label]) -> None:
    """An instance of a proxy makes rows of its model."""
    furnish(article("one"), labels)
    nice = NiceArticle._base_manager.get()
    copy(operation, Span(nice, 0, 1))
    assert [made.labels.count() for made in copies_of(nice)] == [2, 2]


def test_what_cannot_be_shared_is_named_with_its_cure() -> None:
    """A one-to-one relation, and a unique number, must be left empty or made up: the error says so."""
    with pytest.raises(InvalidOperation, match=r"article must be unique.*cleared = \('article',\)"):
        Copy.plan(Passport)


@every_path
def test_cleared_fields_start_anew(operation: type[Copy]) -> None:
    """A cleared field gets its default, or nothing."""

    class CopyPassports(operation):
        related = ()
        cleared = ("article", "number")

    passport = Passport.objects.create(article=article("one"), number=5)
    copy(CopyPassports, Span(passport, 0, 1))
    assert [(made.article, made.number) for made in copies_of(passport)] == [(None, None)] * 2


@pytest.mark.parametrize("slow", [False, True])
def test_a_hook_sees_each_copy(slow: bool, labels: list[Label]) -> None:  # noqa: FBT001
    """copy_instance may change all but the key, and relations follow."""

    class CopyTitled(Copy):
        related = RELATED
        send_signals = slow

        def copy_instance(self, original: Any, copy: Any, number: int) -> None:
            copy.title = f"{original.title} ({number})"
            copy.data["n"] = number
            copy.pk = copy.pk if slow else 7

    source = furnish(article("one", data={"n": 0}), labels)
    copy(CopyTitled, Span(source, 0, 1))
    made = copies_of(source)
    assert [(m.title, m.slug, m.data) for m in made] == [
        ("one (1)", "one-copy-1", {"n": 1}),
        ("one (2)", "one-copy-2", {"n": 2}),
    ]
    assert [m.labels.count() for m in made] == [2, 2]


def test_signals_are_sent_where_asked_for() -> None:
    """Neither path sends signals, unless the operation says so."""
    seen: list[Any] = []

    def receiver(instance: Any, **_: Any) -> None:
        seen.append(instance.slug)

    source = article("one")
    post_save.connect(receiver, sender=Article)
    try:
        copy(CopyAll, source)
        copy(CopyInPython, source)
        assert seen == []
        copy(CopySlowly, source)
    finally:
        post_save.disconnect(receiver, sender=Article)
    assert seen[-1:] == ["one-copy-3"]


def test_the_path_is_told() -> None:
    """Which way copies are made, and why, can be shown."""

    class Plain(Copy):
        related = ("labels",)

    class Hooked(Plain):
        related = ("labels", "summary")

        def copy_instance(self, original: Any, copy: Any, number: int) -> None:
            """Do nothing."""

    assert "INSERT" in Plain.path(Article)
    assert Hooked.path(Article) == "In Python, written in bulk (testapp.Article: copy_instance is overridden)."
    assert "testapp.Remark: testapp.Remark.article does not refer to the primary key" in CopyAll.path(Article)
    assert "testapp.Garden" in Copy.path(BeerGarden)


def test_unknown_names_are_refused() -> None:
    """A misspelt relation or field is an error of the declaration."""

    class Misspelt(Copy):
        related = ("lables",)

    class Unknown(Copy):
        cleared = ("titel",)

    for operation, name in ((Misspelt, "lables"), (Unknown, "titel")):
        with pytest.raises(InvalidOperation, match=name):
            operation.plan(Article)


@pytest.mark.parametrize("operation", [CopyAll])
def test_a_vanished_original_is_named(operation: type[Copy]) -> None:
    """An original that went away by raw SQL is that item's failure, and nothing is written."""
    stays, goes = article("stays"), article("goes")
    with connection.cursor() as cursor:
        cursor.execute('DELETE FROM "odd Table" WHERE id = %s', [goes.pk])
    with pytest.raises(ItemFailed) as caught:
        copy(operation, stays, goes)
    assert caught.value.obj == goes
    assert Article._base_manager.count() == 1
