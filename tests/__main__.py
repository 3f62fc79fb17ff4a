"""``python -m tests``: every test on SQLite and again on PostgreSQL; arguments go to pytest."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from tests import postgres


def run(database: str, url: str | None, arguments: Sequence[str]) -> int:
    """Run pytest on one database and return its exit code."""
    print(f"\n━━━ Tests on {database} ━━━", flush=True)
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    if url:
        environment["DATABASE_URL"] = url
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], env=environment, check=False).returncode


def main(arguments: Sequence[str]) -> int:
    """Run both, whatever the first says, and return 0 if both passed."""
    codes = {"SQLite": run("SQLite", None, arguments)}
    with postgres.server() as url:
        codes["PostgreSQL"] = run("PostgreSQL", url, arguments)
    print()
    for database, code in codes.items():
        print(f"{database}: {'passed' if code == 0 else f'FAILED (pytest exit code {code})'}")
    return int(any(codes.values()))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main(sys.argv[1:]))
