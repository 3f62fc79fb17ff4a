"""Two real sessions on PostgreSQL: requests, holds and edits meet on one object."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models.signals import pre_save

from console.engine import control
from console.engine.acceptance import start
from console.exceptions import HoldConflict, ObjectBusy, ObjectHeld, VerbNotLawful, WrongIsolation
from console.models import Run, Target
from console.operations import Hold
from console.states import State
from notes.models import Note
from tests.engine.kit import begin, chunk, fresh, make_notes, marks, must_win, once, settled
from tests.engine.sessions import Session
from tests.world import Declare

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_shared_and_an_exclusive_request_at_once(declare: Declare) -> None:
    """C6: holds are looked for in a statement after the lock; the second is refused, with the first one's name."""
    shared, exclusive, notes = declare(hold=Hold.SHARED), declare(), make_notes(3)
    with transaction.atomic():
        first = begin(shared, notes)
        second = Session(begin, exclusive, notes)
        assert second.blocks()
    with pytest.raises(HoldConflict, match=str(first.pk)):
        second.result()
    assert set(Target.objects.values_list("run", flat=True)) == {first.pk}


def test_an_exclusive_request_that_rolls_back_is_in_nobodys_way(declare: Declare) -> None:
    """C6: the second waits for the outcome of the first."""
    operation, notes = declare(), make_notes(2)
    with transaction.atomic():
        begin(operation, notes)
        second = Session(begin, operation, notes)
        assert second.blocks()
        transaction.set_rollback(True)
    assert second.result().state == State.QUEUED
    assert Run.objects.count() == 1


def test_requests_on_overlapping_objects_in_any_order_do_not_deadlock(declare: Declare) -> None:
    """C6: objects are locked in key order, however they were selected."""
    operation, notes = declare(hold=Hold.SHARED), make_notes(40)
    gate = threading.Barrier(4)

    def ask(objects: Any) -> Run:
        gate.wait(10)
        return begin(operation, objects)

    sessions = [Session(ask, objects) for objects in (notes, notes[::-1], notes[10:], notes[:30][::-1])]
    assert [session.result().state for session in sessions] == [State.QUEUED] * 4


def test_a_double_click_is_one_run(declare: Declare) -> None:
    """H11: the key's row is inserted first, so that the second click finds the run and not its holds."""
    operation, notes = declare(), make_notes(3)
    with transaction.atomic():
        first = begin(operation, notes, key="form")
        second = Session(begin, operation, notes, key="form")
        assert second.blocks()
    assert second.result() == first
    assert Run.objects.count() == 1


def test_many_clicks_are_one_run(declare: Declare) -> None:
    """H11: eight at once, none of which waits for another to be seen."""
    operation, notes = declare(), make_notes(3)
    gate = threading.Barrier(8)

    def click() -> Run:
        gate.wait(10)
        return start(operation, objects=notes, key="form")

    assert len({session.result().pk for session in [Session(click) for _ in range(8)]}) == 1
    assert Target.objects.count() == 3


def test_a_request_waits_for_an_edit_and_works_on_what_it_wrote(declare: Declare) -> None:
    """C7: who edits has the row locked; acceptance comes after it, and the run reads the new data."""
    seen: list[str] = []
    operation, notes = declare(lambda _self, batch: seen.extend(n.title for n in batch)), make_notes(1)
    with transaction.atomic():
        notes[0].title = "edited"
        notes[0].save()
        request = Session(begin, operation, notes)
        assert request.blocks()
    settled(request.result())
    assert seen == ["edited"]


def test_an_edit_waits_for_a_request_and_is_refused(declare: Declare) -> None:
    """C7: the guard locks the row before it looks for holds, in a new statement."""
    operation, notes = declare(), make_notes(1)

    def edit() -> None:
        Note.all_objects.get(pk=notes[0].pk).save()

    def delete() -> None:
        Note.all_objects.get(pk=notes[0].pk).delete()

    with transaction.atomic():
        begin(operation, notes)
        late = [Session(edit), Session(delete)]
        assert all(session.blocks() for session in late)
    for session in late:
        with pytest.raises(ObjectHeld):
            session.result()
    assert Note.all_objects.get().title == notes[0].title


def test_in_autocommit_the_lock_outlives_the_check(declare: Declare) -> None:
    """C7: a hold that is asked for between the check and the write waits until the edit is written."""
    operation, notes = declare(), make_notes(1)
    asked: list[Any] = []

    def ask_in_between(sender: Any, instance: Note, **_: Any) -> None:
        request = Session(begin, operation, notes)
        asked.append((request.blocks(), request))

    assert transaction.get_autocommit()
    pre_save.connect(ask_in_between, sender=Note)
    try:
        notes[0].title = "edited"
        notes[0].save()
    finally:
        pre_save.disconnect(ask_in_between, sender=Note)
    waited, request = asked[0]
    assert waited
    request.result()
    assert Note.all_objects.get().title == "edited"


def test_another_isolation_level_is_refused(declare: Declare) -> None:
    """C7: a snapshot from before the hold would not show it."""
    declare()
    notes = make_notes(1)
    for level in ("REPEATABLE READ", "SERIALIZABLE"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
            with pytest.raises(WrongIsolation, match=level.lower()):
                notes[0].save()


def test_a_row_that_somebody_keeps_locked_is_busy(declare: Declare, configure: Any) -> None:
    """H7: the guard waits a few seconds, and says so in words."""
    configure(guard_lock_timeout=0.1)
    declare()
    notes = make_notes(1)
    with transaction.atomic():
        Note.all_objects.select_for_update(no_key=True).get(pk=notes[0].pk)
        edit = Session(notes[0].save)
        with pytest.raises(ObjectBusy, match=notes[0].title):
            edit.result()
    notes[0].save()


def test_the_guards_patience_is_the_guards_alone(declare: Declare) -> None:
    """H7: after the check the transaction waits for locks as it did before."""
    declare()
    notes = make_notes(1)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '7s'")
        notes[0].save()
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone()[0] == "7s"


def test_an_author_is_not_deleted_under_a_request(declare: Declare) -> None:
    """C7: SET_NULL on a held note is a write, and waits for acceptance like one."""
    operation = declare()
    author = get_user_model().objects.create_user("author")
    notes = make_notes(1)
    Note.all_objects.update(author=author)
    with transaction.atomic():
        begin(operation, notes)
        late = Session(author.delete)
        assert late.blocks()
    with pytest.raises(ObjectHeld):
        late.result()


def test_a_cancel_and_delete_meets_the_last_checkpoint(declare: Declare) -> None:
    """H6: the cancel is a transaction of its own, and the deletion comes when the run has ended; nobody deadlocks."""
    operation, notes = declare(), make_notes(2)
    run = begin(operation, notes)
    lease = must_win(run)

    def cancel_and_delete() -> None:
        with pytest.raises(VerbNotLawful):
            control.cancel(run.pk)
        Note.all_objects.get(pk=notes[0].pk).delete()

    with transaction.atomic():
        chunk(lease, 2)
        late = Session(cancel_and_delete)
        assert late.blocks()
    late.result()
    assert fresh(run).state == State.SUCCEEDED
    assert marks() == once(notes)
    assert Note.all_objects.count() == 1
