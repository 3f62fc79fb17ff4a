"""What the tests of schedules share."""

from tests.world import broker, configure, declare

__all__ = ["broker", "configure", "declare"]
