"""A small supervised family, for tests: ``python -m tests.config.family FOLDER NAME:STAGE[:TRAIT]…``.

Each member writes its process id to ``FOLDER/NAME``, and its name to ``FOLDER/ends`` when it is told to stop.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from config.output import Output
from config.supervisor import Child, Supervisor

PATIENCE = 1.0


def member(folder: Path, name: str, trait: str) -> None:
    """Live: a `stubborn` member ignores SIGTERM, a `parent` has a child, `gone` ends at once."""

    def end(*_: object) -> None:
        with (folder / "ends").open("a") as ends:
            ends.write(f"{name}\n")
        if trait != "stubborn":
            sys.exit()

    signal.signal(signal.SIGTERM, end)
    if trait == "parent":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (folder / f"{name}-child").write_text(str(child.pid))
    draft = folder / f"{name}.draft"
    draft.write_text(str(os.getpid()))
    draft.rename(folder / name)
    while trait != "gone":
        time.sleep(0.05)


def child(folder: Path, description: str) -> Child:
    """Return the child that a description asks for."""
    name, stage, *trait = description.split(":")
    command = [sys.executable, "-m", "tests.config.family", "--member", str(folder), name, *(trait or ["plain"])]
    return Child(name, command, stage=int(stage), ready=(folder / name).exists, patience=PATIENCE)


def main(arguments: list[str]) -> None:
    """Be a member, or the supervisor of them all."""
    if arguments[0] == "--member":
        member(Path(arguments[1]), *arguments[2:])
        return
    tied = "--tied" in arguments
    folder, *descriptions = [word for word in arguments if word != "--tied"]
    with (Path(folder) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        output = Output()
        children = [child(Path(folder), description) for description in descriptions]
        Supervisor(children, output, lock.fileno(), tied=tied).run()
        output.close()


if __name__ == "__main__":
    main(sys.argv[1:])
