"""``python -m tests``: every test on SQLite and again on PostgreSQL; arguments go to pytest."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from tests import postgres

# Tests of processes and browsers mostly wait, so that more of them than there are cores run at a time.
PARTS = {
    "without processes": ("-m", "not processes and not browser", "-n", "2", "--dist", "worksteal"),
    "with processes and browsers": ("-m", "processes or browser", "-n", "3", "--dist", "loadfile"),
}


def run(database: str, url: str | None, arguments: Sequence[str]) -> int:
    """Run pytest on one database and return its exit code."""
    print(f"\n━━━ Tests on {database} ━━━", flush=True)
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment["DJANGO_SETTINGS_MODULE"] = "tests.settings"  # importing the project has named its own
    if url:
        environment["DATABASE_URL"] = url
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], env=environment, check=False).returncode


def main(arguments: Sequence[str]) -> int:
    """Run both, whatever the first says, and return 0 if both passed."""
    codes = {}
    with postgres.server() as url:
        for database, address in (("SQLite", None), ("PostgreSQL", url)):
            for part, choice in PARTS.items():
                told = f"{database}, {part}"
                codes[told] = run(told, address, [*choice, *arguments])
    print()
    for database, code in codes.items():
        print(f"{database}: {'passed' if code == 0 else f'FAILED (pytest exit code {code})'}")
    return int(any(codes.values()))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main(sys.argv[1:]))
