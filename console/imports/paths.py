"""A way of writing rows through a resource."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from console.imports.outcomes import Holder, Kind, Outcome, Row

Held = Callable[[Collection[Any]], Mapping[Any, Holder]]
Show = dict[Kind, int]


class Path:
    """A way of writing rows, chosen by `plan`.

    Attributes:
        resource: The resource; it is the path's own from now on.
        kwargs: What the resource's hooks are given with each row.
        in_bulk: Whether rows are written many at a time.
        why: What of the resource stands against that, in words.
    """

    in_bulk: ClassVar[bool]

    def __init__(self, resource: Any, kwargs: Mapping[str, Any], why: tuple[str, ...] = ()) -> None:
        self.resource, self.kwargs, self.why = resource, dict(kwargs), why
        self.using: str = resource.get_db_connection_name()

    @property
    def sentence(self) -> str:
        """How rows are written and why, in words."""
        if self.in_bulk:
            return _("In bulk.")
        return _("Row by row, because %(reasons)s.") % {"reasons": get_text_list(list(self.why), _("and"))}

    def write(
        self,
        rows: Sequence[Row],
        *,
        dry_run: bool = False,
        held: Held | None = None,
        show: Show | None = None,
    ) -> list[Outcome]:
        """Write the rows of one chunk, in the caller's transaction.

        Args:
            rows: The rows; all have the same columns.
            dry_run: What the hooks are told. The rows are written all the same, and the caller rolls that back.
            held: Says which of some objects other runs hold. It is asked when they are locked.
            show: How many outcomes of each kind are to carry their changes; counted down.

        Returns:
            What came of each row, in the order of the rows.

        Raises:
            RowsChanged: The resource's ``before_import`` added or removed rows.
            import_export.exceptions.FieldError: A column that identifies the objects is missing.
            django.db.OperationalError: Trouble with the database that says nothing about the rows.
        """
        raise NotImplementedError
