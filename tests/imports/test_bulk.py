"""Rows are written in bulk where a resource allows it; which path is taken, and why, is told."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext
from import_export import resources

from console.imports import Holder, Kind, Row, plan
from console.imports.batches import RowsChanged
from console.imports.bulk import SIZE
from console.imports.rows import RowPath
from notes.models import Note, Tag
from tests.imports.resources import (
    ArticleResource,
    CarefulArticleResource,
    CheckedArticleResource,
    DeletingArticleResource,
    LabelResource,
    LoggingArticleResource,
    PizzeriaResource,
    rows_of,
    write,
)
from tests.imports.test_rows import kinds
from tests.testapp.models import Article, Label, Pizzeria

pytestmark = pytest.mark.django_db
MANY = 200


class HookedResource(ArticleResource):
    """Has every hook that needs an object of each row, though not a saved one."""

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        """Tidy a value."""
        row["title"] = row["title"].strip()

    def before_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        """Change a value."""
        instance.section = "hooked"


def articles(count: int, **values: str) -> list[dict[str, str]]:
    """Return rows of different articles."""
    return [
        {"slug": f"s{n}", "title": f"T{n}", "label": "news", "labels": "news|sport", **values} for n in range(count)
    ]


@pytest.fixture
def _labels() -> None:
    """Have the labels that the rows name."""
    Label.objects.bulk_create([Label(name=name) for name in ("news", "sport")])


@pytest.mark.usefixtures("_labels")
@pytest.mark.parametrize("kind", [ArticleResource, CarefulArticleResource, HookedResource, DeletingArticleResource])
def test_statements_do_not_grow_with_the_rows(kind: type[Any]) -> None:
    """New rows and changed ones: what they find, refer to and write is asked and told for all of them at once."""
    for title in ("one", "two"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            outcomes = write(kind, *articles(MANY, section=title))
        assert len(queries) < 40, [query["sql"][:100] for query in queries]
        assert {outcome.kind for outcome in outcomes} == {Kind.NEW if title == "one" else Kind.CHANGED}
    assert Article.objects.filter(labels__name="sport", label__name="news").count() == MANY


@pytest.mark.usefixtures("_labels")
def test_a_row_that_only_the_database_refuses_fails_alone() -> None:
    """The chunk is rolled back and halved, until the row that a constraint under a condition refuses is left."""
    Article._base_manager.create(slug="there", title="Clash", section="sport", hidden=True)

    class Hiding(ArticleResource):
        class Meta(ArticleResource.Meta):
            fields = ("slug", "title", "section", "hidden")

    rows = [{"slug": f"s{n}", "title": f"T{n}", "section": "sport", "hidden": "1"} for n in range(50)]
    rows[33]["title"] = "CLASH"
    outcomes = write(Hiding, *rows)
    assert [outcome.row for outcome in outcomes if outcome.kind is Kind.FAILED] == [34]
    assert Article._base_manager.filter(slug__startswith="s").count() == 49


@pytest.mark.usefixtures("_labels")
def test_rows_of_objects_that_others_hold_fail_and_name_the_run() -> None:
    """The objects are locked by then; those that are free are written."""
    held, _free = [Article.objects.create(slug=slug, title="T") for slug in ("s0", "s1")]
    asked = []

    def who(pks: Any) -> dict[Any, Holder]:
        asked.append(set(pks))
        return {held.pk: Holder(1187, "Update tags")}

    outcomes = write(ArticleResource, *articles(4), held=who)
    assert kinds(outcomes) == ["failed", "changed", "new", "new"]
    assert (outcomes[0].held_by, outcomes[0].pk, outcomes[0].label) == (1187, held.pk, "T")
    assert outcomes[0].sentences == [
        "Row 1: the article “T” is locked by Update tags (run 1187). Retry when it has ended."
    ]
    assert asked[0] == {held.pk, _free.pk}
    assert Article.objects.get(slug="s0").title == "T"


@pytest.mark.usefixtures("_labels")
def test_a_chunk_of_any_size_is_written() -> None:
    """All or nothing makes one chunk of a file."""
    rows = [{"id": "", "name": f"label {n}"} for n in range(SIZE + 500)]
    outcomes = write(LabelResource, *rows)
    assert [outcome.row for outcome in outcomes] == list(range(1, SIZE + 501))
    assert len({outcome.pk for outcome in outcomes}) == SIZE + 500
    assert Label.objects.count() == SIZE + 502


def test_rows_that_delete_go_together() -> None:
    """With what belongs to their objects."""
    for n in range(20):
        Article.objects.create(slug=f"s{n}", title="T").chapters.create(name="one", anchor=str(n))
    rows = [{"slug": f"s{n}", "title": "DELETE" if n % 2 else "Kept"} for n in range(20)]
    outcomes = write(DeletingArticleResource, *rows, show={Kind.DELETED: 1})
    assert kinds(outcomes) == ["changed", "deleted"] * 10
    assert Article.objects.count() == 10
    assert ("title", "T", "") in outcomes[1].changes


def test_notes_are_validated_together() -> None:
    """Values of the file and values it does not give; what is wrong is told field by field."""

    class Checked(resources.ModelResource):
        class Meta:
            model = Note
            import_id_fields = ("slug",)
            fields = ("slug", "title", "body")
            clean_model_instances = True

    Note.objects.create(slug="n0", title="x" * 20)
    rows = [{"slug": f"n{n}", "title": f"Title {n}", "body": "b"} for n in range(30)]
    rows[7]["title"] = "x" * 201
    rows[9]["slug"] = "no slug"
    with CaptureQueriesContext(connection) as queries:
        outcomes = write(Checked, *rows)
    assert [(o.row, o.reasons[0].field) for o in outcomes if o.kind is Kind.FAILED] == [(8, "title"), (10, "slug")]
    assert Note.objects.count() == 28
    assert len(queries) < 40


def test_inherited_models_are_written_table_by_table() -> None:
    """New and changed."""
    rows = [{"name": f"P{n}", "stars": "1", "oven": f"oven {n}"} for n in range(30)]
    with CaptureQueriesContext(connection) as queries:
        assert set(kinds(write(PizzeriaResource, *rows))) == {"new"}
        assert set(kinds(write(PizzeriaResource, *[{**row, "stars": "5"} for row in rows]))) == {"changed"}
    assert Pizzeria.objects.filter(stars=5, oven__startswith="oven", changed__isnull=False).count() == 30
    assert len(queries) < 60


@pytest.mark.usefixtures("_labels")
def test_a_hook_may_add_and_remove_columns_of_a_row() -> None:
    """Relations are set where it adds them, and left where it removes them."""

    class Filling(ArticleResource):
        def before_import_row(self, row: Any, **kwargs: Any) -> None:
            row["label"] = "sport"
            if row["title"].startswith("Kept"):
                del row["labels"]

    class Adding(ArticleResource):
        def before_import_row(self, row: Any, **kwargs: Any) -> None:
            row["labels"] = "news"

    write(ArticleResource, *articles(3))
    with CaptureQueriesContext(connection) as queries:
        write(Filling, *[{"slug": f"s{n}", "title": f"Kept {n}" if n else "Set", "labels": ""} for n in range(3)])
    assert [article.labels.count() for article in Article.objects.order_by("slug")] == [0, 2, 2]
    assert set(Article.objects.values_list("label__name", flat=True)) == {"sport"}
    write(Adding, {"slug": "s0", "title": "Set"})
    assert Article.objects.get(slug="s0").labels.get().name == "news"
    assert len(queries) < 40


def test_hooks_of_an_import_run_once_a_chunk() -> None:
    """`before_import` may change the rows, and `after_import` sees what came of them; numbers are those of the file."""
    seen: list[Any] = []

    class Watching(ArticleResource):
        def before_import(self, dataset: Any, **kwargs: Any) -> None:
            seen.append(("before", len(dataset), kwargs["user"]))
            dataset.append_col(["sport"] * len(dataset), header="section")

        def after_import(self, dataset: Any, result: Any, **kwargs: Any) -> None:
            seen.append(("after", result.totals["new"], kwargs["dry_run"]))

    path = plan(Watching(), user="ana")
    outcomes = path.write(rows_of({"slug": "a", "title": "A"}, {"slug": "b", "title": "B"}, first=40))
    path.write(rows_of({"slug": "c", "title": "C"}), dry_run=True)
    assert [outcome.row for outcome in outcomes] == [40, 41]
    assert seen == [("before", 2, "ana"), ("after", 2, False), ("before", 1, "ana"), ("after", 1, True)]
    assert set(Article.objects.values_list("section", flat=True)) == {"sport"}


def test_a_hook_may_not_change_the_number_of_rows() -> None:
    """Their numbers would be lost."""

    class Dropping(ArticleResource):
        def before_import(self, dataset: Any, **kwargs: Any) -> None:
            del dataset[0]

    with pytest.raises(RowsChanged, match="before_import of Dropping"):
        write(Dropping, {"slug": "a", "title": "A"}, {"slug": "b", "title": "B"})


@pytest.mark.parametrize("kind", [HookedResource, LoggingArticleResource])
def test_trouble_that_passes_is_no_fault_of_a_row(kind: type[Any]) -> None:
    """It is raised, though django-import-export swallows it, so that the chunk is tried again."""

    class Unlucky(kind):  # type: ignore[misc]
        def before_import_row(self, row: Any, **kwargs: Any) -> None:
            raise OperationalError("server closed the connection")

    with pytest.raises(OperationalError):
        write(Unlucky, {"slug": "a", "title": "A"})


class TestWhy:
    """What stands against the bulk path is said in words."""

    def why(self, kind: type[Any]) -> list[str]:
        """Return the reasons of a resource's path."""
        path = plan(kind())
        assert path.in_bulk is not isinstance(path, RowPath)
        return list(path.why)

    def test_nothing_stands_against_an_ordinary_resource(self) -> None:
        """Nor does validation, nor a hook before saving."""
        for kind in (ArticleResource, CheckedArticleResource, CarefulArticleResource, HookedResource, PizzeriaResource):
            assert self.why(kind) == []
        assert plan(ArticleResource()).sentence == "In bulk."

    def test_a_hook_that_needs_saved_objects_does(self) -> None:
        """By its name."""
        assert self.why(LoggingArticleResource) == ["LoggingArticleResource overrides after_save_instance"]
        sentence = "Row by row, because LoggingArticleResource overrides after_save_instance."
        assert plan(LoggingArticleResource()).sentence == sentence

    def test_receivers_of_signals_do_unless_the_resource_asks_for_bulk(self) -> None:
        """`use_bulk` is consent to writing without them."""

        def receiver(**kwargs: Any) -> None:
            """Listen."""

        class Bulk(ArticleResource):
            class Meta(ArticleResource.Meta):
                use_bulk = True

        post_save.connect(receiver, sender=Article)
        try:
            assert self.why(ArticleResource) == ["post_save of testapp.Article has receivers"]
            assert self.why(Bulk) == []
        finally:
            post_save.disconnect(receiver, sender=Article)

    def test_a_relation_to_rows_of_the_same_file_does(self) -> None:
        """The row that it names may not be written yet."""

        class Family(resources.ModelResource):
            class Meta:
                model = Article
                fields = ("id", "slug", "parent")

        assert self.why(Family) == ["“parent” may point at a row of the same file"]

    def test_the_guard_of_the_console_does_not(self) -> None:
        """Notes have operations, and their holds are looked for in another way."""

        class Plain(resources.ModelResource):
            class Meta:
                model = Note
                fields = ("id", "slug", "title", "tags")

        assert self.why(Plain) == []
        tag = Tag.objects.create(name="red", slug="red")
        outcomes = write(Plain, {"id": "", "slug": "a", "title": "A", "tags": str(tag.pk)})
        assert kinds(outcomes) == ["new"]
        assert list(Note.objects.get().tags.all()) == [tag]
        assert get_user_model().objects.count() == 0


def test_rows_may_have_their_columns_in_any_order() -> None:
    """They are known by name."""
    rows = [Row(1, {"slug": "a", "title": "A"}), Row(2, {"title": "B", "slug": "b"})]
    plan(ArticleResource()).write(rows)
    assert set(Article.objects.values_list("slug", "title")) == {("a", "A"), ("b", "B")}
