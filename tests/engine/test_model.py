"""The protocol as a machine of random steps over the real engine: whatever the order of steps and faults, its laws hold.

A step is one transaction of the engine, or a fault between two: a message lost or doubled, a worker that dies, freezes or
wakes up late, a commit whose answer is lost, a broker that is away. Time does not pass; leases lapse and wake-ups come due
by rules. ``--hypothesis-profile=thorough -o faulthandler_timeout=0`` looks longer.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import hypothesis
import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from console.engine import claims, clashes, control, endings, holds, runner, sweeps
from console.engine.clock import after, now
from console.engine.holds import current_run
from console.engine.leases import Lease
from console.engine.selection import Selection
from console.exceptions import ConsoleError, HoldConflict, ObjectHeld, Retry
from console.models import Event, Failure, Partition, Run, Target
from console.operations import BaseOperation, Hold, RetryPolicy
from console.states import ACTIVE, CLAIMABLE, ENDED, STOPPING, TRANSITIONS, State
from console.testing import declared
from notes.models import Note
from tests.engine.kit import begin, make_notes
from tests.testapp.models import Label
from tests.world import ListBroker

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

NOTES = 8
LONG = timedelta(days=1)  # no wake-up of a run that is to go on lies so far away
MOST_RUNS = 5
SHARE = 6  # of the profile's examples: each is a whole story
PICK = st.integers(0, 11)

# How often each step is taken.
WEIGHTS = {
    "deliver_newest": 6,
    "work": 12,
    "deliver": 4,
    "look": 3,
    "repeat": 3,
    "yield_": 2,
    "sweep": 2,
    "start": 2,
    "cancel": 1,
    "pause": 1,
    "resume": 2,
    "retry": 3,
    "withdraw": 1,
    "edit": 1,
    "delete": 1,
    "lapse": 2,
    "overtake": 4,
    "lose": 1,
    "lose_answer": 2,
    "come_due": 1,
    "spoil": 1,
    "go_away": 2,
}
OF_WORKERS = {"work", "look", "repeat", "yield_", "lapse", "overtake"}
STEPS = [name for name, weight in WEIGHTS.items() for _ in range(weight)]


class LostAnswerError(Exception):
    """The commit succeeded, but whoever asked for it learns of an error."""


@dataclass
class Worker:
    """A worker with a lease, and what it saw when it last looked: perhaps long ago."""

    slice: runner._Slice
    seen: runner.Seen | None = None

    @property
    def lease(self) -> Lease:
        """Return its right to work."""
        return self.slice.lease


@dataclass
class Weather:
    """What goes wrong at the moment."""

    away: bool = False
    lose_answer: bool = False


weather = Weather()
bad: set[int] = set()


def process(_operation: BaseOperation, batch: Any) -> None:
    """Leave a row for each note and run, unless something is wrong."""
    Label.objects.bulk_create([Label(name=f"{current_run.get()}:{note.pk}") for note in batch])
    if weather.away:
        raise Retry("away")
    if any(note.pk in bad for note in batch):
        raise ValueError("bad")
    if weather.lose_answer:
        weather.lose_answer = False
        transaction.on_commit(raise_lost_answer)


def raise_lost_answer() -> None:
    """Let the worker believe that its commit failed."""
    raise LostAnswerError


def paths() -> set[tuple[str, str]]:
    """Return which states may follow which within one step, in which up to three arrows may lie."""
    reached = set(TRANSITIONS)
    for _ in range(2):
        reached |= {(a, d) for a, b in reached for c, d in TRANSITIONS if b == c}
    return {(str(a), str(b)) for a, b in reached}


PATHS = paths()


class Protocol(RuleBasedStateMachine):
    """The engine, a few notes, a broker's list, some workers, and everything that can go wrong."""

    broker: ListBroker
    operations: list[type[BaseOperation]]

    @initialize()
    def begin_anew(self) -> None:
        """Empty the tables; nothing of the story before is left."""
        for model in (Event, Failure, Label):
            model.objects.all()._raw_delete("default")
        Run.objects.all().delete()
        Note.all_objects.all().delete()
        self.broker.sent.clear()
        self.broker.down = False
        weather.away = weather.lose_answer = False
        bad.clear()
        self.notes = make_notes(NOTES)
        self.workers: list[Worker] = []
        self.states: dict[int, str] = {}
        for operation, notes in zip(self.operations[1:3], (self.notes[:5], self.notes[4:]), strict=True):
            begin(operation, notes)
        self.ends_are_ends()

    @rule(step=st.sampled_from(STEPS), which=PICK, how=PICK)
    def go_on(self, step: str, which: int, how: int) -> None:
        """Take one step, with one of those whom it may concern."""
        getattr(self, "deliver_newest" if step in OF_WORKERS and not self.workers else step)(which, how)

    # --- people

    def start(self, which: int, how: int) -> None:
        """Ask for a run on some notes, which may overlap with those of another."""
        if len(self.states) >= MOST_RUNS:
            return
        operation = self.operations[which % len(self.operations)]
        wanted = list(Note.all_objects.order_by("pk")[how % NOTES : how % NOTES + 4])
        clash = wanted and clashes.clashes(Selection.of_objects(Note, wanted), operation.hold).count
        try:
            begin(operation, wanted, leave_held_out=how % 2 == 0)
        except HoldConflict:
            assert clash
        except ConsoleError:
            assert not wanted
        else:
            assert how % 2 == 0 or not clash

    def cancel(self, which: int, how: int) -> None:
        """Cancel a run, lawful or not."""
        self.ask(control.cancel, which)

    def pause(self, which: int, how: int) -> None:
        """Pause a run, lawful or not."""
        self.ask(control.pause, which)

    def resume(self, which: int, how: int) -> None:
        """Resume a run, lawful or not."""
        self.ask(control.resume, which)

    def ask(self, verb: Any, which: int) -> None:
        """Ask for a verb on one of the runs."""
        for run_id in pick(list(self.states), which):
            lawfully(verb, run_id)

    def retry(self, which: int, how: int) -> None:
        """Retry an ended run in one of the scopes."""
        for run_id in pick([run_id for run_id, state in self.states.items() if state in ENDED], which):
            only = ("undone", "failed", "all", "undone")[how % 4]
            lawfully(control.retry, run_id, only=only, leave_held_out=how > 5)

    def withdraw(self, which: int, how: int) -> None:
        """Leave a target out of its run."""
        for target in pick(list(Target.objects.filter(run__state__in=ACTIVE).order_by("pk")), which):
            lawfully(control.withdraw, target.run_id, target=target.pk)

    def edit(self, which: int, how: int) -> None:
        """Change a note: refused if and only if an active run holds it."""
        self.write(which, lambda note: note.save())

    def delete(self, which: int, how: int) -> None:
        """Delete a note: refused in the same way."""
        self.write(which, lambda note: Note.all_objects.get(pk=note.pk).delete())

    def write(self, which: int, how: Any) -> None:
        """Write to one of the notes, through the guard."""
        for note in pick(list(Note.all_objects.order_by("pk")), which):
            if self.holders_of(note):
                with pytest.raises(ObjectHeld):
                    how(note)
            else:
                how(note)

    # --- the broker and the workers

    def deliver(self, which: int, how: int) -> None:
        """Hand a message to an idle worker; it may be kept for a second and a third delivery."""
        for message in pick(self.broker.sent, which):
            if how % 3:
                self.broker.sent.remove(message)
            self.claim(message)

    def deliver_newest(self, which: int, how: int) -> None:
        """Let time pass until a wake-up is owed, and deliver it."""
        for partition in pick(unleased(), which):
            self.pass_until_due(partition)
            self.claim((partition.run_id, partition.pk, partition.token))

    def look(self, which: int, how: int) -> None:
        """Let a worker look at its partition, and act on it only later."""
        for worker in pick(self.workers, which):
            worker.seen = worker.slice._look()

    def work(self, which: int, how: int) -> None:
        """Do one round of a worker's slice, on what it saw last: a late write, if that was long ago."""
        for worker in pick(self.workers, which):
            if worker.seen is None:
                worker.seen = worker.slice._look()
            if worker.seen is None or self.round(worker):
                self.workers.remove(worker)

    def repeat(self, which: int, how: int) -> None:
        """Do the same round twice from one memory, as a worker would that forgot to look after an error."""
        for worker in pick(self.workers, which):
            memory = worker.slice._look()
            for _ in range(2):
                worker.seen = memory
                if memory is None or self.round(worker):
                    self.workers.remove(worker)
                    break

    def yield_(self, which: int, how: int) -> None:
        """Let a worker's slice be over, or its pace hold it back."""
        for worker in pick(self.workers, which):
            if how % 3:
                worker.slice._yield()
            else:
                endings.hold_back(worker.slice.lease, 5.0, 0)
            self.workers.remove(worker)

    def sweep(self, which: int, how: int) -> None:
        """Look for what is owed."""
        sweeps.sweep()

    # --- what goes wrong

    def lapse(self, which: int, how: int) -> None:
        """Let a lease run out: its worker has died, or is frozen and will wake up late."""
        for worker in pick(self.workers, which):
            mine = Partition.objects.filter(pk=worker.lease.partition_id, token=worker.lease.token, outcome=None)
            mine.filter(lease_until__isnull=False).update(lease_until=after(-1), wake_at=after(-1))
            if how % 2:
                self.workers.remove(worker)

    def overtake(self, which: int, how: int) -> None:
        """Freeze a worker after its look until another one has its partition; it may wake up at once, or later."""
        for worker in pick(self.workers, which):
            worker.seen = worker.slice._look()
            mine = Partition.objects.filter(pk=worker.lease.partition_id, token=worker.lease.token, outcome=None)
            mine.filter(lease_until__isnull=False).update(lease_until=after(-1), wake_at=after(-1))
            self.claim((worker.lease.run_id, worker.lease.partition_id, worker.lease.token))
            if how % 2:
                self.work(which, how)

    def lose(self, which: int, how: int) -> None:
        """Lose a message."""
        for message in pick(self.broker.sent, which):
            self.broker.sent.remove(message)

    def lose_answer(self, which: int, how: int) -> None:
        """Let the next chunk commit without its worker learning of it."""
        weather.lose_answer = True

    def come_due(self, which: int, how: int) -> None:
        """Let the time pass until one wake-up is owed."""
        for partition in pick(unleased(), which):
            self.pass_until_due(partition)

    def spoil(self, which: int, how: int) -> None:
        """Make one note fail, or mend it."""
        bad.symmetric_difference_update(note.pk for note in pick(self.notes, which))

    def go_away(self, which: int, how: int) -> None:
        """Let what the operation needs, or the broker, go away or come back."""
        if how % 3 == 0:
            self.broker.down = not self.broker.down
            self.broker.waiting = 0 if which % 2 else None
        else:
            weather.away = not weather.away

    # --- laws

    @invariant()
    def one_right_to_a_partition(self) -> None:
        """No two workers have the right to one partition."""
        tokens = dict(Partition.objects.values_list("pk", "token"))
        rights = [w.lease.partition_id for w in self.workers if tokens.get(w.lease.partition_id) == w.lease.token]
        assert len(rights) == len(set(rights))

    @invariant()
    def holds_go_together(self) -> None:
        """No exclusive hold beside another one, none without an active run, and the guard sees just these."""
        held: dict[str, dict[int, str]] = {}
        for target in Target.objects.filter(hold__isnull=False, run__state__in=ACTIVE):
            held.setdefault(target.object_id, {})[target.run_id] = str(target.hold)
        for runs in held.values():
            assert len(runs) == 1 or Hold.EXCLUSIVE not in runs.values()
        seen = holds.holders(Note, [note.pk for note in self.notes])
        assert {key: {t.run_id for t in targets} for key, targets in seen.items()} == {
            k: set(r) for k, r in held.items()
        }

    @invariant()
    def somebody_will_come(self) -> None:
        """Every active run has an open partition, and a wake-up owed by each; what is to stop is seen by the sweep."""
        for run in Run.objects.filter(state__in=ACTIVE):
            left = list(Partition.objects.filter(run=run, outcome=None).values("wake_at", "lease_until"))
            assert left
            if run.state in CLAIMABLE | {State.PAUSED}:
                assert all(part["wake_at"] for part in left)
            if run.state in CLAIMABLE:
                assert all(part["wake_at"] < timezone.now() + LONG for part in left)
            if run.state == State.PAUSED:
                assert not any(part["lease_until"] for part in left)

    @invariant()
    def counters_equal_effects(self) -> None:
        """Each item took effect at most once in its run, and the counters say how many did, failed or were left out."""
        effects = Counter(Label.objects.values_list("name", flat=True))
        assert not effects or max(effects.values()) == 1
        by_run = Counter(int(name.partition(":")[0]) for name in effects)
        reported = Counter(dict.fromkeys(self.states, 0))
        for run_id, items in Failure.objects.values_list("run", "items"):
            reported[run_id] += items
        for run in Run.objects.all():
            parts = list(run.partitions.values("done", "failed", "skipped"))
            assert sum(part["done"] for part in parts) == by_run[run.pk]
            assert sum(part["failed"] + part["skipped"] for part in parts) == reported[run.pk]

    @invariant()
    def what_is_done_is_not_retried(self) -> None:
        """A run and all retries of what it left undone do each item at most once together."""
        first: dict[int, int] = {}
        for run in Run.objects.order_by("pk").only("pk", "retry_of", "only"):
            goes_on = run.retry_of_id is not None and run.only != Run.Only.ALL
            first[run.pk] = first[run.retry_of_id] if goes_on else run.pk  # type: ignore[index]
        effects = (name.split(":") for name in Label.objects.values_list("name", flat=True))
        together = Counter((first[int(run)], note) for run, note in effects)
        assert not together or max(together.values()) == 1

    @invariant()
    def ends_are_ends(self) -> None:
        """States change along the table; an ended run has nothing open, sums that fit, and holds nothing."""
        for run in Run.objects.all():
            before = self.states.get(run.pk, State.QUEUED)
            assert run.state == before or (before, run.state) in PATHS
            self.states[run.pk] = run.state
            if run.state in ENDED:
                parts = list(run.partitions.all())
                assert all(part.outcome and part.wake_at is None and part.lease_until is None for part in parts)
                assert (run.done, run.failed, run.skipped) == tuple(
                    sum(getattr(part, name) for part in parts) for name in ("done", "failed", "skipped")
                )
                if run.state == State.SUCCEEDED:
                    assert run.done + run.failed + run.skipped == run.total

    # --- the end

    def teardown(self) -> None:
        """Let everything be well again and every worker of before wake up late: each run ends, and all laws hold."""
        if not hasattr(self, "workers"):
            return
        weather.away = weather.lose_answer = self.broker.down = False
        for run_id, state in self.states.items():
            if state in {State.PAUSED, State.PAUSING}:
                lawfully(control.resume, run_id)
        late, self.workers = self.workers, []
        for worker in late[:1]:  # nobody works any more: what is cancelled now must end without a worker
            lawfully(control.cancel, worker.lease.run_id)
        for _ in range(120):
            if not Run.objects.filter(state__in=ACTIVE).exists():
                break
            self.pass_time()
        else:
            raise AssertionError(f"These runs did not end: {list(Run.objects.filter(state__in=ACTIVE).values())}")
        self.look_around()
        for worker in late:
            if worker.seen is not None:
                self.round(worker)
        self.look_around()

    def pass_time(self) -> None:
        """Let leases lapse and wake-ups come due, sweep, and carry out what was sent."""
        waiting = Partition.objects.filter(outcome=None, wake_at__isnull=False).exclude(run__state=State.PAUSED)
        waiting.filter(lease_until__isnull=False).update(lease_until=after(-1))
        waiting.update(wake_at=after(-1))
        sweeps.sweep()
        assert not Run.objects.filter(state__in=STOPPING).exists(), (
            "With no lease alive the sweep alone ends and parks."
        )
        messages, self.broker.sent[:] = list(self.broker.sent), []
        for run_id, partition_id, token in messages:
            runner.carry_out(run_id, partition_id, token, task_id="fair", worker="fair")
        for run_id in Run.objects.filter(state=State.PAUSED).values_list("pk", flat=True):
            lawfully(control.resume, run_id)

    def look_around(self) -> None:
        """Check every law."""
        self.one_right_to_a_partition()
        self.holds_go_together()
        self.somebody_will_come()
        self.counters_equal_effects()
        self.what_is_done_is_not_retried()
        self.ends_are_ends()

    def claim(self, message: tuple[int, int, int]) -> None:
        """Claim by a message, and keep the worker if it won."""
        lease = claims.claim(*message, task_id="model", worker="model")
        if lease is not None:
            assert not Partition.objects.filter(pk=lease.partition_id).exclude(lease_until__gt=now()).exists()
            self.workers.append(Worker(runner._Slice(lease, eager=False)))

    def round(self, worker: Worker) -> str:
        """Obey or do a chunk, as the slice does after a look; returns how the attempt ended, if it did."""
        assert worker.seen is not None
        before = self.written(worker)
        rightful = before[0]["token"] == worker.lease.token and before[0]["outcome"] is None
        reset = current_run.set(worker.lease.run_id)
        try:
            return worker.slice._obey(worker.seen) or worker.slice._chunk(worker.seen)
        finally:
            current_run.reset(reset)
            worker.seen = None
            assert rightful or self.written(worker) == before

    def written(self, worker: Worker) -> tuple[Any, ...]:
        """Return all that the worker could change."""
        partition = Partition.objects.filter(pk=worker.lease.partition_id).values()[0]
        return partition, Label.objects.count(), Failure.objects.count(), Run.objects.get(pk=worker.lease.run_id).state

    def pass_until_due(self, partition: Partition) -> None:
        """Let the time pass until a wake-up is owed."""
        Partition.objects.filter(pk=partition.pk, wake_at__isnull=False).update(wake_at=after(-1))

    def holders_of(self, note: Note) -> set[int]:
        """Return the active runs that hold the note."""
        holding = Target.objects.filter(object_id=str(note.pk), hold__isnull=False, run__state__in=ACTIVE)
        return set(holding.values_list("run", flat=True))


