"""Real processes for tests: an embedded broker, workers, beat, and any command, on the test's own database."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from celery import current_app
from django.db import connection
from kombu import pools

from config import broker as valkey
from config import children, guardian
from config.ports import free_port
from console.engine import wakeups
from tests.polling import until

ROOT = Path(__file__).resolve().parent.parent
# Small times, for workers and for the test's own process: a lease lasts six seconds.
CONSOLE = {
    "SLICE": 1.0,
    "TIMEOUT": 3.0,
    "MARGIN": 1.0,
    "REDELIVERY": 2.0,
    "REDELIVERY_MAX": 8.0,
    "LOST_AFTER": 2.0,
    "SWEEP": 0.5,
    "HEARTBEAT": 1.0,
    "CHUNK_SIZE_MAX": 100,
}


class Warden:
    """Kills what is left when the test run itself is killed; it is told of each process group."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", str(Path(guardian.__file__))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)

    def tell(self, change: str, pid: int) -> None:
        """Tell of a group that began (+) or ended (-)."""
        assert self._process.stdin
        self._process.stdin.write(f"{change}{pid}\n")
        self._process.stdin.flush()

    def dismiss(self) -> None:
        """Let it end."""
        self._process.communicate()


@dataclass(kw_only=True)
class Process:
    """One process with a group and a log of its own."""

    name: str
    command: Sequence[str]
    log: Path
    warden: Warden
    environment: Mapping[str, str] = field(default_factory=dict)
    _popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the main process."""
        assert self._popen
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether the main process has not ended."""
        return self._popen is not None and self._popen.poll() is None

    def start(self) -> None:
        """Start it, or start it again."""
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.warden.tell("+", self.pid)

    def children(self) -> list[int]:
        """Return the ids of the processes below the main one."""
        return [child.pid for child in psutil.Process(self.pid).children(recursive=True)]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the main process."""
        os.kill(self.pid, number)

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to the whole group."""
        os.killpg(self.pid, number)

    def wait(self, seconds: float = 30) -> int:
        """Wait for its end, and return the exit code."""
        assert self._popen
        return self._popen.wait(seconds)

    def kill(self) -> None:
        """Kill what is left of the group, and reap it."""
        if self._popen is None:
            return
        with suppress(ProcessLookupError):
            self.signal_all(signal.SIGKILL)
        self._popen.wait()
        self.warden.tell("-", self.pid)

    def printed(self) -> str:
        """Return what was printed so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Broker(Process):
    """A Valkey server that keeps its queues on disk; it answers as soon as it has started."""

    def __init__(self, folder: Path, warden: Warden) -> None:
        self.port = free_port()
        self.folder = folder / "broker"
        self.folder.mkdir()
        command = valkey.command(valkey.find_server(), self.port, self.folder)
        super().__init__(name="broker", command=command, log=folder / "broker.log", warden=warden)

    @property
    def url(self) -> str:
        """The address for Celery."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        super().start()
        until(lambda: valkey.answers(self.port))

    def lose_everything(self) -> None:
        """Delete what it had kept on disk; it must not be running."""
        assert not self.running
        for path in sorted(self.folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()


class Processes:
    """What a test has started, and how to start more."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.folder, self.broker = folder, broker
        self.started: list[Process] = [broker]

    def worker(self, queue: str = "bulk", *, hands: int = 1, name: str = "", **environment: str) -> Process:
        """Start a worker of one queue; further ones need a name of their own."""
        child = children.worker(queue, hands)
        command = [*child.command, "-n", f"{name or queue}@%h"]
        return self.run(name or queue, command, **child.environment, **environment)

    def beat(self, name: str = "beat") -> Process:
        """Start the scheduler."""
        child = children.beat()
        return self.run(name, child.command, **child.environment)

    def manage(self, *words: str, **environment: str) -> Process:
        """Start a management command."""
        return self.run(f"manage {words[0]}", [sys.executable, "manage.py", *words], **environment)

    def run(self, name: str, command: Sequence[str], **environment: str) -> Process:
        """Start any command with the environment that leads to the test's database and broker."""
        log = self.folder / f"{len(self.started)}-{name}.log".replace(" ", "-")
        process = Process(
            name=name,
            command=command,
            log=log,
            warden=self.broker.warden,
            environment={**self._environment(), **environment},
        )
        self.started.append(process)
        process.start()
        return process

    def end(self) -> None:
        """Kill everything, workers first, and print what each had to say."""
        for process in reversed(self.started):
            process.kill()
        for process in self.started:
            print(f"── {process.name} ──\n{process.printed()}")

    def _environment(self) -> dict[str, str]:
        return {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": database_url(),
            "CELERY_BROKER_URL": self.broker.url,
            "PYTHONUNBUFFERED": "1",
            **{f"CONSOLE_{name}": str(value) for name, value in CONSOLE.items()},
        }


def database_url() -> str:
    """Return the URL of the database that the test itself is connected to."""
    told = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{told['NAME']}"
    return f"postgres://{told['USER']}:{told['PASSWORD']}@{told['HOST']}:{told['PORT']}/{told['NAME']}"


def is_gone(pid: int) -> bool:
    """Say whether a process has ended, reaped or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def freeze_between_chunks(worker: Process) -> None:
    """Stop a worker, its child too, at a moment when nobody has a transaction open."""

    def frozen() -> bool:
        worker.signal_all(signal.SIGSTOP)
        until(lambda: all(is_stopped(pid) for pid in (worker.pid, *worker.children())))
        if busy := is_in_transaction():
            worker.signal_all(signal.SIGCONT)
        return not busy

    until(frozen)


def is_stopped(pid: int) -> bool:
    """Say whether a process stands still."""
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


def is_in_transaction() -> bool:
    """Say whether any other process has a transaction open on the test's database; on SQLite, one that writes."""
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0)) as another:
            try:
                another.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        return bool(cursor.fetchone()[0])


def forget_connections() -> None:
    """Close this process's own connections to the broker, and forget that one was away."""
    pools.reset()
    current_app._after_fork()
    wakeups.breaker.reset()


@pytest.fixture(scope="session")
def warden() -> Iterator[Warden]:
    """The warden of everything that the tests start."""
    warden = Warden()
    yield warden
    warden.dismiss()


@pytest.fixture
def broker(tmp_path: Path, warden: Warden, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """A broker that has not been started; the test's own process knows its address."""
    broker = Broker(tmp_path, warden)
    monkeypatch.setenv("CELERY_BROKER_URL", broker.url)
    return broker


@pytest.fixture
def processes(transactional_db: None, tmp_path: Path, broker: Broker, settings: Any) -> Iterator[Processes]:
    """Real processes on the test's database; the broker is not started yet. They end before the database is cleared."""
    settings.CONSOLE = CONSOLE
    forget_connections()
    processes = Processes(tmp_path, broker)
    yield processes
    processes.end()
    forget_connections()
