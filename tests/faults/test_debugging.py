"""What docs/debugging.md promises: everything in one process, or a debugger inside a worker."""

from __future__ import annotations

import re
import socket

import pytest

from config.ports import free_port
from console.models import Attempt, Run
from tests.faults.operations import POISON
from tests.faults.runs import begin, counts, make, outcomes, succeeded
from tests.polling import until
from tests.processes import Processes

pytestmark = pytest.mark.processes

START = "from tests.faults.runs import begin; begin()"
PROMPT = "(Pdb) "


def answer(debugger: socket.socket) -> str:
    """Return what the debugger says up to its next prompt."""
    said = ""
    while not said.endswith(PROMPT):
        received = debugger.recv(4096).decode()
        assert received, f"The debugger has gone: {said}"
        said += received
    return said


def test_eager_mode_completes_a_run_in_one_process(processes: Processes) -> None:
    """No broker, no worker, no beat: when `start` returns the work is done."""
    make(300)
    shell = processes.manage("shell", "-c", START, CELERY_TASK_ALWAYS_EAGER="1")
    assert shell.wait() == 0
    succeeded(Run.objects.get())
    assert counts() == {1}
    assert outcomes(Run.objects.get()) == [Attempt.Outcome.DONE]


def test_the_remote_debugger_stops_inside_an_operation(processes: Processes) -> None:
    """The worker's log tells where to connect; there the operation can be looked at, and told to go on."""
    make(2, POISON)
    processes.broker.start()
    worker = processes.worker(CELERY_RDB_PORT=str(free_port()))
    run = begin("faults.debug")
    found = until(lambda: re.search(r"Ready to connect: telnet (\S+) (\d+)", worker.printed()))
    with socket.create_connection((found[1], int(found[2])), timeout=20) as debugger:
        assert "suffer" in answer(debugger)
        debugger.sendall(b"up\n")
        assert "process" in answer(debugger)
        debugger.sendall(b"p len(items), items[0].name\n")
        assert f"(3, '{POISON}')" in answer(debugger)
        assert Attempt.objects.get(run=run).outcome is None
        debugger.sendall(b"c\n")
    succeeded(run)
    assert counts() == {1}
