"""The formats of exports: those written part by part, and django-import-export's others up to a number of rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import tablib
from import_export.formats import base_formats

from console.tables import WRITERS, Writer, neutral

OTHERS = {"ods": base_formats.ODS, "yaml": base_formats.YAML, "html": base_formats.HTML, "xls": base_formats.XLS}
COMPUTED = {"ods", "xls"}
NATIVE = {"xlsx", *COMPUTED}  # cells keep their type
WHOLE_ROWS = 10_000  # of a format that is made in one piece


class WholeWriter(Writer):
    """A format of django-import-export that is made in one piece: its parts are rows in JSON until then."""

    def __init__(self, kind: str, headings: Sequence[str], title: str = "") -> None:
        super().__init__(headings, title)
        self._format, self._kind = OTHERS[kind](), kind

    def part(self, rows: Iterable[Sequence[Any]], before: int) -> bytes:
        """Return the rows, one a line."""
        return b"".join(json.dumps(list(row), default=str).encode() + b"\n" for row in rows)

    def joined(self, parts: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
        """Yield the file, made of all rows at once."""
        table = tablib.Dataset(headers=self.headings, title=self.title)
        lines = b"".join(piece for part in parts for piece in part).splitlines()
        for line in lines:
            row = json.loads(line)
            table.append([neutral(cell) for cell in row] if self._kind in COMPUTED else row)
        made = self._format.export_data(table)
        yield made.encode() if isinstance(made, str) else made


def available() -> dict[str, str]:
    """Return the formats that this installation can write, by the name of their extension: what people call them."""
    others = {kind: kind.upper() for kind, known in OTHERS.items() if known.is_available() and known().can_export()}
    return {kind: kind.upper() for kind in WRITERS} | others


def media_type(kind: str) -> str:
    """Return the MIME type of files of a format."""
    return str(WRITERS[kind].kind.content_type if kind in WRITERS else OTHERS[kind].CONTENT_TYPE)


def writer_of(kind: str, headings: Sequence[str], title: str) -> Writer:
    """Return the writer of a format."""
    return WRITERS[kind](headings, title) if kind in WRITERS else WholeWriter(kind, headings, title)


def most_rows(kind: str) -> int | None:
    """Return how many rows a file of the format may have; None: any number."""
    return WRITERS[kind].rows_max if kind in WRITERS else WHOLE_ROWS
