"""``python -m bench``: the benchmarks on SQLite and on PostgreSQL; prints a table and writes ``bench/results.json``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.figures import table
from tests import postgres

RESULTS = Path(__file__).parent / "results.json"
DURABLE = ("shared_buffers=512MB", "max_wal_size=4GB")


def session(*arguments: str) -> list[dict[str, Any]]:
    """Return the rows of one database, measured in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [sys.executable, "-m", "bench.session", *arguments]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        try:
            answer, _nothing = process.communicate()
        except BaseException:
            process.terminate()  # it has a broker, workers and a database to put away
            raise
    if process.returncode:
        sys.exit(process.returncode)
    rows: list[dict[str, Any]] = json.loads(answer)
    return rows


def main(names: Sequence[str]) -> None:
    """Measure what is named, or everything, on both databases."""
    rows = session(*names)
    with postgres.server(DURABLE) as url:
        rows += session(*names, "--server", url)
    RESULTS.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    main(sys.argv[1:])
