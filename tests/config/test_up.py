"""The promise of the one command: everything runs, keeps its data, and leaves nothing behind."""

import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest

from config import broker
from config.ports import free_port
from tests.polling import until
from tests.processes import is_gone

ROOT = Path(__file__).resolve().parents[2]
INHERITED = {"CELERY_BROKER_URL", "REDIS_URL", "NOTES_NEWSLETTER_URL", "CELERY_TASK_ALWAYS_EAGER", "HOST"}

pytestmark = [pytest.mark.processes, pytest.mark.slow]


class Project:
    """The reference project in a folder and a database of its own."""

    def __init__(self, folder: Path, database: str | None) -> None:
        self.port = free_port()
        self.log = folder / "log"
        own = {
            "CONSOLE_DATA": str(folder / "data"),
            "PORT": str(self.port),
            "DEBUG": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        inherited = {name: value for name, value in os.environ.items() if name not in INHERITED}
        self.environment = {**inherited, **own}
        self.environment.pop("DATABASE_URL", None)
        if database:
            self.environment["DATABASE_URL"] = database
        self.process: subprocess.Popen[bytes] | None = None
        self.family: list[psutil.Process] = []

    def manage(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a management command to its end."""
        command = [sys.executable, "manage.py", *words]
        merged = {**self.environment, **environment}
        return subprocess.run(command, cwd=ROOT, env=merged, capture_output=True, text=True, check=False, timeout=120)

    def start(self, **environment: str) -> None:
        """Start everything with the demo and wait for its address."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--demo"],
                cwd=ROOT,
                env={**self.environment, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until(lambda: "The admin is at" in self.printed() or self.process.poll() is not None, 60)
        assert self.process.poll() is None, self.printed()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask for an end and return the exit code."""
        assert self.process
        self.remember()
        self.process.send_signal(number)
        return self.process.wait(60)

    def remember(self) -> list[psutil.Process]:
        """Return every process below the supervisor, and remember them."""
        assert self.process
        self.family = psutil.Process(self.process.pid).children(recursive=True)
        return self.family

    def roles(self) -> set[str]:
        """Return the names of what runs."""
        lines = [" ".join(child.cmdline()) for child in self.remember()]
        words = {
            "web": "granian",
            "control": " -Q control ",
            "bulk": " -Q bulk ",
            "beat": " beat ",
            "newsletter": "notes.newsletter",
            "broker": "-server ",
        }
        return {role for role, word in words.items() if any(word in line for line in lines)}

    def left(self) -> list[psutil.Process]:
        """Return the remembered processes that are still alive."""
        return [child for child in self.family if child.is_running() and not is_gone(child.pid)]

    def printed(self) -> str:
        """Return what was printed so far."""
        return self.log.read_text(errors="replace")

    def log_in(self, name: str) -> str:
        """Log in with the password that is the login, and return the address it leads to."""
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        address = f"http://127.0.0.1:{self.port}/admin/login/?next=/admin/"
        page = browser.open(address, timeout=20).read().decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token
        form = {"csrfmiddlewaretoken": token[1], "username": name, "password": name, "next": "/admin/"}
        return str(browser.open(address, urllib.parse.urlencode(form).encode(), timeout=20).url)


@pytest.fixture
def database() -> Iterator[str | None]:
    """Give the URL of an empty PostgreSQL database, or nothing where the tests run on SQLite."""
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield None
        return
    name = f"up_{uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield urllib.parse.urlsplit(server)._replace(path=f"/{name}").geturl()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def project(tmp_path: Path, database: str | None) -> Iterator[Project]:
    """Give a project that has not been started, and clear it away."""
    project = Project(tmp_path, database)
    yield project
    if project.process and project.process.poll() is None:
        project.remember()
        project.process.kill()
        project.process.wait()
    until(lambda: not project.left())


def test_one_command_runs_everything_and_keeps_it(project: Project) -> None:
    """Web, both workers, beat, broker; demo logins; a clean stop; and a second start that changes no data."""
    project.start()
    until(lambda: project.roles() == {"web", "control", "bulk", "beat", "newsletter", "broker"})
    assert project.log_in("operator").endswith("/admin/")
    assert project.manage("shell", "-c", "from notes.models import Note; Note.objects.all().delete()").returncode == 0
    assert project.stop() == 0
    assert not project.left()

    project.start()
    count = project.manage("shell", "-v", "0", "-c", "from notes.models import Note; print(Note.objects.count())")
    assert count.stdout.strip() == "0", count.stderr
    assert project.log_in("viewer").endswith("/admin/")
    assert project.stop(signal.SIGTERM) == 0
    assert not project.left()


def test_a_killed_up_leaves_nothing_and_starts_again_at_once(project: Project) -> None:
    """SIGKILL ends the web's and the workers' own children too, and the next start needs no clearing up."""
    project.start()
    until(lambda: project.roles() >= {"web", "control", "bulk", "beat", "broker"})
    project.remember()
    assert project.process
    project.process.kill()
    project.process.wait()
    until(lambda: not project.left())
    project.start()
    assert project.stop() == 0


def test_a_worker_killed_under_up_comes_back(project: Project) -> None:
    """A worker whose main process is killed is replaced, its pool with it."""
    project.start()
    until(lambda: "bulk" in project.roles())
    old = [child for child in project.family if " -Q bulk " in " ".join(child.cmdline())]
    old[0].kill()
    until(lambda: all(not child.is_running() for child in old))
    until(lambda: "bulk" in project.roles())


def test_real_servers_take_the_place_of_the_embedded_broker(project: Project, tmp_path: Path) -> None:
    """With REDIS_URL no broker is started, and the workers use the one named."""
    port = free_port()
    server = subprocess.Popen(broker.command(broker.find_server(), port, tmp_path), stdout=subprocess.DEVNULL)
    try:
        until(lambda: broker.answers(port))
        project.start(REDIS_URL=f"redis://127.0.0.1:{port}/0")
        until(lambda: project.roles() == {"web", "control", "bulk", "beat", "newsletter"})
        until(lambda: f"Connected to redis://:**@127.0.0.1:{port}/0" in project.printed())
        assert project.stop() == 0
    finally:
        server.terminate()
        server.wait()


def test_eager_mode_needs_neither_worker_nor_broker(project: Project) -> None:
    """With CELERY_TASK_ALWAYS_EAGER=1 the web is alone."""
    project.start(CELERY_TASK_ALWAYS_EAGER="1")
    assert project.roles() == {"web", "newsletter"}
    assert project.stop() == 0


def refusal(project: Project, *words: str, **environment: str) -> str:
    """Return the one line with which `up` refuses to start."""
    answer = project.manage("up", *words, **environment)
    assert answer.returncode == 1
    (line,) = answer.stderr.strip().splitlines()
    return line


def test_a_busy_port_is_a_clear_error(project: Project) -> None:
    """The line names the port and another one to take."""
    with socket.create_server(("127.0.0.1", project.port)):
        assert f"Port {project.port} on 127.0.0.1 is in use" in refusal(project)


def test_a_foreign_address_is_a_clear_error(project: Project) -> None:
    """The line says which address cannot be listened on."""
    assert "Cannot listen on 192.0.2.1" in refusal(project, "--host", "192.0.2.1")


def test_an_absent_database_is_a_clear_error(project: Project) -> None:
    """The line says that the database is what is missing."""
    url = f"postgres://nobody@127.0.0.1:{free_port()}/nothing"
    answer = project.manage("up", DATABASE_URL=url)
    assert answer.returncode == 1
    assert "The database is not ready" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_two_ups_never_share_a_data_folder(project: Project) -> None:
    """A second one, on another port, is refused: two brokers would write one file."""
    project.start()
    assert "Another `up` is running" in refusal(project, "--port", str(free_port()))
    assert project.stop() == 0
