"""A stand-in for the newsletter service that notes are published to, for demonstrations and tests.

    python -m notes.newsletter --port 8025

`POST /notes` with an `Idempotency-Key` takes a note and answers `{"id": …}`; the same key gets the same id and
counts once. `GET /log` tells what was received. `POST /control` makes it misbehave from then on:

    {"fail": 503, "times": 2}     the next two requests are answered 503
    {"hang": 30, "slug": "tea"}   requests for the note "tea" are answered after 30 seconds
    {"reject": true}              requests are answered 422
    {"lose": true, "times": 1}    the next note is taken, but the connection closes before the answer
    {"reset": true}               well-behaved again, and forgets what it received

It needs nothing but the standard library, keeps everything in memory and listens on loopback.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = ("fail", "hang", "reject", "lose")


@dataclass
class Fault:
    """One way to misbehave.

    `kind` is one of `FAULTS`, `value` its status or seconds; `slug` narrows it to one note; `times` is how often it
    still happens, `None` for ever.
    """

    kind: str
    value: Any
    slug: str | None = None
    times: int | None = None

    @classmethod
    def read(cls, control: dict[str, Any]) -> Fault:
        """Return the fault that a control request asks for; raises `ValueError` for one that it does not know."""
        kinds = [kind for kind in FAULTS if control.get(kind)]
        if len(kinds) != 1:
            raise ValueError(f"ask for exactly one of {', '.join(FAULTS)}, or for reset")
        return cls(kinds[0], control[kinds[0]], control.get("slug"), control.get("times"))

    def meets(self, slug: str) -> bool:
        """Return whether a request for this note should suffer the fault."""
        return self.times != 0 and self.slug in (None, slug)


class Newsletter:
    """What the service remembers, safe to use from several threads: notes taken by key, requests, faults."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self.reset()

    def reset(self) -> None:
        """Forget every note, request and fault."""
        with self._lock:
            self._taken: dict[str, str] = {}
            self._requests: list[dict[str, Any]] = []
            self._faults: list[Fault] = []

    def misbehave(self, fault: Fault) -> None:
        """Let requests that meet the fault suffer it from now on."""
        with self._lock:
            self._faults.append(fault)

    def take(self, key: str) -> str:
        """Return the id of the note published under this key; the first request publishes it."""
        with self._lock:
            return self._taken.setdefault(key, uuid.uuid4().hex)

    def fault(self, slug: str) -> Fault | None:
        """Return the fault that a request for this note suffers now, and count it as suffered."""
        with self._lock:
            fault = next((fault for fault in self._faults if fault.meets(slug)), None)
            if fault and fault.times:
                fault.times -= 1
            return fault

    def record(self, key: str, slug: str) -> dict[str, Any]:
        """Note that a request came in; return its line in the log, whose answer is still to be filled in."""
        request: dict[str, Any] = {"key": key, "slug": slug, "answer": None}
        with self._lock:
            self._requests.append(request)
        return request

    def log(self) -> dict[str, Any]:
        """Return every request received, in order, and how many notes were published."""
        with self._lock:
            return {"published": len(self._taken), "requests": [dict(line) for line in self._requests]}


class Handler(BaseHTTPRequestHandler):
    """The service's three addresses."""

    server: NewsletterServer

    def do_GET(self) -> None:
        """Answer the log."""
        if self.path == "/log":
            self._answer(HTTPStatus.OK, self.server.newsletter.log())
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "no such address"})

    def do_POST(self) -> None:
        """Take a note, or a fault to suffer."""
        try:
            content = self._content()
            match self.path:
                case "/notes":
                    self._publish(content)
                case "/control":
                    self._control(content)
                case _:
                    self._answer(HTTPStatus.NOT_FOUND, {"error": "no such address"})
        except ValueError as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})

    def log_message(self, *_: Any) -> None:
        """Say nothing: `GET /log` tells more."""

    def _content(self) -> dict[str, Any]:
        match json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0)))):
            case dict() as content:
                return content
            case _:
                raise ValueError("a JSON object is wanted")

    def _control(self, content: dict[str, Any]) -> None:
        if content.get("reset"):
            self.server.newsletter.reset()
        else:
            self.server.newsletter.misbehave(Fault.read(content))
        self._answer(HTTPStatus.OK, {})

    def _publish(self, content: dict[str, Any]) -> None:
        key, slug = self.headers.get("Idempotency-Key", ""), content.get("slug")
        if not key or not slug:
            raise ValueError("an Idempotency-Key and a slug are wanted")
        newsletter = self.server.newsletter
        line = newsletter.record(key, slug)
        fault = newsletter.fault(slug)
        if fault and fault.kind == "hang":
            newsletter.closing.wait(fault.value)
        if fault and fault.kind == "fail":
            line["answer"] = fault.value
            self._answer(fault.value, {"error": "told to fail"})
        elif fault and fault.kind == "reject":
            line["answer"] = HTTPStatus.UNPROCESSABLE_ENTITY
            self._answer(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": "told to reject this note"})
        elif fault and fault.kind == "lose":
            newsletter.take(key)
            line["answer"] = "lost"
            self.close_connection = True
        else:
            line["answer"] = HTTPStatus.OK
            self._answer(HTTPStatus.OK, {"id": newsletter.take(key)})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class NewsletterServer(ThreadingHTTPServer):
    """The service, listening; port 0 takes a free one."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self.newsletter = Newsletter()
        super().__init__((host, port), Handler)

    @property
    def url(self) -> str:
        """Return the address that clients use."""
        return f"http://{self.server_address[0]!s}:{self.server_port}"

    def server_close(self) -> None:
        """Stop listening, and let the requests that hang go."""
        self.newsletter.closing.set()
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the traceback of anything but a client that went away, as one that times out does."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A stand-in for the newsletter service.")
    parser.add_argument("--port", type=int, default=8025)
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args()
    with NewsletterServer(options.port, options.host) as server:
        print(f"newsletter on {server.url}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
