"""The stand-in newsletter service and its client, over a real connection."""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from notes.newsletter import NewsletterServer
from notes.publishing import NewsletterAwayError, NoteRefusedError, publish

TEA = {"slug": "tea", "title": "Tea at four"}
RAIN = {"slug": "rain", "title": "Ghent in the rain"}
PATIENCE = 10


def control(server: NewsletterServer, **fault: Any) -> None:
    """Tell the service how to behave."""
    sent = Request(f"{server.url}/control", json.dumps(fault).encode())  # noqa: S310
    with urlopen(sent, timeout=PATIENCE) as answer:  # noqa: S310
        assert answer.status == 200


def log(url: str) -> dict[str, Any]:
    """Ask the service what it received."""
    with urlopen(f"{url}/log", timeout=PATIENCE) as answer:  # noqa: S310
        content: dict[str, Any] = json.load(answer)
        return content


class TestPublish:
    """A note on its way to the service."""

    def test_answers_the_id_of_the_published_note(self, newsletter: NewsletterServer) -> None:
        """A note that is taken has an id, and is in the log with its key."""
        assert publish(TEA, "key-1", PATIENCE)
        assert log(newsletter.url) == {
            "published": 1,
            "requests": [{"key": "key-1", "slug": "tea", "answer": 200}],
        }

    def test_the_same_key_publishes_once(self, newsletter: NewsletterServer) -> None:
        """However often a key is sent, it gets the same id and counts once; another key counts again."""
        first = publish(TEA, "key-1", PATIENCE)
        assert publish(TEA, "key-1", PATIENCE) == first
        assert publish(TEA, "key-2", PATIENCE) != first
        assert log(newsletter.url)["published"] == 2

    @pytest.mark.parametrize("status", [500, 502, 503, 408, 429])
    def test_trouble_of_the_service_is_worth_a_retry(self, newsletter: NewsletterServer, status: int) -> None:
        """Server errors and "too many requests" mean unavailable, and the status is told."""
        control(newsletter, fail=status, times=1)
        with pytest.raises(NewsletterAwayError, match=str(status)):
            publish(TEA, "key-1", PATIENCE)
        assert publish(TEA, "key-1", PATIENCE)

    @pytest.mark.parametrize("status", [400, 401, 404, 409, 410])
    def test_a_refusal_is_not(self, newsletter: NewsletterServer, status: int) -> None:
        """Client errors mean refused."""
        control(newsletter, fail=status)
        with pytest.raises(NoteRefusedError, match=str(status)):
            publish(TEA, "key-1", PATIENCE)

    def test_a_fault_may_be_for_one_note_only(self, newsletter: NewsletterServer) -> None:
        """The others go through meanwhile."""
        control(newsletter, reject=True, slug="tea")
        with pytest.raises(NoteRefusedError, match="422"):
            publish(TEA, "key-1", PATIENCE)
        assert publish(RAIN, "key-2", PATIENCE)

    def test_a_service_that_hangs_is_given_up(self, newsletter: NewsletterServer) -> None:
        """After the time-out the service counts as unavailable."""
        control(newsletter, hang=600)
        with pytest.raises(NewsletterAwayError):
            publish(TEA, "key-1", 0.2)

    def test_a_lost_answer_is_found_again_by_its_key(self, newsletter: NewsletterServer) -> None:
        """The note was published although the client saw an error; sending it again does not publish it twice."""
        control(newsletter, lose=True, times=1)
        with pytest.raises(NewsletterAwayError):
            publish(TEA, "key-1", PATIENCE)
        assert publish(TEA, "key-1", PATIENCE)
        assert log(newsletter.url)["published"] == 1

    def test_a_service_that_is_not_there_is_unavailable(self, settings: Any) -> None:
        """A refused connection is network trouble."""
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            settings.NOTES_NEWSLETTER_URL = f"http://127.0.0.1:{unused.getsockname()[1]}"
            with pytest.raises(NewsletterAwayError):
                publish(TEA, "key-1", PATIENCE)


