"""What the supervisor promises, with small real processes."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.polling import until

pytestmark = pytest.mark.processes

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a family, and leave none of it behind."""
    started: list[subprocess.Popen[str]] = []

    def family(*members: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.config.family", str(tmp_path), *members]
        supervisor = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started.append(supervisor)
        return supervisor

    yield family
    for supervisor in started:
        supervisor.kill()
        supervisor.communicate()


def pid_of(folder: Path, name: str) -> int:
    """Return the process id of a member as soon as it has started."""
    until((folder / name).exists)
    return int((folder / name).read_text())


def gone(pid: int) -> bool:
    """Say whether a process has ended, reaped or not."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_children_stop_in_the_order_of_their_stages(start: Start, tmp_path: Path) -> None:
    """Lower stages end before higher ones are told to, whatever the order they were given in."""
    supervisor = start("broker:2", "web:0", "worker:1")
    for name in ("broker", "worker", "web"):
        pid_of(tmp_path, name)
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(20) == 0
    assert (tmp_path / "ends").read_text().split() == ["web", "worker", "broker"]


def test_higher_stages_are_ready_before_lower_ones_start(start: Start, tmp_path: Path) -> None:
    """The broker serves before a worker looks for it."""
    start("web:0", "broker:2", "worker:1")
    pid_of(tmp_path, "web")
    births = {name: (tmp_path / name).stat().st_mtime_ns for name in ("broker", "worker", "web")}
    assert sorted(births, key=lambda name: births[name]) == ["broker", "worker", "web"]


def test_a_child_that_dies_starts_again(start: Start, tmp_path: Path) -> None:
    """A killed child comes back as a new process."""
    start("web:0")
    first = pid_of(tmp_path, "web")
    (tmp_path / "web").unlink()
    os.kill(first, signal.SIGKILL)
    assert pid_of(tmp_path, "web") != first


def test_what_a_dead_child_leaves_is_killed_before_it_starts_again(start: Start, tmp_path: Path) -> None:
    """A server whose main process was killed leaves no process that keeps its port."""
    start("web:0:parent")
    main, child = pid_of(tmp_path, "web"), pid_of(tmp_path, "web-child")
    (tmp_path / "web").unlink()
    os.kill(main, signal.SIGKILL)
    pid_of(tmp_path, "web")
    assert gone(child)


def test_a_child_that_keeps_dying_starts_less_and_less_often(start: Start, tmp_path: Path) -> None:
    """The pause before a start doubles."""
    supervisor = start("web:0:gone")
    assert supervisor.stdout
    pauses = [next(line for line in supervisor.stdout if "starts again" in line) for _ in range(3)]
    assert [line.split(" in ")[1].strip() for line in pauses] == ["0.5 s.", "1 s.", "2 s."]


def test_a_child_that_will_not_stop_is_killed(start: Start, tmp_path: Path) -> None:
    """Patience ends; the supervisor stops all the same."""
    supervisor = start("web:0:stubborn")
    pid = pid_of(tmp_path, "web")
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(20) == 0
    assert gone(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_way_to_ask_stops_all(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C, a plain kill and a closed terminal are the same wish."""
    supervisor = start("web:0:parent", "broker:1")
    pids = [pid_of(tmp_path, name) for name in ("broker", "web", "web-child")]
    supervisor.send_signal(number)
    assert supervisor.wait(20) == 0
    assert all(map(gone, pids))


def test_a_killed_supervisor_leaves_no_orphan(start: Start, tmp_path: Path) -> None:
    """SIGKILL of the supervisor ends its children, and theirs."""
    supervisor = start("web:0:parent", "broker:1:stubborn")
    pids = [pid_of(tmp_path, name) for name in ("broker", "web", "web-child")]
    supervisor.kill()
    until(lambda: all(map(gone, pids)))


def test_a_killed_guardian_is_replaced(start: Start, tmp_path: Path) -> None:
    """No orphan is left when the guardian dies first and the supervisor later."""
    supervisor = start("web:0", "broker:1")
    web, broker = pid_of(tmp_path, "web"), pid_of(tmp_path, "broker")
    guardian = next(
        child for child in psutil.Process(supervisor.pid).children() if "guardian" in " ".join(child.cmdline())
    )
    guardian.kill()
    (tmp_path / "web").unlink()
    os.kill(web, signal.SIGKILL)
    web = pid_of(tmp_path, "web")
    supervisor.kill()
    until(lambda: gone(web) and gone(broker))


def test_a_tied_supervisor_stops_with_whoever_started_it(tmp_path: Path) -> None:
    """When `make` is killed, what it ran stops in order."""
    command = f"{sys.executable} -m tests.config.family --tied {tmp_path} web:0 broker:1; true"
    shell = subprocess.Popen(["sh", "-c", command], stdout=subprocess.DEVNULL)
    web = pid_of(tmp_path, "web")
    shell.kill()
    shell.wait()
    until(lambda: gone(web))
    until(lambda: (tmp_path / "ends").read_text().split() == ["web", "broker"])


def test_output_that_nobody_reads_stops_no_child(tmp_path: Path) -> None:
    """A full pipe holds up the printing, not the processes: they start again and stop as ever."""
    read, write = os.pipe()
    while select.select([], [write], [], 0)[1]:
        os.write(write, bytes(4096))
    supervisor = subprocess.Popen([sys.executable, "-m", "tests.config.family", str(tmp_path), "web:0"], stdout=write)
    pid_of(tmp_path, "web")
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(20) == 0
    os.close(read)
    os.close(write)
