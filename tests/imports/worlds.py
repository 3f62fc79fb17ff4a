"""What generated resources and files are about: articles with odd constraints, or notes that can be validated."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from hypothesis import strategies as st
from import_export import fields, resources, widgets

from notes.models import Note, Tag
from tests.testapp.models import Article, Label

Values = dict[str, str]
FIRST = 1_000_007  # the key of the first note: far from those that the database counts


class World:
    """A model, the columns of files about it with the values that meet in them, and how it is found and compared."""

    columns: dict[str, tuple[str, ...]]
    keys: tuple[tuple[str, ...], ...]
    compared: tuple[str, ...]
    many: str

    def populate(self) -> None:
        """Write what the files meet."""
        raise NotImplementedError

    def own(self, number: int) -> Values:
        """Return the values that no two calm rows share."""
        raise NotImplementedError

    def declared(self, *, keeps: bool) -> dict[str, Any]:
        """Return the declared fields of a resource; `keeps` lets empty values and lacking relations change nothing."""
        raise NotImplementedError

    model: Any

    def table(self) -> list[Any]:
        """Return all objects without what differs from one import to the next."""
        return [
            (
                *(_attribute(obj, name) for name in self.compared),
                sorted(str(one) for one in getattr(obj, self.many).all()),
            )
            for obj in self.model._base_manager.order_by("slug")
        ]


def _attribute(obj: Any, path: str) -> Any:
    for name in path.split("__"):
        obj = getattr(obj, name, None)
    return obj


class Articles(World):
    """Unique fields that may be empty, unique pairs, constraints under a condition, fields without a lawful value."""

    model = Article
    many = "labels"
    keys = (("slug",), ("slug", "title"), ("label", "title"), ("code",))
    compared = (
        "slug",
        "title",
        "code",
        "section",
        "position",
        "price",
        "seen_at",
        "hidden",
        "label",
        "state",
        "updated__year",
    )
    columns = {
        "slug": ("a", "b", "c", "d", "not a slug", ""),
        "title": ("a", "b", "c", "x" * 31, ""),
        "code": ("", "X", "Y", "Z"),
        "section": ("", "news", "sport", "far too long"),
        "position": ("", "1", "2", "many", "2.0"),
        "price": ("", "1.5", "1.50", "12.345", "dear"),
        "seen_at": ("", "2026-05-03 10:00:00", "2026-05-03", "yesterday"),
        "hidden": ("", "1", "0"),
        "label": ("", "red", "blue", "green", "twin"),
        "labels": ("", "red", "red|blue", "blue|green", "twin"),
    }

    def populate(self) -> None:
        """Write articles and labels, two of one name."""
        red, blue, *_twins = [Label.objects.create(name=name) for name in ("red", "blue", "twin", "twin")]
        articles = [("a", "a", red, "X"), ("b", "b", None, None), ("e", "e", blue, "Z")]
        articles += [(f"n{n}", f"t{n}", red, f"c{n}" if n % 2 else None) for n in range(0, 60, 5)]
        rows = [
            Article(slug=slug, title=title, label=label, code=code, price="1.5")
            for slug, title, label, code in articles
        ]
        for article in Article.objects.bulk_create(rows):
            article.labels.add(blue)
        Article._base_manager.update(updated="2001-01-01 00:00:00+00:00")

    def own(self, number: int) -> Values:
        """Return what identifies an article."""
        return {"slug": f"n{number}", "title": f"t{number}", "code": f"c{number}"}

    def declared(self, *, keeps: bool) -> dict[str, Any]:
        """Return relations by name."""
        return {
            "label": fields.Field(
                "label", "label", widgets.ForeignKeyWidget(Label, "name"), saves_null_values=not keeps
            ),
            "labels": fields.Field("labels", "labels", widgets.ManyToManyWidget(Label, "|", "name"), m2m_add=keeps),
            "code": fields.Field("code", "code", widgets.CharWidget(allow_blank=False), default=None),
            "get_queryset": lambda _self: Article._base_manager.all(),
        }


class Notes(World):
    """Nothing odd."""

    model = Note
    many = "tags"
    keys = (("slug",), ("id",), ("slug", "author"))
    compared = ("slug", "title", "body", "author", "published_at", "trashed_at", "updated_at__year")
    columns = {
        "id": ("", "1000007", "1000008", "2000000", "x"),
        "slug": ("a", "b", "c", "d", "not a slug", ""),
        "title": ("a", "b", " c ", "x" * 201, ""),
        "body": ("", "one", "two"),
        "author": ("", "ana", "bob", "nobody"),
        "published_at": ("", "2026-05-03 10:00:00", "2026-05-03", "yesterday"),
        "tags": ("", "red", "red|blue", "blue|green"),
    }

    def populate(self) -> None:
        """Write notes, tags and authors."""
        users = get_user_model().objects
        ana, bob = [users.get_or_create(username=name)[0] for name in ("ana", "bob")]
        red, _blue = [Tag.objects.create(name=name, slug=name) for name in ("red", "blue")]
        for number, slug in enumerate(["a", "b", *(f"n{n}" for n in range(0, 60, 5))], FIRST):
            Note.all_objects.create(pk=number, slug=slug, title=slug, author=(ana, bob, None)[number % 3]).tags.add(red)
        Note.all_objects.update(updated_at="2001-01-01 00:00:00+00:00")

    def own(self, number: int) -> Values:
        """Return what identifies a note."""
        return {"slug": f"n{number}", "id": str(number + FIRST) if number % 2 else ""}

    def declared(self, *, keeps: bool) -> dict[str, Any]:
        """Return relations by name."""
        author = widgets.ForeignKeyWidget(get_user_model(), "username")
        return {
            "author": fields.Field("author", "author", author, saves_null_values=not keeps),
            "tags": fields.Field("tags", "tags", widgets.ManyToManyWidget(Tag, "|", "name"), m2m_add=keeps),
            "get_queryset": lambda _self: Note.all_objects.all(),
        }


WORLDS: dict[str, World] = {"articles": Articles(), "notes": Notes()}


def _tidy(self: Any, row: Any, **kwargs: Any) -> None:
    row["title"] = row["title"].strip()


def _mark(self: Any, instance: Any, row: Any, **kwargs: Any) -> None:
    instance.title = f"{instance.title}!"


def _skips(self: Any, instance: Any, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
    stock = resources.ModelResource.skip_row(self, instance, original, row, import_validation_errors)
    return stock or row["title"] == "b"


def _deletes(self: Any, row: Any, instance: Any) -> bool:
    return bool(row["title"] == "a")


HOOKS = {"before_import_row": _tidy, "before_save_instance": _mark, "skip_row": _skips, "for_delete": _deletes}


@st.composite
def resource_classes(draw: st.DrawFn, world: World, columns: list[str]) -> type[Any]:
    """Resources: how they find, validate, leave out, treat empty values, and what hooks they have."""
    keys = [key for key in world.keys if set(key) <= set(columns)]
    key = draw(st.sampled_from(keys))
    options = {
        "model": world.model,
        "import_id_fields": key,
        "clean_model_instances": draw(st.booleans()),
        "skip_unchanged": draw(st.booleans()),
        "fields": tuple(name for name in columns if name != "id" or name in key),
    }
    hooks = draw(st.sets(st.sampled_from(sorted(HOOKS)))) if draw(st.booleans()) else set()
    declared = {
        name: one
        for name, one in world.declared(keeps=draw(st.booleans())).items()
        if name in {*columns, "get_queryset"}
    }
    own = {**declared, **{name: HOOKS[name] for name in hooks}, "Meta": type("Meta", (), options)}
    return type("Generated", (resources.ModelResource,), own)


def any_rows(world: World, columns: list[str]) -> st.SearchStrategy[Values]:
    """Rows of which many cannot be imported."""
    return st.fixed_dictionaries({name: st.sampled_from(world.columns[name]) for name in columns})


@st.composite
def calm_rows(draw: st.DrawFn, world: World, columns: list[str]) -> list[Values]:
    """Rows that are about different objects, and not in each other's way."""
    usual = {name: st.sampled_from(world.columns[name][:3]) for name in columns}
    rows = []
    for number in draw(st.lists(st.integers(0, 60), min_size=8, max_size=30, unique=True)):
        own = world.own(number)
        rows.append(draw(st.fixed_dictionaries(usual)) | {name: own[name] for name in columns if name in own})
    return rows


@st.composite
def imports(draw: st.DrawFn, world: World) -> tuple[type[Any], list[Values]]:
    """A resource and a file for it: rows that mostly are in each other's way, or mostly are not."""
    others = sorted(set(world.columns) - {"slug", "title"})
    columns = ["slug", "title", *draw(st.lists(st.sampled_from(others), unique=True))]
    if draw(st.booleans()):
        rows = draw(calm_rows(world, columns))
    else:
        rows = draw(st.lists(any_rows(world, columns), min_size=1, max_size=16))
    if draw(st.booleans()):  # an object comes again
        rows.append(dict(draw(st.sampled_from(rows))))
    if draw(st.booleans()):  # a stranger among them
        rows.insert(draw(st.integers(0, len(rows))), draw(any_rows(world, columns)))
    return draw(resource_classes(world, columns)), rows
