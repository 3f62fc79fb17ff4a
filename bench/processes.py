"""The broker and the workers of a benchmark: real processes, as the project runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from config import broker as valkey
from config.ports import free_port

PATIENCE = 120.0
T = TypeVar("T")


@contextmanager
def running(command: Sequence[str], log: Path, **environment: str) -> Iterator[None]:
    """Run a command as long as the context lasts; what it printed goes to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            yield
        except BaseException:
            print(log.read_text(encoding="utf-8", errors="replace")[-4000:], file=sys.stderr)
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """Run a broker and give its address."""
    port = free_port()
    with running(valkey.command(valkey.find_server(), port, folder), folder / "broker.log"):
        until(lambda: valkey.answers(port))
        yield f"redis://127.0.0.1:{port}/0"


def until(look: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Look until there is something to see, and return it.

    Raises:
        TimeoutError: The time is up.
    """
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"It did not happen in {seconds:g} s.")
        time.sleep(0.02)
    return seen
