"""Guessing which field a heading names: generous with how people write, wary of what only resembles."""

from __future__ import annotations

import doctest

import pytest

from console.tables import match, matching

NAMES = {
    "slug": ["slug", "Slug"],
    "title": ["title", "Title", "Título"],
    "author": ["author", "Author", "autor"],
    "tags": ["tags", "etiquetas"],
    "created_at": ["created_at", "Created at", "criada em"],
    "updated_at": ["updated_at", "Updated at", "alterada em"],
    "first_name": ["first_name"],
    "last_name": ["last_name"],
}


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("TITLE", "title"),
        ("titulo", "title"),
        ("Ti\u0301tulo", "title"),
        ("created at", "created_at"),
        ("Created-At:", "created_at"),
        ("Criada em", "created_at"),
        ("authors", "author"),
        ("Autores", ""),
        ("tag", "tags"),
        ("Frist name", "first_name"),
        ("name", ""),
        ("ame", ""),
        ("date", ""),
        ("", ""),
        ("日付", ""),
    ],
)
def test_a_heading_names_a_field(heading: str, field: str) -> None:
    """Or none, where it is not clear."""
    assert match([heading], NAMES) == [field]


def test_each_field_is_named_once() -> None:
    """The exact name goes before what only resembles it, wherever it stands."""
    assert match(["titles", "title", "Title"], NAMES) == ["", "title", ""]
    assert match(["updated", "updated at", "created at"], NAMES) == ["", "updated_at", "created_at"]


def test_the_example_holds() -> None:
    """What the docstring shows is so."""
    assert doctest.testmod(matching).failed == 0
