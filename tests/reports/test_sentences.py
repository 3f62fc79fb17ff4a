"""The one sentence of each state, and the facts it names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from console.engine import control
from console.engine.acceptance import start
from console.engine.progress import progress
from console.engine.runner import carry_out
from console.exceptions import ItemFailed, Skip
from console.models import Heartbeat, Limit, Run
from console.reports.sentences import sentence, tally
from console.states import State
from console.testing import declared, hold, perform
from notes.models import Note
from tests.admin.running import copied, copying, failing, fall_silent, make_notes, meanwhile, operator, waiting

pytestmark = pytest.mark.django_db(transaction=True)


def told(run: Run) -> str:
    """Return the sentence of a run as the database has it."""
    run.refresh_from_db()
    return sentence(run, progress(run))


def a_worker(queue: str = "bulk") -> None:
    """Give a sign of life of a worker of `queue`."""
    now = timezone.now()
    Heartbeat.objects.create(kind=Heartbeat.Kind.WORKER, name="w", queues=[queue], started_at=now, seen_at=now)


class TestQueued:
    """Why a run waits: every reason that holds."""

    def test_names_the_place_in_the_queue(self) -> None:
        """With a worker and a broker it is just a matter of turn."""
        a_worker()
        copying()
        assert told(copying()) == "Accepted, waiting for a worker: second in the queue “bulk”."

    def test_says_that_no_worker_serves_the_queue(self) -> None:
        """A worker of another queue does not help, nor one that has fallen silent."""
        a_worker("control")
        assert "No worker serves the queue “bulk” now" in told(copying())
        Heartbeat.objects.update(queues=["bulk"], seen_at=timezone.now() - timedelta(minutes=5))
        assert "No worker serves the queue “bulk” now" in told(copying())

    def test_says_that_the_broker_is_away(self) -> None:
        """A message that could not be sent for seconds means that nobody took it."""
        a_worker()
        run = copying()
        run.partitions.update(sent_at=None)
        Run.objects.filter(pk=run.pk).update(changed_at=timezone.now() - timedelta(minutes=1))
        assert "The message broker is away" in told(run)

    def test_says_that_no_more_may_work_at_once(self) -> None:
        """A limit is named with the number of runs that work."""
        a_worker()
        run = copying()
        Limit.objects.create(operation=run.operation, max_active=1)
        other = copying()
        Run.objects.filter(pk=other.pk).update(state=State.RUNNING)
        assert told(run).startswith("Accepted and safe. 1 such run works already")

    def test_names_every_reason_that_holds(self) -> None:
        """Whoever mends one reason is not surprised by the next."""
        run = copying()
        run.partitions.update(sent_at=None)
        Run.objects.filter(pk=run.pk).update(changed_at=timezone.now() - timedelta(minutes=1))
        assert told(run) == (
            "Accepted and safe. No worker serves the queue “bulk” now; it starts by itself when one is back. "
            "The message broker is away, so it starts when the broker is back; you need not do anything."
        )

    def test_says_when_its_pace_lets_it_go_on(self) -> None:
        """A run that waits for its pace says when it goes on, not that it waits for a worker."""

        def process(_operation: Any, _notes: Sequence[Note]) -> None:
            """Do nothing."""

        a_worker()
        with declared(Note, process, pace=0.01) as operation:
            run = start(operation, objects=make_notes(2))
            partition = run.partitions.get()
            carry_out(run.pk, partition.pk, partition.token, task_id="first", worker="bulk@here")
            run.refresh_from_db()
            text = told(run)
        assert text.startswith("Goes on at ")
        assert text.endswith(": its pace is 0.01 items a second. What was done is kept.")


class TestEnded:
    """What was done, what was not, and what to do."""

    def test_all_done(self) -> None:
        """The count, the time it took, and that the objects are free."""
        text = told(copied())
        assert text.startswith("All 6 done in ")
        assert text.endswith("The notes are free again.")

    def test_with_failures(self) -> None:
        """What failed is counted, and what to do about it."""

        def process(_operation: Any, notes: Sequence[Note]) -> None:
            raise ItemFailed(notes[0], "no")

        with declared(Note, process) as operation:
            run = perform(start(operation, objects=make_notes(2)))
        assert told(run) == "0 done, 2 failed. See why below; mend the cause, then retry just those 2."

    def test_never_hides_what_was_left_out(self) -> None:
        """A skipped item is told of."""

        def process(_operation: Any, notes: Sequence[Note]) -> dict[int, Skip]:
            return {notes[0].pk: Skip(notes[0], "unchanged")}

        with declared(Note, process) as operation:
            run = perform(start(operation, objects=make_notes(3)))
        assert told(run) == "2 done. 1 was left out; the list below says why. The notes are free again."
        assert tally(run, progress(run)) == "3 of 3 · 1 skipped"

    def test_cancelled(self) -> None:
        """Who, when and why; what is kept and what was not reached."""
        run = copying()
        control.cancel(run.pk, by=operator(), reason="wrong tag")
        text = told(run)
        assert text.startswith("Cancelled by Ana Lima at ")
        assert text.endswith(": “wrong tag”. 0 of 6 done and kept, 6 not reached. The notes are free again.")

    def test_failed_before_anything_was_done(self) -> None:
        """That nothing was changed comes first."""

        def process(_operation: Any, notes: Sequence[Note]) -> None:
            raise ItemFailed(notes[0], "no")

        with declared(Note, process, on_error="stop") as operation:
            run = perform(start(operation, objects=make_notes(1)))
        assert told(run).startswith("Nothing was changed. Stopped at the first failure: no.")

    def test_names_the_retry_that_took_up_the_rest(self) -> None:
        """What another run has taken up is not offered a second time."""
        with failing(bad=(0,)) as run:
            assert "mend the cause, then retry just that 1." in told(run)
            retry = control.retry(run.pk).run
            assert told(run) == f"2 done, 1 failed. Run {retry.pk} has taken them up."
        cancelled = copying()
        control.cancel(cancelled.pk)
        retry = control.retry(cancelled.pk).run
        assert told(cancelled).endswith(f"Run {retry.pk} has taken them up.")


class TestDryRun:
    """What would happen, and for how long that holds."""

    def test_says_that_nothing_was_changed(self) -> None:
        """The counts are those of the real run."""
        assert told(copied(dry_run=True)) == "Nothing was changed. 6 would be done."

    def test_warns_when_it_is_stale(self) -> None:
        """After an hour the objects may have changed."""
        run = copied(dry_run=True)
        Run.objects.filter(pk=run.pk).update(ended_at=timezone.now() - timedelta(hours=2))
        assert told(run).endswith("Checked 2 h ago; the notes may have changed since.")


class TestUnderWay:
    """What happens now, and when it will have happened."""

    def test_preparing(self) -> None:
        """Until the objects are locked others can still change them."""
        run = copying()
        Run.objects.filter(pk=run.pk).update(preparing=True)
        assert told(run).startswith("Collecting and locking the notes: ")

    def test_paused(self) -> None:
        """Who, why, what stays locked, and until when at the latest."""
        run = copying()
        control.pause(run.pk, by=operator(), reason="lunch")
        text = told(run)
        assert "“lunch”. 3 notes stay locked until you resume or cancel, at the latest until " in text

    def test_stopping(self) -> None:
        """A worker stops in a moment; one that does not answer is named with the end of its lease."""
        assert meanwhile(told, first=control.pause) == "Stops after the items in hand, usually within a second."

        def late(run: Run) -> str:
            Run.objects.filter(pk=run.pk).update(changed_at=timezone.now() - timedelta(seconds=40))
            return told(run)

        assert meanwhile(late, first=control.pause).startswith(
            "The worker has not answered for 40 s; it pauses at the latest when its lease ends at "
        )
        assert "it stops at the latest when its lease ends at " in meanwhile(late, first=control.cancel)

    def test_a_silent_worker(self) -> None:
        """Until the lease ends another may not take over; after that it depends on whether there is one."""

        def silent(run: Run) -> list[str]:
            found = []
            for silence in (4, 6, 32, 40):
                fall_silent(run, silence)
                found.append(told(run))
            a_worker()
            found.append(told(run))
            fall_silent(run, 0)
            return found

        usual, quiet, held, alone, served = meanwhile(silent)
        assert usual.startswith("Working")
        assert quiet.startswith("No sign of its worker for 6 s. If it has died, another can take over in ")
        assert held.startswith("No progress for 32 s. If the worker has died, another takes over at ")
        assert "No worker serves the queue “bulk” now; it goes on by itself when one is back." in alone
        assert "another takes over as soon as it is free." in served

    def test_a_slow_worker_is_not_a_silent_one(self) -> None:
        """Where an item takes seconds, a few seconds without a checkpoint are nothing unusual."""

        def slow(run: Run) -> str:
            fall_silent(run, 6)
            run.partitions.update(rate=0.2)
            return told(run)

        assert meanwhile(slow) == "Working at 0.2 a second."

    def test_waiting_for_the_next_try(self) -> None:
        """What went wrong, which try comes next, and when."""
        with waiting() as run:
            assert told(run).startswith("The newsletter service is away. Try 2 of 5 in ")
            run.partitions.update(wake_at=timezone.now())
            assert "Try 2 of 5: trying now." in told(run)

    def test_says_nothing_of_locks_where_there_are_none(self) -> None:
        """A run without a hold frees nothing."""
        with hold(make_notes(1)[0]):
            run = start("notes.statistics")
            control.cancel(run.pk)
        assert "free again" not in told(run)
