"""Nothing that a person, an object, a worker or an address says is taken for markup, on any page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from console.models import Run
from tests.admin.forms import only_form
from tests.admin.payloads import PAYLOAD, SHORT, Poisoned, poisoned
from tests.admin.running import signed_in, staff

pytestmark = pytest.mark.django_db

SCRIPT = Path("console/static/console/console.js")


@pytest.fixture
def things(settings: Any) -> Iterator[Poisoned]:
    """Everything with payloads in it."""
    settings.CONSOLE = {**settings.CONSOLE, "CONTACT": PAYLOAD}
    with poisoned() as made:
        yield made


class Reader(HTMLParser):
    """Finds what a browser would run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look for handlers, inline scripts and addresses that are scripts."""
        given = dict(attrs)
        self.found += [f"<{tag} {name}>" for name in given if name.startswith("on")]
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.found.append("<script>")
        self.found += [
            f"<{tag} {name}>" for name in ("href", "src", "action") if (given.get(name) or "").startswith("javascript:")
        ]


def what_runs(html: str) -> list[str]:
    """Return what of a page a browser would run, and the payload where it is not escaped."""
    reader = Reader()
    reader.feed(html)
    raw = [text for text in (PAYLOAD, SHORT, "<img src=x") if text in html]
    return reader.found + raw


def shown(client: Client, address: str) -> Any:
    """Return the answer at an address as a browser would write it."""
    return client.get(quote(address, safe="/?&=,"), follow=True)


def test_no_page_runs_what_it_shows(things: Poisoned) -> None:
    """Every address, for somebody who sees it all; JSON is served as such."""
    client = signed_in(things.user)
    bad, poisoned_pages = {}, 0
    for address in things.addresses():
        answer = shown(client, address)
        text = answer.content.decode()
        if answer.headers["Content-Type"].startswith("application/json"):
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            continue
        poisoned_pages += "&lt;img src=x" in text
        if found := what_runs(text):
            bad[address] = found
    assert not bad
    assert poisoned_pages > 30  # they do show the payloads


def test_no_refusal_runs_what_it_names(things: Poisoned) -> None:
    """The 403 pages, too, name operations, nouns and the contact."""
    viewer, stranger = signed_in(staff("viewer", "notes.view_note")), signed_in(staff("stranger"))
    for client in (viewer, stranger):
        for address in things.addresses():
            answer = shown(client, address)
            if "json" not in answer.headers["Content-Type"]:
                assert not what_runs(answer.content.decode()), address


@pytest.mark.parametrize("text", [PAYLOAD, f"no {PAYLOAD}"])
def test_no_form_runs_what_was_typed(things: Poisoned, text: str) -> None:
    """What comes back with an error, what was started, and the message about it."""
    client = signed_in(things.user)
    for address in (
        f"/admin/notes/note/{things.note.pk}/operation/{things.operation}/",
        f"/admin/console/run/start/{things.alone}/",
    ):
        posted = only_form(client.get(address)).data(text=text, kind=PAYLOAD)
        assert not what_runs(client.post(address, posted, follow=True).content.decode())


@pytest.mark.parametrize("verb", ["cancel", "pause", "withdraw"])
def test_no_message_runs_what_it_quotes(things: Poisoned, verb: str) -> None:
    """The name of what was left out, the reason that was given."""
    client = signed_in(things.user)
    target = things.holder.targets.values_list("pk", flat=True)[0]
    posted = {"reason": PAYLOAD, "target": target}
    page = client.post(f"/admin/console/run/{things.holder.pk}/{verb}/", posted, follow=True)
    assert not what_runs(page.content.decode())
    assert "&lt;img src=x" in page.content.decode()


def test_no_list_runs_what_was_posted(things: Poisoned) -> None:
    """Actions, their confirmation and their answer."""
    client = signed_in(things.user)
    runs, notes = reverse("admin:console_run_changelist"), reverse("admin:notes_note_changelist")
    asked: list[tuple[str, dict[str, Any]]] = [
        (runs, {"action": "cancel_runs", "_selected_action": [things.holder.pk]}),
        (runs, {"action": "cancel_runs", "_selected_action": [things.holder.pk], "_act": "yes", "reason": PAYLOAD}),
        (runs, {"action": PAYLOAD, "_selected_action": [PAYLOAD]}),
        (notes, {"action": things.operation, "_selected_action": [things.note.pk]}),
        (notes, {"action": "delete_selected", "_selected_action": [things.note.pk]}),
        (notes, {"action": f"notes.{PAYLOAD}", "_selected_action": [things.note.pk]}),
        (notes, {"action": things.operation, "_selected_action": [PAYLOAD]}),
    ]
    for address, posted in asked:
        assert not what_runs(client.post(address, posted, follow=True).content.decode()), posted


def test_what_would_run_is_found() -> None:
    """The reader of these tests knows a hole when it sees one."""
    assert what_runs(f'<a title="{PAYLOAD}">x</a>')
    assert what_runs(f"<p>{SHORT}</p>")
    assert what_runs("<script>1</script>")
    assert what_runs('<a href="javascript:1">x</a>')
    assert not what_runs('<p title="&lt;img src=x onerror=1&gt;">&lt;script&gt;</p><script src="a.js"></script>')


@pytest.mark.parametrize(
    "way", [r"(inner|outer)HTML\s*\+?=[^=]", "insertAdjacentHTML", r"document\.write", r"\beval\(", "new Function"]
)
def test_the_script_writes_text_as_text(way: str) -> None:
    """What it takes from JSON goes through ``textContent``; what it takes from a page it takes as parsed nodes."""
    assert not re.search(way, SCRIPT.read_text(encoding="utf-8"))


def test_files_hold_no_formula(things: Poisoned) -> None:
    """Neither do their names and headings hold markup: it is text there, and stays as it was."""
    answer = signed_in(things.user).get(f"/admin/console/run/{things.failed.pk}/failures.csv")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert ",'=1+1" in text
    assert answer.headers["Content-Disposition"] == f'attachment; filename="run-{things.failed.pk}-failures.csv"'
    assert Run.objects.filter(pk=things.failed.pk).exists()
