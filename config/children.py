"""The processes of the project, as the supervisor runs them."""

import os
import sys
from pathlib import Path

from django.conf import settings

from config import broker
from config.ports import free_port
from config.supervisor import Child

WEB, WORKERS, SERVERS = range(3)  # stages: the order in which they stop
WARM = 30.0  # a worker finishes its slice
# No banner; and no DEBUG, with which Django keeps each statement in memory.
QUIET = {"CELERY_QUIET": "1", "DEBUG": "0"}
CALM = ("--without-gossip", "--without-mingle")


def web(host: str, port: int) -> Child:
    """Serve the admin."""
    options = {
        "--interface": "wsgi",
        "--host": host,
        "--port": str(port),
        "--workers": os.environ.get("WEB_WORKERS", "1"),
        "--blocking-threads": os.environ.get("WEB_THREADS", "4"),
        "--workers-kill-timeout": "5",
    }
    words = [word for option in options.items() for word in option]
    return Child("web", _python("granian", *words, "--no-ws", "config.wsgi:application"), stage=WEB)


def beat() -> Child:
    """Look every second for what is due."""
    command = _celery("beat", "--scheduler", settings.CELERY_BEAT_SCHEDULER)
    return Child("beat", command, stage=WEB, environment=QUIET)


def worker(queue: str, concurrency: int) -> Child:
    """Work one queue, named after it."""
    command = _celery("worker", "-Q", queue, "-n", f"{queue}@%h", "--concurrency", str(concurrency), *CALM)
    return Child(queue, command, stage=WORKERS, environment=QUIET, patience=WARM)


def embedded_broker(port: int) -> Child:
    """Keep the queues.

    Raises:
        NoServerError: there is no server to embed.
    """
    folder = Path(settings.DATA_DIR) / "broker"
    folder.mkdir(exist_ok=True)
    command = broker.command(broker.find_server(), port, folder)
    return Child("broker", command, stage=SERVERS, ready=lambda: broker.answers(port))


def newsletter(port: int) -> Child:
    """Stand in for the remote service that `notes.publish` calls."""
    return Child("newsletter", _python("notes.newsletter", "--port", str(port)), stage=SERVERS)


def everything(host: str, port: int) -> list[Child]:
    """Return every process to run here, and tell them through the environment where to find each other."""
    children = [web(host, port)]
    if not settings.NOTES_NEWSLETTER_URL:
        children.append(newsletter(service := free_port()))
        os.environ["NOTES_NEWSLETTER_URL"] = f"http://127.0.0.1:{service}"
    if settings.CELERY_TASK_ALWAYS_EAGER:
        return children
    if not (os.environ.get("CELERY_BROKER_URL") or os.environ.get("REDIS_URL")):
        children.append(embedded_broker(queues := broker.choose_port(settings.BROKER_FILE)))
        os.environ["CELERY_BROKER_URL"] = f"redis://127.0.0.1:{queues}/0"
        settings.BROKER_FILE.write_text(os.environ["CELERY_BROKER_URL"], encoding="utf-8")
    hands = 1 if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") else 2  # SQLite has one writer
    return [*children, beat(), worker("control", 1), worker("bulk", hands)]


def _python(*words: str) -> list[str]:
    return [sys.executable, "-m", *words]


def _celery(*words: str) -> list[str]:
    return _python("celery", "-A", "config", *words, "--loglevel", "INFO")
