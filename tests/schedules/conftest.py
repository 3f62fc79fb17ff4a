"""What the tests of schedules share; the races need two sessions, which only PostgreSQL has."""

from django.conf import settings

from tests.world import broker, configure, declare

__all__ = ["broker", "configure", "declare"]

collect_ignore_glob = [] if "postgresql" in settings.DATABASES["default"]["ENGINE"] else ["test_race_*.py"]
