"""Plain values out of environment variables: the only reader of ``os.environ`` behind the settings."""

import contextlib
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def text(*names: str, default: str = "") -> str:
    """Return the first of the named variables that is set and not empty, else the default."""
    return next((value for name in names if (value := os.environ.get(name))), default)


def flag(name: str, *, default: bool = False) -> bool:
    """Return a yes-or-no variable.

    Raises:
        ValueError: the variable says neither.
    """
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        return is_true(value)
    except ValueError as error:
        message = f"{name}={error}"
        raise ValueError(message) from None


def is_true(value: str) -> bool:
    """Return whether a text says yes.

    Raises:
        ValueError: it says neither yes nor no.
    """
    if value.lower() in TRUE | FALSE:
        return value.lower() in TRUE
    message = f"{value!r} is neither yes (1, true, yes, on) nor no (0, false, no, off)."
    raise ValueError(message)


def words(name: str, default: str = "") -> list[str]:
    """Return a comma-separated variable as a list."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def chosen(prefix: str, readers: Mapping[str, Callable[[str], object]]) -> dict[str, object]:
    """Return the keys whose variable (prefix + key) is set, each read by its reader."""
    found = {key: os.environ.get(prefix + key) for key in readers}
    return {key: readers[key](value) for key, value in found.items() if value}


def secret(path: Path) -> str:
    """Return the secret kept in the file, made on first use and readable by its owner only."""
    if not path.exists():
        _write_once(path, secrets.token_urlsafe(64))
    return path.read_text(encoding="utf-8").strip()


def _write_once(path: Path, content: str) -> None:
    """Write a private file whole, or leave the one that another process wrote first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(content, encoding="utf-8")
    try:
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
