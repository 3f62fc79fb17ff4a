"""What the supervised processes print, line by line behind their names."""

import os
import queue
import threading
from collections.abc import Iterable

COLOURS = {"up": 97, "web": 32, "beat": 35, "control": 36, "bulk": 34, "broker": 31, "newsletter": 33}
WIDTH = max(map(len, COLOURS))
HELD_BACK = 10_000


class Output:
    """Writes lines to a file descriptor from a thread of its own.

    A terminal that is stopped, or a pipe that nobody reads, must not stop the workers: lines beyond `HELD_BACK` are
    dropped.
    """

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._colour = os.isatty(descriptor) and "NO_COLOR" not in os.environ
        self._lines: queue.Queue[bytes | None] = queue.Queue(HELD_BACK)
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def say(self, name: str, line: str) -> None:
        """Print one line of the named process."""
        self._put(f"{self._prefix(name)} {line}\n".encode(errors="replace"))

    def follow(self, name: str, stream: Iterable[bytes]) -> None:
        """Print what the named process writes, until it closes its output."""
        threading.Thread(target=self._follow, args=(name, stream), daemon=True).start()

    def close(self, patience: float = 2) -> None:
        """Wait for the lines still held back, but not for ever."""
        self._put(None)
        self._writer.join(patience)

    def _follow(self, name: str, stream: Iterable[bytes]) -> None:
        prefix = self._prefix(name).encode()
        for line in filter(bytes.strip, stream):
            self._put(prefix + b" " + line.rstrip(b"\r\n") + b"\n")

    def _prefix(self, name: str) -> str:
        label = f"{name:<{WIDTH}} |"
        return f"\033[{COLOURS.get(name, 37)}m{label}\033[0m" if self._colour else label

    def _put(self, line: bytes | None) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            return

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                os.write(self._descriptor, line)
            except OSError:  # whoever read us has gone
                self._descriptor = os.open(os.devnull, os.O_WRONLY)