def unleased() -> list[Partition]:
    """Return the open partitions of runs that can be claimed, and that nobody has a live lease on."""
    rows = Partition.objects.filter(outcome=None, run__state__in=CLAIMABLE).exclude(lease_until__gt=now())
    return list(rows.order_by("pk"))


def pick(among: list[Any], which: int) -> list[Any]:
    """Return one of them, if there is any."""
    return [among[which % len(among)]] if among else []


def lawfully(verb: Any, *args: Any, **kwargs: Any) -> None:
    """Ask for a verb; a refusal in words is as good as an answer."""
    with suppress(ConsoleError):
        verb(*args, **kwargs)


def test_the_laws_hold_whatever_happens(
    broker: ListBroker, configure: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Every law of the protocol, after each of some thousand random steps, and an end of every run under a fair schedule."""
    caplog.set_level(logging.CRITICAL, "console")
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    configure(chunk_size=1, chunk_size_max=1, lost_after=0, prepare_above=4, prepare_batch=2)
    common = {"retry": RetryPolicy(tries=2, base=0.001, cap=0.001), "repeatable": True}
    kinds: list[dict[str, Any]] = [
        {"partitions": 2},
        {"partitions": 2, "hold": Hold.SHARED},
        {"on_error": "stop", "hold": Hold.SHARED},
        {"max_active": 1, "max_failures": 1},
    ]
    with ExitStack() as stack:
        Protocol.broker = broker
        Protocol.operations = [stack.enter_context(declared(Note, process, **common, **kind)) for kind in kinds]
        run_state_machine_as_test(
            Protocol,
            settings=hypothesis.settings(
                max_examples=max(hypothesis.settings().max_examples // SHARE, 1),
                stateful_step_count=60,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
