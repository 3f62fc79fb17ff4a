"""``python -m bench.import_child <file>``: import a file through a resource, and tell the memory of this process."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import django
from django.db import connection

from bench.child import megabytes


def main(path: Path) -> None:
    """Import the file, and print the memory before and after."""
    from bench.imports import by_path  # noqa: PLC0415 - apps must be ready
    from bench.resources import CheckedTaggedNotes  # noqa: PLC0415

    connection.ensure_connection()
    idle = megabytes()
    by_path(CheckedTaggedNotes)(path)
    print(json.dumps({"idle": idle, "peak": megabytes()}))


if __name__ == "__main__":
    django.setup()
    main(Path(sys.argv[1]))
