"""In bulk, row by row and by `Resource.import_data`: the same table and the same report, whatever resource and file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from import_export import fields, resources, widgets
from tablib import Dataset

from console.imports import Kind, Row
from console.imports.bulk import BulkPath
from console.imports.obstacles import obstacles
from console.imports.rows import RowPath
from tests.testapp.models import Article, Label

pytestmark = pytest.mark.django_db

LEFT_OUT = "left out"
KINDS = {
    "new": "new",
    "update": "changed",
    "delete": "deleted",
    "skip": LEFT_OUT,
    "error": "failed",
    "invalid": "failed",
}
WORDS = ("a", "b", "c")
COLUMNS = {
    "slug": ("a", "b", "c", "d", "not a slug", ""),
    "title": (*WORDS, "x" * 31, ""),
    "code": ("", "X", "Y", "Z"),
    "section": ("", "news", "sport", "far too long"),
    "position": ("", "1", "2", "many", "2.0"),
    "price": ("", "1.5", "1.50", "12.345", "dear"),
    "seen_at": ("", "2026-05-03 10:00:00", "2026-05-03", "yesterday"),
    "hidden": ("", "1", "0"),
    "label": ("", "red", "blue", "green", "twin"),
    "labels": ("", "red", "red|blue", "blue|green", "twin"),
}
Made = tuple[list[str], list[Any]]


@st.composite
def resource_classes(draw: st.DrawFn) -> type[Any]:
    """Resources of articles: how they find, validate, leave out, and treat empty values."""
    chosen = draw(st.sets(st.sampled_from(sorted(set(COLUMNS) - {"slug", "label", "labels"}))))
    options = {
        "model": Article,
        "import_id_fields": draw(st.sampled_from([("slug",), ("slug", "title"), ("label", "title"), ("code",)])),
        "clean_model_instances": draw(st.booleans()),
        "skip_unchanged": draw(st.booleans()),
        "fields": (*sorted(chosen | {"title", "code"}), "slug", "label", "labels"),
    }
    keeps = draw(st.booleans())
    declared = {
        "label": fields.Field("label", "label", widgets.ForeignKeyWidget(Label, "name"), saves_null_values=not keeps),
        "labels": fields.Field("labels", "labels", widgets.ManyToManyWidget(Label, "|", "name"), m2m_add=keeps),
        "code": fields.Field(
            "code", "code", widgets.CharWidget(allow_blank=False), default=draw(st.sampled_from([None]))
        ),
        "get_queryset": lambda _self: Article._base_manager.all(),
        "Meta": type("Meta", (), options),
    }
    return type("Generated", (resources.ModelResource,), declared)


def any_rows(columns: list[str]) -> st.SearchStrategy[dict[str, str]]:
    """Rows of which many cannot be imported."""
    return st.fixed_dictionaries({name: st.sampled_from(COLUMNS[name]) for name in columns})


@st.composite
def calm_rows(draw: st.DrawFn, columns: list[str]) -> list[dict[str, str]]:
    """Rows that are about different objects, and not in each other's way."""
    usual = {name: st.sampled_from(COLUMNS[name][:3]) for name in columns}
    rows = []
    for number in draw(st.lists(st.integers(0, 60), min_size=8, max_size=30, unique=True)):
        own = {"slug": f"n{number}", "title": f"t{number}", "code": f"c{number}"}
        rows.append(draw(st.fixed_dictionaries(usual)) | {name: own[name] for name in columns if name in own})
    return rows


@st.composite
def files(draw: st.DrawFn) -> list[dict[str, str]]:
    """Rows of few values, so that keys and unique values meet again and again; or, in a calm file, now and then."""
    names = st.lists(st.sampled_from(sorted(set(COLUMNS) - {"slug", "title"})), unique=True)
    columns = ["slug", "title", *draw(names)]
    if draw(st.booleans()):
        rows = draw(calm_rows(columns))
    else:
        rows = draw(st.lists(any_rows(columns), min_size=1, max_size=16))
    if draw(st.booleans()):  # an object comes again
        rows.append(dict(draw(st.sampled_from(rows))))
    if draw(st.booleans()):  # a stranger among them
        rows.insert(draw(st.integers(0, len(rows))), draw(any_rows(columns)))
    return rows


