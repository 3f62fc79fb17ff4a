"""``manage.py up``: the whole project in one command."""

import fcntl
import os
import threading
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, CommandError, call_command
from django.db import DatabaseError, connections

from config.broker import NoServerError
from config.children import everything
from config.output import Output
from config.ports import is_free
from config.supervisor import Supervisor
from notes.models import Note

ECHO = 1.0  # the port of a supervisor that was killed a moment ago is free again within it
GRACE = 5.0  # for a supervisor that was killed a moment ago to be cleared away
STARTED_WITHIN = 60.0


class Command(BaseCommand):
    """Prepares the database, then runs web, workers, beat and what they need until Ctrl-C."""

    help = "Run web, workers, beat and (unless REDIS_URL is set) the embedded broker, until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the address from HOST and PORT."""
        parser.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1")
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or "8000"))
        parser.add_argument(
            "--demo", action="store_true", help="load the demo's notes and logins into an empty database"
        )
        parser.add_argument("--tied", action="store_true", help="stop when the process that started this one ends")

    def handle(self, *, host: str, port: int, demo: bool, tied: bool, **_: Any) -> None:
        """Run everything.

        Raises:
            CommandError: the port or the data folder is in use, or the database or a broker is missing.
        """
        _require_port(host, port)
        with _only_one(Path(settings.DATA_DIR)) as lock:
            output = Output()
            try:
                _prepare(demo=demo)
                children = everything(host, port)
                _announce_later(output, host, port, demo=demo)
                Supervisor(children, output, lock, tied=tied).run()
            except NoServerError as error:
                raise CommandError(str(error)) from error
            finally:
                output.close()


def _require_port(host: str, port: int) -> None:
    try:
        free = _within(ECHO, lambda: is_free(host, port))
    except OSError as error:
        message = f"Cannot listen on {host}: {error.strerror}. Choose an address of this machine with HOST."
        raise CommandError(message) from error
    if not free:
        message = f"Port {port} on {host} is in use: stop what listens there, or choose another: PORT={port + 1}."
        raise CommandError(message)


@contextmanager
def _only_one(folder: Path) -> Iterator[int]:
    """Hold the data folder for this supervisor alone."""
    with (folder / "up.lock").open("w") as lock:
        if not _within(GRACE, lambda: _try_lock(lock.fileno())):
            message = f"Another `up` is running on {folder}: stop it first, or set CONSOLE_DATA to another folder."
            raise CommandError(message)
        yield lock.fileno()


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _prepare(*, demo: bool) -> None:
    """Bring the database and the static files up to date, and fill an empty demo."""
    try:
        call_command("migrate", verbosity=0, interactive=False)
        if demo and not (Note.objects.exists() or get_user_model().objects.exists()):
            call_command("loaddata", "demo", verbosity=0)
    except DatabaseError as error:
        message = f"The database is not ready: {str(error).strip()}"
        raise CommandError(message) from error
    finally:
        connections.close_all()
    if not settings.DEBUG:
        call_command("collectstatic", verbosity=0, interactive=False)


def _announce_later(output: Output, host: str, port: int, *, demo: bool) -> None:
    threading.Thread(target=_announce, args=(output, host, port, demo), daemon=True).start()


def _announce(output: Output, host: str, port: int, demo: bool) -> None:  # noqa: FBT001
    """Print where to go as soon as the web answers."""
    here = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104
    url = f"http://{f'[{here}]' if ':' in here else here}:{port}"
    if not _within(STARTED_WITHIN, lambda: _answers(f"{url}/admin/login/")):
        output.say("up", f"The web does not answer on {url} yet: see its lines above.")
        return
    output.say("up", f"The admin is at {url}/admin/")
    if demo:
        output.say("up", "Log in as admin, operator or viewer; the password is the login.")
    output.say("up", f"Data is kept in {settings.DATA_DIR}. Ctrl-C stops everything.")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _within(seconds: float, succeeds: Callable[[], bool]) -> bool:
    """Try until it succeeds or the time is up."""
    deadline = time.monotonic() + seconds
    while not (done := succeeds()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return done
