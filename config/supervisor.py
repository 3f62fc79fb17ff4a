"""Runs the project's processes as one: starts them in order, revives what dies, stops them in order."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from config import guardian
from config.output import Output

TICK = 0.1
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
SETTLED = 30.0  # a child that lived this long has recovered: the back-off starts anew
HURRY_AFTER = 2.0  # a second signal this late is a person who wants out, not an echo of the first


@dataclass(frozen=True, eq=False)
class Child:
    """One process to keep alive.

    Stages start from the highest to the lowest and stop from the lowest to the highest. `ready` is waited for, at
    most `ready_within` seconds, before a lower stage starts; `patience` is how long it may take to end by itself.
    """

    name: str
    command: Sequence[str]
    stage: int
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    ready_within: float = 15.0
    patience: float = 10.0


class Supervisor:
    """Keeps children alive until it is told to stop by SIGINT, SIGTERM or SIGHUP."""

    def __init__(self, children: Iterable[Child], output: Output, lock: int, *, tied: bool = False) -> None:
        self._children = sorted(children, key=lambda child: -child.stage)
        self._output = output
        self._lock = lock
        self._guardian = _start_guardian(lock)
        self._parent = os.getppid() if tied else None
        self._lives: dict[str, _Life] = {}
        self._told: float | None = None
        self._hurried = False

    def run(self) -> None:
        """Start everything, keep it alive, and stop it in order when told to."""
        self._listen()
        try:
            self._start_all()
            while not self._stopping():
                self._revive()
                time.sleep(TICK)
        finally:
            self._stop_all()

    def _listen(self) -> None:
        signal.signal(signal.SIGINT, self._hear)
        signal.signal(signal.SIGTERM, self._hear)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under nohup
            signal.signal(signal.SIGHUP, self._hear)

    def _hear(self, *_: object) -> None:
        now = time.monotonic()
        self._hurried = self._told is not None and now - self._told > HURRY_AFTER
        self._told = self._told or now

    def _stopping(self) -> bool:
        """Say whether we were told to stop, or whoever we are tied to has gone."""
        return self._told is not None or (self._parent is not None and os.getppid() != self._parent)

    def _start_all(self) -> None:
        for _, stage in groupby(self._children, key=lambda child: child.stage):
            if self._stopping():
                return
            children = list(stage)
            for child in children:
                self._start(child)
            for child in children:
                self._await(child)

    def _start(self, child: Child) -> None:
        life = self._lives.setdefault(child.name, _Life())
        life.process = subprocess.Popen(
            child.command,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **child.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # the terminal's Ctrl-C is for us alone
        )
        self._tell_guardian("+", life.process.pid)
        life.started = time.monotonic()
        self._output.follow(child.name, life.process.stdout or ())

    def _await(self, child: Child) -> None:
        deadline = time.monotonic() + child.ready_within
        while child.ready and not child.ready() and time.monotonic() < deadline and not self._stopping():
            self._revive()
            time.sleep(TICK)

    def _revive(self) -> None:
        for child in self._children:
            life = self._lives.get(child.name)
            if life and life.process and life.ended():
                self._bury(child, life)
            elif life and not life.process and time.monotonic() >= life.due:
                self._start(child)

    def _bury(self, child: Child, life: "_Life") -> None:
        code = self._clear(life)
        life.back_off()
        self._output.say("up", f"{child.name} ended ({_cause(code)}); it starts again in {life.delay:g} s.")

    def _clear(self, life: "_Life") -> int:
        """Reap a process that has ended, and kill what it may have left of its group."""
        assert life.process
        pid, code = life.process.pid, life.process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        life.process = None
        self._tell_guardian("-", pid)
        return code

    def _stop_all(self) -> None:
        for _, stage in groupby(reversed(self._children), key=lambda child: child.stage):
            lives = {child: self._lives.get(child.name) for child in stage}
            self._stop_stage({child: life for child, life in lives.items() if life and life.process})
        self._output.say("up", "All stopped.")
        self._guardian.communicate()

    def _stop_stage(self, alive: "dict[Child, _Life]") -> None:
        told = time.monotonic()
        for child, life in alive.items():
            self._output.say("up", f"Stopping {child.name} …")
            _send(life, signal.SIGTERM)
        while alive:
            for child, life in list(alive.items()):
                late = self._hurried or time.monotonic() - told > child.patience
                if late and not life.ended():
                    self._output.say("up", f"Killing {child.name}.")
                    _send(life, signal.SIGKILL)
                if late or life.ended():
                    self._clear(alive.pop(child))
            time.sleep(TICK / 2)

    def _tell_guardian(self, change: str, pid: int) -> None:
        assert self._guardian.stdin
        try:
            self._guardian.stdin.write(f"{change}{pid}\n")
            self._guardian.stdin.flush()
        except BrokenPipeError:  # it was killed: another takes over
            self._guardian = _start_guardian(self._lock)
            for life in self._lives.values():
                if life.process:
                    self._tell_guardian("+", life.process.pid)


@dataclass
class _Life:
    """What is known of a child at the moment."""

    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay: float = 0.0
    due: float = 0.0

    def ended(self) -> bool:
        """Say whether its process has ended."""
        return self.process is None or self.process.poll() is not None

    def back_off(self) -> None:
        """Put the next start off: twice as long as the last time, unless it had recovered."""
        now = time.monotonic()
        recovered = now - self.started > SETTLED
        self.delay = FIRST_DELAY if recovered or not self.delay else min(self.delay * 2, LONGEST_DELAY)
        self.due = now + self.delay


def _start_guardian(lock: int) -> subprocess.Popen[str]:
    """Start the guardian; it shares the data folder's lock, so that nobody moves in before it is done."""
    return subprocess.Popen(
        [sys.executable, "-I", str(Path(guardian.__file__))],
        stdin=subprocess.PIPE,
        text=True,
        pass_fds=[lock],
        start_new_session=True,
    )


def _send(life: _Life, number: signal.Signals) -> None:
    if life.process:
        life.process.send_signal(number)


def _cause(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
