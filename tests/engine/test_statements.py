"""Statements that are composed once: each use has its own values, and the database's own are read back."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from console.engine.clock import after, now
from console.engine.statements import Given, Plus, Rows, insert, insert_unless_there
from console.models import Event, Run

pytestmark = pytest.mark.django_db

composed = 0


def by_name() -> QuerySet[Run]:
    """Compose the runs of an operation, and count how often that is done."""
    global composed  # noqa: PLW0603 - what is counted is calls of this very function
    composed += 1
    return Run.objects.filter(operation=Given("name")).order_by("pk")


def a_run(**fields: Any) -> Run:
    """Return an unsaved run."""
    return Run(**{"queue": "bulk", "chain": uuid4(), **fields})


def test_each_use_has_its_own_values() -> None:
    """What one use was given is not what the next one finds; the query set is composed once."""
    global composed
    composed, rows = 0, Rows(by_name)
    for name in ("first", "second"):
        insert(a_run(operation=name, params={"of": name}))
    for name in ("first", "second", "third"):
        assert [run.params for run in rows.read(name=name)] == [{"of": name}] * (name != "third")
    assert rows.first(name="second").operation == "second"
    assert composed == 1


def test_an_instance_is_what_the_manager_would_have_read() -> None:
    """Values are converted as Django converts them, the related row with them."""
    run = a_run(params={"copies": 3}, pace=0.5)
    insert(run)
    insert(Event(run_id=run.pk, what="accepted"))
    rows = Rows(lambda: Event.objects.filter(run=Given("run")).select_related("run"))
    [event] = rows.read(run=run.pk)
    expected = Event.objects.select_related("run").get(run=run)
    fields = [field.attname for field in Run._meta.concrete_fields]
    assert event == expected
    assert event.at == expected.at
    assert [getattr(event.run, name) for name in fields] == [getattr(expected.run, name) for name in fields]


def test_an_inserted_instance_knows_what_the_database_filled_in() -> None:
    """Its key and its database defaults are those of the row; it can be saved like any other."""
    run = a_run()
    insert(run)
    row = Run.objects.get(pk=run.pk)
    assert (row.accepted_at, row.changed_at, row.chain) == (run.accepted_at, run.changed_at, run.chain)
    run.save()
    assert Run.objects.count() == 1


def test_an_update_adds_replaces_and_counts_rows() -> None:
    """Each shape of values has its statement; none is mistaken for another."""
    rows = Rows(by_name)
    for done in (1, 2):
        insert(a_run(operation="two", done=done))
    insert(a_run(operation="one"))
    assert rows.update({"name": "two"}, done=Plus(10), operation="two") == 2
    assert rows.update({"name": "one"}, done=7, started_at=now()) == 1
    assert rows.update({"name": "one"}, done=Plus(1), started_at=after(60)) == 1
    assert rows.update({"name": "none"}, done=7, started_at=now()) == 0
    assert list(Run.objects.order_by("pk").values_list("done", flat=True)) == [11, 12, 8]
    one = Run.objects.get(operation="one")
    assert one.started_at is not None
    assert 59 < (one.started_at - one.accepted_at).total_seconds() < 90


def test_a_delay_is_a_value_like_any_other() -> None:
    """No delay, of which each back-off has its own, is composed anew and kept: a worker lives for months."""
    rows, seconds = Rows(by_name), (60.0, 90.25, 120.5)
    insert(a_run(operation="one"))
    kept = []
    for delay in seconds:
        rows.update({"name": "one"}, started_at=after(delay))
        [run] = rows.read(name="one")
        kept.append((run.started_at - run.accepted_at).total_seconds())
    assert [round(found - delay) for found, delay in zip(kept, seconds, strict=True)] == [0, 0, 0]
    assert len(rows._updates) == 1


def test_what_comes_first_is_written_too() -> None:
    """PostgreSQL gets it in one go, SQLite one after the other; either way all of it is there."""
    run = a_run(operation="first")
    insert(run)
    rows = Rows(by_name)
    with CaptureQueriesContext(connection) as asked:
        insert(Event(run_id=run.pk, what="accepted"), rows.updating({"name": "first"}, done=Plus(5)))
    assert len(asked) == (1 if connection.vendor == "postgresql" else 2)
    assert Run.objects.get(pk=run.pk).done == 5
    assert Event.objects.filter(run=run).count() == 1


def test_a_taken_key_is_left_to_who_has_it() -> None:
    """Nothing is inserted, nothing is broken; where that is not asked for, the database complains."""
    first, second = a_run(key="spring"), a_run(key="spring")
    assert insert_unless_there(first)
    assert not insert_unless_there(second)
    assert insert_unless_there(a_run(key="autumn"))
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(second)
    assert set(Run.objects.values_list("key", flat=True)) == {"spring", "autumn"}
