"""Two real sessions on PostgreSQL: runs that take up what is left of one earlier run, and requests for its objects."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from console.engine import control
from console.exceptions import ObjectHeld, StillCollecting
from console.models import Failure, Run
from console.operations import Hold
from console.states import State
from tests.engine.kit import begin, chunk, fresh, make_notes, marks, must_win, once, settled, targets
from tests.engine.sessions import Session
from tests.engine.test_sources import Picky, bad, much
from tests.world import Declare

__all__ = ["much"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_scopes_at_once_take_nothing_twice(declare: Declare, much: Any) -> None:
    """§6: each waits for the other's answer, the third retry of a run as well as the first."""
    operation, notes = declare(None, base=Picky, hold=Hold.SHARED), make_notes(10)
    bad.update({note.pk: "odd" if n % 2 else "even" for n, note in enumerate(notes[:9])} | {notes[9].pk: "alone"})
    old = settled(begin(operation, notes))
    bad.clear()
    group_of = {failure.object_id: failure.group for failure in Failure.objects.filter(run=old)}
    odd, alone = (group_of[str(notes[n].pk)] for n in (1, 9))
    assert settled(control.retry(old.pk, only="failed", group=alone).run).done == 1
    with transaction.atomic():
        first = control.retry(old.pk, only="failed", group=odd).run
        second = Session(control.retry, old.pk)
        assert second.blocks()
    assert second.result().run.total == 5
    settled(first)
    settled(second.result().run)
    assert marks() == once(notes)

    bad.update({note.pk: "again" for note in notes})
    old = settled(begin(operation, notes))
    bad.clear()
    much()
    with transaction.atomic():
        control.retry(old.pk, only="failed")
        second = Session(control.retry, old.pk)
        assert second.blocks()
    with pytest.raises(StillCollecting):
        second.result()
    assert Run.objects.filter(retry_of=old).count() == 1


def test_a_batch_waits_for_a_request_and_sees_its_hold(declare: Declare, much: Any) -> None:
    """C6, H12: the batch's objects are locked before clashes are looked for, in a new statement."""
    operation, notes = declare(), make_notes(6)
    old = control.cancel(begin(operation, notes).pk)
    much()
    again = control.retry(old.pk, leave_held_out=True).run
    lease = must_win(again)
    chunk(lease)
    with transaction.atomic():
        other = begin(operation, notes[3:4])
        batch = Session(chunk, lease)
        assert batch.blocks()
    batch.result()
    assert [target.object_id for target in targets(again)] == [str(note.pk) for note in notes[:3]]
    assert f"run {other.pk}" in Failure.objects.get(run=again).reason
    assert settled(again).done == 5


def test_an_edit_waits_for_a_batch_and_is_refused(declare: Declare, much: Any) -> None:
    """C7, H12: what a batch took is held from its commit on; what it has not taken yet is free."""
    operation, notes = declare(), make_notes(6)
    old = control.cancel(begin(operation, notes).pk)
    much()
    lease = must_win(control.retry(old.pk).run)
    with transaction.atomic():
        chunk(lease)
        edit = Session(notes[1].save)
        assert edit.blocks()
        notes[2].save()
    with pytest.raises(ObjectHeld):
        edit.result()
    assert fresh(old).state == State.CANCELLED
