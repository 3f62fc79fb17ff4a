"""Rows are written through a resource as django-import-export would, and each error keeps its row."""

from __future__ import annotations

import pytest
from django.db import transaction

from console.imports import Kind, plan
from tests.imports.resources import (
    ArticleResource,
    CarefulArticleResource,
    ChapterResource,
    CheckedArticleResource,
    DeletingArticleResource,
    LabelResource,
    LoggingArticleResource,
    NiceArticleResource,
    PizzeriaResource,
    rows_of,
    write,
)
from tests.testapp.models import Article, Chapter, Label, Pizzeria, Place

pytestmark = pytest.mark.django_db


def kinds(outcomes: object) -> list[str]:
    """Return the kinds of some outcomes."""
    return [outcome.kind.value for outcome in outcomes]  # type: ignore[attr-defined]


def test_rows_make_and_change_objects() -> None:
    """A row whose object exists changes it; any other makes one, with its relations."""
    news, sport = Label.objects.create(name="news"), Label.objects.create(name="sport")
    Article.objects.create(slug="old", title="Old", label=news)
    outcomes = write(
        ArticleResource,
        {"slug": "old", "title": "New", "price": "1.50", "label": "sport", "labels": "news|sport"},
        {"slug": "fresh", "title": "Fresh", "price": "", "label": "", "labels": "sport"},
        show={Kind.NEW: 1, Kind.CHANGED: 1},
    )
    assert kinds(outcomes) == ["changed", "new"]
    old, fresh = Article.objects.order_by("pk")
    assert (old.title, old.price, old.label) == ("New", 1.5, sport)
    assert set(old.labels.all()) == {news, sport}
    assert (fresh.slug, fresh.price, fresh.label, fresh.section) == ("fresh", None, None, "news")
    assert set(fresh.labels.all()) == {sport}
    assert [outcome.pk for outcome in outcomes] == [old.pk, fresh.pk]
    assert [outcome.existing for outcome in outcomes] == [True, False]
    assert [outcome.label for outcome in outcomes] == ["New", "Fresh"]


def test_a_row_that_fails_leaves_the_others() -> None:
    """Its number in the file, the field, the value and the cause are told; the rows around it are written."""
    outcomes = write(
        ArticleResource,
        {"slug": "a", "title": "A", "price": "1", "label": ""},
        {"slug": "b", "title": "B", "price": "1", "label": "J. Smiht"},
        {"slug": "c", "title": "C", "price": "much", "label": ""},
        {"slug": "d", "title": "D", "price": "1", "label": ""},
        first=213,
    )
    assert kinds(outcomes) == ["new", "failed", "failed", "new"]
    assert outcomes[1].sentences == ["Row 214, label: no label is called “J. Smiht”."]
    assert outcomes[2].sentences == ["Row 215, price: “much” is not a number."]
    assert [reason.value for reason in outcomes[1].reasons] == ["J. Smiht"]
    assert set(Article.objects.values_list("slug", flat=True)) == {"a", "d"}


def test_a_row_that_the_database_refuses_leaves_nothing_behind() -> None:
    """A constraint that only the database knows fails one row."""
    Article.objects.create(slug="taken", title="T", code="X")
    outcomes = write(
        ArticleResource,
        {"slug": "a", "title": "A", "code": "Y"},
        {"slug": "b", "title": "B", "code": "X"},
        {"slug": "c", "title": "C", "code": "Z"},
    )
    assert kinds(outcomes) == ["new", "failed", "new"]
    assert outcomes[1].sentences == ["Row 2: Another article already has this code."]
    assert set(Article.objects.values_list("slug", flat=True)) == {"taken", "a", "c"}


def test_objects_are_validated_where_the_resource_asks_for_it() -> None:
    """What full_clean refuses fails that row, field by field."""
    Article.objects.create(slug="taken", title="T", code="X")
    row = {"section": "news", "code": "X"}
    outcomes = write(
        CheckedArticleResource,
        {"slug": "a b", "title": "x" * 31, **row},
        {"slug": "c", "title": "", "section": "news", "code": "Y"},
    )
    assert kinds(outcomes) == ["failed", "failed"]
    assert [reason.field for reason in outcomes[0].reasons][:2] == ["title", "slug"]
    assert {reason.field for reason in outcomes[0].reasons} >= {"title", "slug", "code"}


