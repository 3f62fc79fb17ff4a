"""``python -m bench.child <operation> <parameters as JSON>``: carry one run out, as a worker's process does, and tell its memory."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import django
from django.db import connection

from config.celery import app


def megabytes() -> float:
    """Return the most memory that this process has had; `ru_maxrss` counts what the one before exec() had, too."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found
    return int(found[1]) / 1024


def main(name: str, params: dict[str, Any]) -> None:
    """Carry out a run that is accepted here, and print the memory before and after."""
    from console.engine.acceptance import start  # noqa: PLC0415 - apps must be ready
    from console.testing import assert_succeeded, perform  # noqa: PLC0415
    from notes.models import Note  # noqa: PLC0415

    app.loader.import_default_modules()
    connection.ensure_connection()
    idle = megabytes()
    run = start(name, objects=Note.all_objects.all(), params=params)
    assert_succeeded(perform(run))
    print(json.dumps({"idle": idle, "peak": megabytes()}))


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1], json.loads(sys.argv[2]))
