"""Unique values and keys of copies: never taken twice, numbered through where that can be."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections, transaction

from console.operations import Copy, Span
from console.operations.copying.numbers import first_free
from console.operations.copying.values import numbered
from tests.operations.copying import PATHS, CopyAll, CopyInPython, article, copies_of, copy
from tests.testapp.models import Article, Passport

pytestmark = pytest.mark.django_db
every_path = pytest.mark.parametrize("operation", PATHS)


@every_path
def test_a_second_run_goes_on_where_the_first_stopped(operation: type[Copy]) -> None:
    """A number that is taken is passed over: the copies of two runs are numbered through."""
    source = article("one")
    for _run in range(3):
        copy(operation, Span(source, 0, 4))
    assert [made.slug for made in copies_of(source)] == [f"one-copy-{n}" for n in range(1, 16)]


def test_later_chunks_of_a_second_run_go_on_too() -> None:
    """A worker remembers how far an object's numbers are from their places, and a new worker finds it again."""
    source = article("one")
    copy(CopyAll, Span(source, 0, 9))
    worker = CopyAll()
    for first in (0, 3, 6):
        copy(worker, Span(source, first, first + 2))
    copy(CopyAll, Span(source, 9, 9))
    assert [made.slug for made in copies_of(source)] == [f"one-copy-{n}" for n in range(1, 21)]


@pytest.mark.parametrize("operation", [CopyAll, CopyInPython])
def test_cut_values_never_collide(operation: type[Copy]) -> None:
    """Objects whose texts look the same when they are cut for the number still get texts of their own."""
    sources = [article(f"a-very-long-{n:04}", title=str(n)) for n in range(20)]
    for _run in range(2):
        copy(operation, *(Span(source, 0, 1) for source in sources))
    slugs = set(Article._base_manager.values_list("slug", flat=True))
    assert len(slugs) == 20 + 2 * 40
    assert max(map(len, slugs)) <= 16


def test_a_typed_name_costs_nothing_but_its_number() -> None:
    """A text that somebody typed to look like a copy's is passed over."""
    source = article("one")
    article("one-copy-2", title="typed")
    copy(CopyAll, Span(source, 0, 3))
    assert Article._base_manager.filter(slug__startswith="one-copy").count() == 5


def test_the_database_counts_on_after_copies() -> None:
    """Keys taken for copies are never given again."""
    source = article("one")
    copy(CopyAll, Span(source, 0, 99))
    assert article("two").pk > max(made.pk for made in copies_of(source)[:-1])


def test_a_unique_number_may_be_made_up() -> None:
    """An overridden unique_value serves fields that are no texts."""

    class CopyPassports(Copy):
        cleared = ("article",)

        def unique_value(self, field: Any, value: Any, number: int) -> int:
            return value * 100 + number

    passport = Passport.objects.create(number=5)
    for _run in range(2):
        copy(CopyPassports, Span(passport, 0, 1))
    assert [made.number for made in copies_of(passport)] == [501, 502, 503, 504]


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_copy_the_same_object() -> None:
    """Two workers that copy one object at the same time both finish, with keys and texts of their own."""
    source = article("one")
    errors: list[BaseException] = []

    def work() -> None:
        worker = CopyAll()
        try:
            for first in range(0, 200, 20):
                with transaction.atomic():
                    worker.process_spans([Span(source, first, first + 19)])
        except BaseException as error:  # noqa: BLE001 - told to the test
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len({made.slug for made in copies_of(source)}) == 400


def test_a_cut_value_keeps_its_number() -> None:
    """The number stays whole as long as it fits, and nothing is longer than the column."""
    assert numbered("news", 2, None) == "news-copy-2"
    assert numbered("very-long-news", 12, 15) == "very-lo-copy-12"
    assert numbered("very-long-news", 123, 4) == "-123"


def test_the_first_free_number_is_found_in_few_questions() -> None:
    """Doubling and halving: a hundred thousand copies cost some thirty questions, for all objects together."""
    questions = []

    def taken(probes: Any) -> set[str]:
        questions.append(probes)
        return {key for key, number in probes.items() if number <= {"many": 100_000, "few": 3, "none": 0}[key]}

    assert first_free({"many": 0, "few": 0, "none": 5}, taken) == {"many": 100_001, "few": 4, "none": 6}
    assert len(questions) <= 36
