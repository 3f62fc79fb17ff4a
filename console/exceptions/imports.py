"""Why an import was not started."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from console.exceptions.base import ConsoleError


class PreviewOutdated(ConsoleError):
    """Columns, or the way the file is read, were changed since this preview, which another run shows."""

    def __init__(self, newer_id: int) -> None:
        self.newer_id = newer_id
        super().__init__(
            _("Nothing was started. The columns changed since this preview: see run %(run)d, or preview again.")
            % {"run": newer_id}
        )


class TooManyForAllOrNothing(ConsoleError):
    """A file has more rows than are imported all or nothing."""

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(
            _(
                "Nothing was started. The file has %(count)s rows; all or nothing is possible up to %(limit)s. "
                "Import the good rows and report the others, or split the file."
            )
            % {
                "count": number_format(count, force_grouping=True),
                "limit": number_format(limit, force_grouping=True),
            }
        )
