"""A second database session in a thread, and a look at whether it waits for a lock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import connection, connections

from tests.polling import until

T = TypeVar("T")


class Session(threading.Thread, Generic[T]):
    """Runs a function on a connection of its own; `result` gives what it returned, or raises what it raised."""

    def __init__(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> None:
        super().__init__(daemon=True)
        self._call = lambda: function(*args, **kwargs)
        self._returned: T | None = None
        self._raised: BaseException | None = None
        self.pid: int | None = None
        self.start()

    def run(self) -> None:
        """Do the work of the thread."""
        try:
            with connection.cursor() as cursor:
                if connection.vendor == "postgresql":
                    cursor.execute("SELECT pg_backend_pid()")
                    self.pid = cursor.fetchone()[0]
            self._returned = self._call()
        except BaseException as error:  # noqa: BLE001 - handed to whoever asks for the result
            self._raised = error
        finally:
            connections.close_all()

    def blocks(self) -> bool:
        """Wait until the session waits for a lock (True) or has done its work (False)."""
        return until(self._seen, 10) == "blocked"

    def result(self, seconds: float = 15) -> T:
        """Return what the function returned."""
        self.join(seconds)
        assert not self.is_alive(), "The other session hangs."
        if self._raised is not None:
            raise self._raised
        return self._returned  # type: ignore[return-value]

    def _seen(self) -> str:
        if not self.is_alive():
            return "done"
        if self.pid is None:
            return ""
        with connection.cursor() as cursor:
            # pg_locks, unlike pg_stat_activity, is read anew by each statement of a transaction.
            cursor.execute("SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted", [self.pid])
            return "blocked" if cursor.fetchone()[0] else ""