def test_the_second_row_of_a_key_changes_what_the_first_one_made() -> None:
    """As in django-import-export's default mode."""
    outcomes = write(ArticleResource, {"slug": "a", "title": "One"}, {"slug": "a", "title": "Two"})
    assert kinds(outcomes) == ["new", "changed"]
    assert Article.objects.get().title == "Two"


def test_unchanged_rows_are_left_out_where_the_resource_asks_for_it() -> None:
    """They are counted as unchanged, and their times stay."""
    label = Label.objects.create(name="news")
    article = Article.objects.create(slug="a", title="A")
    article.labels.add(label)
    outcomes = write(CarefulArticleResource, {"slug": "a", "title": "A", "labels": "news"})
    assert kinds(outcomes) == ["unchanged"]
    assert Article.objects.get().updated == article.updated
    assert kinds(write(CarefulArticleResource, {"slug": "a", "title": "A", "labels": ""})) == ["changed"]


def test_rows_delete_where_the_resource_says_so() -> None:
    """A row about an object that does not exist is skipped."""
    article = Article.objects.create(slug="a", title="A")
    outcomes = write(DeletingArticleResource, {"slug": "a", "title": "DELETE"}, {"slug": "b", "title": "DELETE"})
    assert kinds(outcomes) == ["deleted", "skipped"]
    assert outcomes[0].pk == article.pk
    assert not Article.objects.exists()


def test_objects_are_found_by_two_fields() -> None:
    """One of them may be a foreign key."""
    article = Article.objects.create(slug="a", title="A")
    Chapter.objects.create(article=article, name="one", anchor="1")
    outcomes = write(
        ChapterResource,
        {"article": "a", "name": "one", "anchor": "eins"},
        {"article": "a", "name": "two", "anchor": "zwei"},
    )
    assert kinds(outcomes) == ["changed", "new"]
    assert set(Chapter.objects.values_list("name", "anchor")) == {("one", "eins"), ("two", "zwei")}


def test_proxies_and_inherited_models_are_imported() -> None:
    """All tables of an inherited model are written."""
    assert kinds(write(NiceArticleResource, {"slug": "a", "title": "A"})) == ["new"]
    assert kinds(write(NiceArticleResource, {"slug": "a", "title": "B"})) == ["changed"]
    assert Article.objects.get().title == "B"
    assert kinds(write(PizzeriaResource, {"name": "Da Gino", "stars": "3", "oven": "wood"})) == ["new"]
    assert kinds(write(PizzeriaResource, {"name": "Da Gino", "stars": "4", "oven": "wood"})) == ["changed"]
    assert Place.objects.get().name == "Da Gino"
    assert Pizzeria.objects.get().stars == 4


def test_keys_may_come_from_the_file() -> None:
    """The database counts on behind them."""
    outcomes = write(LabelResource, {"id": "7", "name": "seven"}, {"id": "", "name": "next"})
    assert kinds(outcomes) == ["new", "new"]
    later = Label.objects.create(name="later")
    assert later.pk > 7


def test_a_hook_that_needs_saved_objects_gets_them() -> None:
    """The path says why it goes row by row."""
    path = plan(LoggingArticleResource())
    outcomes = path.write(rows_of({"slug": "a", "title": "A"}))
    assert kinds(outcomes) == ["new"]
    assert Chapter.objects.get().anchor == "a-first"
    assert not path.in_bulk


def test_changes_are_told_of_as_many_rows_as_are_shown() -> None:
    """The first of each kind, field by field, as the resource exports them."""
    Article.objects.create(slug="a", title="A", section="news")
    show = {Kind.NEW: 1, Kind.CHANGED: 1}
    outcomes = write(
        ArticleResource,
        {"slug": "a", "title": "B", "section": "news"},
        {"slug": "b", "title": "C", "section": "sport"},
        {"slug": "c", "title": "D", "section": "sport"},
        show=show,
    )
    assert [(c.field, c.old, c.new) for c in outcomes[0].changes] == [("title", "A", "B")]
    assert ("title", "", "C") in outcomes[1].changes
    assert outcomes[2].changes == ()
    assert show == {Kind.NEW: 0, Kind.CHANGED: 0}


def test_a_dry_run_is_rolled_back_by_the_caller() -> None:
    """Its outcomes are those of a real one."""
    with transaction.atomic():
        outcomes = write(ArticleResource, {"slug": "a", "title": "A"}, dry_run=True)
        transaction.set_rollback(True)
    assert kinds(outcomes) == ["new"]
    assert not Article.objects.exists()
