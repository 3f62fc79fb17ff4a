"""The console's own private storage of files: ``STORAGES["console"]``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.utils.deconstruct import deconstructible

from console.exceptions import NoStorage

ALIAS = "console"
FOLDER = "console-files"


@deconstructible
class PrivateStorage(FileSystemStorage):
    """Files in a folder that no web server serves: they have no address, and only the server's own user reads them.

    Without a `location` the folder is ``console-files``, beside (not inside) ``MEDIA_ROOT``.
    """

    def __init__(self, location: Any = None, **options: Any) -> None:
        modes = {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
        super().__init__(location=location or default_location(), **(modes | options))

    def url(self, name: str | None) -> str:
        """Refuse: there is no address.

        Raises:
            ValueError: Always.
        """
        raise ValueError("Files of the console have no address: they are downloaded from the pages of their runs.")


def default_location() -> Path:
    """Return the folder beside ``MEDIA_ROOT``.

    Raises:
        NoStorage: There is no ``MEDIA_ROOT`` either.
    """
    if not settings.MEDIA_ROOT:
        raise NoStorage
    return Path(settings.MEDIA_ROOT).resolve().parent / FOLDER


def storage() -> Storage:
    """Return the console's storage: the project's ``STORAGES["console"]``, else a `PrivateStorage` in its default place.

    Raises:
        NoStorage: The project names none, and there is no place beside ``MEDIA_ROOT``.
    """
    return storages[ALIAS] if is_named() else PrivateStorage()


def is_named() -> bool:
    """Tell whether the project names a storage for the console."""
    return ALIAS in storages.backends
