"""What a copy takes over, and what it does not."""

from __future__ import annotations

import pytest

from console.operations import Copy, Span
from tests.operations.copying import PATHS, Picture, article, copy, furnish, undone
from tests.testapp.models import Article, Label

pytestmark = pytest.mark.django_db


@pytest.fixture
def labels() -> list[Label]:
    return [Label.objects.create(name=name) for name in ("red", "green")]


def test_paths_agree(labels: list[Label]) -> None:
    """The database, Python in bulk and save() make the same rows, down to every column of what belongs to a copy."""
    first, second = (furnish(article(slug, label=labels[0]), labels) for slug in ("one", "a-longer-slug-16"))
    first.friends.add(second)
    first.after.add(second, first)
    pictures = []
    for operation in PATHS:
        with undone():
            picture = Picture()
            copy(operation, Span(first, 0, 2), Span(second, 0, 0))
            pictures.append(picture.new())
    assert len(pictures[0]["testapp.Article"]) == 4
    assert pictures[0] == pictures[1] == pictures[2]