def populate() -> None:
    """Write what the files meet."""
    red, blue, *_twins = [Label.objects.create(name=name) for name in ("red", "blue", "twin", "twin")]
    articles = [("a", "a", red, "X"), ("b", "b", None, None), ("e", "e", blue, "Z")]
    articles += [(f"n{n}", f"t{n}", red, f"c{n}" if n % 2 else None) for n in range(0, 60, 5)]
    rows = [
        Article(slug=slug, title=title, label=label, code=code, price="1.5") for slug, title, label, code in articles
    ]
    for article in Article.objects.bulk_create(rows):
        article.labels.add(blue)
    Article._base_manager.update(updated="2001-01-01 00:00:00+00:00")


def table() -> list[Any]:
    """Return all articles without what differs from run to run."""
    columns = ("slug", "title", "code", "section", "position", "price", "seen_at", "hidden", "label__name", "state")
    return [
        (
            *(getattr_path(article, name) for name in columns),
            sorted(article.labels.values_list("name", flat=True)),
            (article.updated.year, article.created.year, article.day is not None),
        )
        for article in Article._base_manager.select_related("label").order_by("slug")
    ]


def getattr_path(obj: Any, path: str) -> Any:
    """Return an attribute of an attribute."""
    for name in path.split("__"):
        obj = getattr(obj, name, None)
    return obj


@contextmanager
def undone() -> Iterator[None]:
    """Forget what happens inside."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def plainly(resource: Any, rows: list[dict[str, str]]) -> Made:
    """Import as `import_data` does, but without its rolling back everything for one error."""
    headers = list(rows[0])
    dataset = Dataset(*[tuple(row[name] for name in headers) for row in rows], headers=headers)
    result = resource.import_data_inner(dataset, False, False, True, False)  # noqa: FBT003 - their own signature
    assert not result.base_errors
    failed = {row.number for row in (*result.error_rows, *result.invalid_rows)}
    kinds = [KINDS[row.import_type] for row in result.rows]
    assert [place for place, kind in enumerate(kinds, 1) if kind == "failed"] == sorted(failed)
    return kinds, table()


def by(kind: Callable[..., Any], resource: Any, rows: list[dict[str, str]], size: int) -> Made:
    """Import by a path, in chunks."""
    path, kinds = kind(resource, {}), []
    for start in range(0, len(rows), size):
        chunk = [Row(number, row) for number, row in enumerate(rows[start : start + size], start + 1)]
        outcomes = path.write(chunk)
        assert [outcome.row for outcome in outcomes] == [row.number for row in chunk]
        assert all(bool(outcome.reasons) == (outcome.kind is Kind.FAILED) for outcome in outcomes)
        kinds += [told(outcome.kind) for outcome in outcomes]
    return kinds, table()


def told(kind: Kind) -> str:
    """Return a kind in the words of `KINDS`."""
    return LEFT_OUT if kind in {Kind.UNCHANGED, Kind.SKIPPED} else str(kind.value)


def can_be_read(resource: Any, columns: Sequence[str]) -> bool:
    """Tell whether the file has the columns that find objects."""
    return all(resource.fields[name].column_name in columns for name in resource.get_import_id_fields())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(resource_classes(), files(), st.sampled_from([5, 12, 50]))
def test_all_ways_agree(kind: type[Any], rows: list[dict[str, str]], size: int) -> None:
    """Duplicates of a key, clashes, bad values and empty ones included."""
    if not can_be_read(kind(), list(rows[0])):
        return
    with undone():
        populate()
        with undone():
            expected = plainly(kind(), rows)
        with undone():
            assert by(RowPath, kind(), rows, size) == expected
        assert not obstacles(kind())
        with undone():
            assert by(BulkPath, kind(), rows, size) == expected