class TestOddAnswers:
    """Services that answer what nobody expects."""

    @pytest.fixture
    def answer(self, settings: Any) -> Iterator[dict[str, Any]]:
        """What a service of another kind answers: `status`, `headers` and `body`, to be set by the test."""
        wanted: dict[str, Any] = {"status": 200, "headers": {}, "body": b""}

        class Odd(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(wanted["status"])
                for name, value in wanted["headers"].items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(wanted["body"])

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        with HTTPServer(("127.0.0.1", 0), Odd) as server:
            settings.NOTES_NEWSLETTER_URL = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield wanted
            finally:
                server.shutdown()
                thread.join()

    @pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"{}", b"[]", b'"text"', b""])
    def test_an_answer_that_says_nothing_is_unavailable(self, answer: dict[str, Any], body: bytes) -> None:
        """Success without an id is not success."""
        answer["body"] = body
        with pytest.raises(NewsletterAwayError):
            publish(TEA, "key-1", PATIENCE)

    @pytest.mark.parametrize("status", [301, 302, 307])
    def test_a_redirect_is_not_followed(
        self, newsletter: NewsletterServer, answer: dict[str, Any], status: int
    ) -> None:
        """A note goes where it was sent, or nowhere."""
        answer.update(status=status, headers={"Location": f"{newsletter.url}/notes"})
        with pytest.raises(NoteRefusedError, match=str(status)):
            publish(TEA, "key-1", PATIENCE)
        assert log(newsletter.url)["requests"] == []

    def test_a_broken_off_answer_is_unavailable(self, answer: dict[str, Any]) -> None:
        """An answer shorter than promised counts as none."""
        answer.update(headers={"Content-Length": "500"}, body=b'{"id": "1"')
        with pytest.raises(NewsletterAwayError):
            publish(TEA, "key-1", PATIENCE)


class TestControl:
    """How the stand-in is told to misbehave."""

    def test_reset_forgets_everything(self, newsletter: NewsletterServer) -> None:
        """Faults, notes and requests are gone."""
        control(newsletter, fail=503)
        with pytest.raises(NewsletterAwayError):
            publish(TEA, "key-1", PATIENCE)
        control(newsletter, reset=True)
        assert log(newsletter.url) == {"published": 0, "requests": []}
        assert publish(TEA, "key-1", PATIENCE)

    @pytest.mark.parametrize("fault", [{}, {"explode": True}, {"fail": 503, "hang": 1}])
    def test_an_unknown_fault_is_refused(self, newsletter: NewsletterServer, fault: dict[str, Any]) -> None:
        """The answer is 400, and nothing changes."""
        with pytest.raises(HTTPError, match="400") as refusal:
            control(newsletter, **fault)
        refusal.value.close()
        assert publish(TEA, "key-1", PATIENCE)

    @pytest.mark.parametrize(("key", "note"), [("", TEA), ("key-1", {"title": "No slug"})])
    def test_a_note_without_key_or_slug_is_refused(
        self, newsletter: NewsletterServer, key: str, note: dict[str, Any]
    ) -> None:
        """Both are needed to publish once and to find the request in the log."""
        with pytest.raises(NoteRefusedError, match="400"):
            publish(note, key, PATIENCE)


def test_it_runs_as_a_program(settings: Any) -> None:
    """`python -m notes.newsletter` says where it listens, serves, and ends when told to."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "notes.newsletter", "--port", "0"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout
            assert select.select([program.stdout], [], [], PATIENCE)[0]
            settings.NOTES_NEWSLETTER_URL = program.stdout.readline().split()[-1]
            assert publish(TEA, "key-1", PATIENCE)
            assert log(settings.NOTES_NEWSLETTER_URL)["published"] == 1
        finally:
            program.terminate()
        assert program.wait(PATIENCE) is not None
