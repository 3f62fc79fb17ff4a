"""Export: objects as rows of a file, by any django-import-export Resource, in the background."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from console.exceptions import InvalidOperation
from console.operations.base import Hold, Results
from console.operations.exporting.formats import COMPUTED, NATIVE, available, media_type, most_rows, writer_of
from console.operations.exporting.forms import export_form
from console.operations.exporting.rows import Rows, columns_of
from console.operations.files import FileOperation
from console.tables import WRITERS, Writer


class Export(FileOperation):
    """Write the selected objects into a file.

    Which objects are in the file is settled when the run is accepted: each is a row once, however others are edited
    meanwhile. Each row tells its object as it is when the run reaches it, in the order of the keys.

    Attributes:
        resource_class: The django-import-export Resource that makes the rows; it works unchanged.
        formats: The formats to offer, by their extension, the first one chosen; by default all that can be written.
        prefetch: Relations that the Resource's own methods read, to be read at once.
    """

    label = gettext_lazy("Export")
    needs = "view"
    hold = Hold.NONE
    repeatable = True

    resource_class: ClassVar[Any] = None
    formats: ClassVar[tuple[str, ...]] = ()
    prefetch: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make the form, where the class has none of its own.

        Raises:
            InvalidOperation: A format cannot be written here.
        """
        super().__init_subclass__(**kwargs)
        if cls.resource_class is None or "form" in vars(cls):
            return
        known = available()
        wanted = cls.formats or tuple(known)
        if unknown := [kind for kind in wanted if kind not in known]:
            raise InvalidOperation(
                f"{cls.__qualname__}.formats names {unknown[0]!r}, which cannot be written here. Known: {', '.join(known)}."
            )
        cls.form = export_form([(kind, known[kind]) for kind in wanted], columns_of(cls.resource_class()))

    # --- what a project may override

    def resource(self) -> Any:
        """Return the Resource that makes the rows of this run."""
        return self.resource_class()

    def file_name(self) -> str:
        """Return what the file is called: “notes-2026-05-03.csv”."""
        model: Any = self.model
        noun = slugify(str(model._meta.verbose_name_plural), allow_unicode=True) if model else ""
        return f"{noun or 'export'}-{timezone.localdate():%Y-%m-%d}.{self._format}"

    # --- what staff read

    def file_note(self) -> str:
        """Return that cells are neutralised, where the file is for spreadsheets."""
        is_computed = self._format in {*COMPUTED, *(kind for kind, each in WRITERS.items() if each.kind.is_cells)}
        return _("Cells that begin with =, +, - or @ carry an apostrophe.") if is_computed else ""

    def summary(self) -> str:
        """Return the format, and how many columns where not all are wanted: “CSV, 3 of 5 columns”."""
        columns, every = len(self.params["columns"]), len(columns_of(self._rows.resource))
        kind = self._format.upper()
        if columns == every:
            return kind
        chosen = ngettext("%(count)d of %(every)d columns", "%(count)d of %(every)d columns", columns)
        return f"{kind}, {chosen % {'count': columns, 'every': every}}"

    # --- what the engine asks

    def most_items(self) -> int | None:
        """Return how many rows the format may have."""
        return most_rows(self._format)

    def process(self, objects: Sequence[Any]) -> Results:
        """Add a row for each object to the next part of the file."""
        rows, left_out = self._rows.of(objects, self._writer.cell_max)
        self._gathered += rows
        return left_out or None

    def take_part(self, before: int) -> tuple[bytes, int]:
        """Return the rows gathered since the last call."""
        rows, self._gathered = self._gathered, []
        return self._writer.part(rows, before), len(rows)

    def joined(self, parts: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
        """Yield the file."""
        return self._writer.joined(parts)

    @property
    def media_type(self) -> str:
        """The MIME type of the format."""
        return media_type(self._format)

    @property
    def _format(self) -> str:
        return str(self.params["format"])

    @cached_property
    def _gathered(self) -> list[Sequence[Any]]:
        return []

    @cached_property
    def _rows(self) -> Rows:
        return Rows(self.resource(), self.params["columns"], self._format in NATIVE, self.prefetch)

    @cached_property
    def _writer(self) -> Writer:
        model: Any = self.model
        return writer_of(self._format, self._rows.headings(), str(model._meta.verbose_name_plural) if model else "")
