"""What the tests of faults share."""

from __future__ import annotations

from tests.processes import broker, processes, warden

__all__ = ["broker", "processes", "warden"]
