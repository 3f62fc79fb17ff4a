"""Resources of every kind that an import may meet."""

from __future__ import annotations

from typing import Any

from import_export import fields, resources, widgets

from console.imports import Outcome, Row, plan
from tests.testapp.models import Article, Chapter, Label, NiceArticle, Pizzeria


class ArticleResource(resources.ModelResource):
    """Found by its slug; a foreign key and many-to-many labels by name."""

    label = fields.Field("label", "label", widgets.ForeignKeyWidget(Label, "name"))
    labels = fields.Field("labels", "labels", widgets.ManyToManyWidget(Label, "|", "name"))

    class Meta:
        model = Article
        import_id_fields = ("slug",)
        fields = ("slug", "title", "section", "position", "price", "seen_at", "code", "label", "labels")

    def get_queryset(self) -> Any:
        """Return hidden articles too."""
        return self._meta.model._base_manager.all()


class CheckedArticleResource(ArticleResource):
    """Validates each object."""

    class Meta(ArticleResource.Meta):
        clean_model_instances = True


class CarefulArticleResource(ArticleResource):
    """Leaves out what is unchanged."""

    class Meta(ArticleResource.Meta):
        skip_unchanged = True


class DeletingArticleResource(ArticleResource):
    """Deletes what says so."""

    def for_delete(self, row: Any, instance: Any) -> bool:
        """Say whether the row means deletion."""
        return str(row.get("title", "")) == "DELETE"


class LoggingArticleResource(ArticleResource):
    """Has a hook that needs each object saved."""

    def after_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        """Remember the key."""
        instance.chapters.get_or_create(name="first", defaults={"anchor": f"{instance.slug}-first"})


class ChapterResource(resources.ModelResource):
    """Found by two fields, one of them a foreign key."""

    article = fields.Field("article", "article", widgets.ForeignKeyWidget(Article, "slug"))

    class Meta:
        model = Chapter
        import_id_fields = ("article", "name")
        fields = ("article", "name", "anchor")


class NiceArticleResource(ArticleResource):
    """Of a proxy."""

    class Meta(ArticleResource.Meta):
        model = NiceArticle


class PizzeriaResource(resources.ModelResource):
    """Of a model that inherits two tables."""

    class Meta:
        model = Pizzeria
        import_id_fields = ("name",)
        fields = ("name", "stars", "oven")


class LabelResource(resources.ModelResource):
    """Found by its key."""

    class Meta:
        model = Label
        fields = ("id", "name")


def rows_of(*values: dict[str, Any], first: int = 1) -> list[Row]:
    """Return rows with these values, numbered."""
    return [Row(number, row) for number, row in enumerate(values, first)]


def write(resource: type[Any], *values: dict[str, Any], first: int = 1, **options: Any) -> list[Outcome]:
    """Write rows through a new resource of this class, as one chunk."""
    return plan(resource()).write(rows_of(*values, first=first), **options)
