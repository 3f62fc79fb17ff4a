"""The admin's pages as a member of staff uses them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench.data import USER
from console.models import Run
from notes.models import Note

LIST = "/admin/notes/note/"


class Staff:
    """Somebody who is signed in."""

    def __init__(self) -> None:
        self.client = Client(SERVER_NAME="localhost")
        self.client.force_login(get_user_model().objects.get(username=USER))

    def milliseconds(self, address: str) -> float:
        """Return how long the page takes."""
        started = time.perf_counter()
        answer = self.client.get(address)
        taken = 1000 * (time.perf_counter() - started)
        assert answer.status_code == 200, answer
        return taken

    def queries(self, address: str) -> int:
        """Return how many queries the page takes."""
        with CaptureQueriesContext(connection) as captured:
            self.client.get(address)
        return len(captured)

    def form(self, operation: str, notes: Iterable[Note], **params: object) -> dict[str, object]:
        """Choose notes and an action, and return the form of the confirmation page, filled in."""
        chosen = {"action": operation, "_selected_action": [note.pk for note in notes], **params}
        page = self.client.post(LIST, chosen).content.decode()
        return {**dict(re.findall(r'<input type="hidden" name="(_\w+)" value="([^"]*)"', page)), **chosen}

    def start(self, form: dict[str, object]) -> Run:
        """Press the button, and return the run that the answer leads to."""
        answer = self.client.post(LIST, form)
        found = re.search(r"/admin/console/run/(\d+)/", answer.headers.get("Location", ""))
        assert found, answer.content.decode()
        return Run.objects.get(pk=found[1])

    def cancel(self, run: Run) -> None:
        """Cancel a run."""
        answer = self.client.post(f"/admin/console/run/{run.pk}/cancel/")
        assert answer.status_code == 302, answer.content.decode()
