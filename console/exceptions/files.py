"""Why a file was not taken, or cannot be had."""

from __future__ import annotations

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from console.exceptions.base import ConsoleError


class FileTooLarge(ConsoleError):
    """A file is longer than the limit, in bytes; `size` is None where it was not read to its end."""

    def __init__(self, name: str, limit: int, size: int | None = None) -> None:
        self.name, self.limit, self.size = name, limit, size
        told = _("“%(name)s” has %(size)s; the limit is %(limit)s. Split it.")
        if size is None:
            told = _("“%(name)s” is larger than the limit of %(limit)s. Split it.")
        super().__init__(
            told % {"name": name, "limit": filesizeformat(limit), "size": filesizeformat(size) if size else ""}
        )


class FileEmpty(ConsoleError):
    """A file has no bytes."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(_("“%(name)s” is empty. Choose another file.") % {"name": name})


class FileGone(ConsoleError):
    """A file was deleted, has expired, or is no longer in the storage."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(_("The file “%(name)s” is no longer there.") % {"name": name})


class FileNotWritten(ConsoleError):
    """The parts of a run's file could not be joined."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(
            _("The file could not be written: %(type)s: %(error)s. Mend the cause, then start it again.")
            % {"type": type(cause).__name__, "error": cause}
        )
