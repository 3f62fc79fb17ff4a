"""What the tests of faults share."""

from __future__ import annotations

import os

from tests.processes import broker, processes, warden

__all__ = ["broker", "processes", "warden"]

collect_ignore = [] if os.environ.get("DATABASE_URL", "").startswith("postgres") else ["test_postgresql.py"]
