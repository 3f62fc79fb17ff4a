"""Checks of the storage that keeps the console's files: it has to be private, and the same for all processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own name
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage, storages

from console.exceptions import NoStorage
from console.storage import ALIAS, is_named, storage

CURE = (
    'Set STORAGES["console"] = {"BACKEND": "console.storage.PrivateStorage", "OPTIONS": {"location": …}}, with a folder '
    "that no web server serves and that web and workers share."
)


@register("console")
def check_files(**_: Any) -> list[CheckMessage]:
    """Check the storage of the console's files; nothing is read or written."""
    missing = list(check_named())
    try:
        return [*missing, *check_storage(storage())]
    except NoStorage:
        return missing


def check_named() -> Iterator[CheckMessage]:
    """Yield that the project names no storage for the console."""
    if not is_named():
        yield Warning(
            'STORAGES has no "console": uploads and exports are kept in “console-files” beside MEDIA_ROOT, or nowhere '
            "where that is not set.",
            hint=CURE,
            id="console.W016",
        )


def check_storage(kept: Storage) -> Iterator[CheckMessage]:
    """Yield why a storage is not private, or not shared."""
    if isinstance(kept, InMemoryStorage):
        yield Error(
            "The console's files are kept in memory: no worker sees what the web process was sent.",
            hint=CURE,
            id="console.E022",
        )
    elif why := _public(kept):
        yield Error(
            f"The console's files are not private: {why}. They hold what exports tell of every object.",
            hint=CURE,
            id="console.E021",
        )


def _public(kept: Storage) -> str:
    if ALIAS in storages.backends and storages.backends[ALIAS] == storages.backends.get("default"):
        return "its storage is that of the media files"
    if isinstance(kept, FileSystemStorage):
        return _served(Path(kept.location).resolve())
    if str(getattr(kept, "default_acl", "") or "").startswith("public"):
        return "its storage lets everybody read (default_acl)"
    if getattr(kept, "querystring_auth", True) is False:
        return "its storage gives out addresses without a signature (querystring_auth)"
    return ""


def _served(location: Path) -> str:
    folders = {"MEDIA_ROOT": settings.MEDIA_ROOT, "STATIC_ROOT": settings.STATIC_ROOT}
    for name, folder in folders.items():
        if folder and location.is_relative_to(Path(folder).resolve()):
            return f"{location} is inside {name}"
    return ""
