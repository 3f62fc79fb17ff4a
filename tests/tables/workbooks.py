"""Workbooks for the tests: made by openpyxl, or by hand where no program would make them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook

_ODS = "application/vnd.oasis.opendocument.spreadsheet"
_SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
)
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def xlsx(rows: Iterable[Sequence[Any]], **others: Iterable[Sequence[Any]]) -> bytes:
    """Return a workbook with these rows, and with other sheets by name."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Notes"
    for row in rows:
        sheet.append(list(row))
    for name, more in others.items():
        other = book.create_sheet(name)
        for row in more:
            other.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def xlsx_of(sheet_data: str, shared: Sequence[str] = ()) -> bytes:
    """Return a workbook whose only sheet has this XML for its rows, and these texts for cells to refer to."""
    texts = "".join(f"<si><t>{text}</t></si>" for text in shared)
    return zipped(
        {
            "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{texts}</sst>',
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": f'<Relationships><Relationship Id="r1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships><Relationship Id="r1" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}"><sheetData>{sheet_data}</sheetData></worksheet>',
        }
    )


def ods(rows: str) -> bytes:
    """Return an OpenDocument sheet with this XML for its rows."""
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_SPACES}><office:body><office:spreadsheet>'
        f'<table:table table:name="Notes">{rows}</table:table></office:spreadsheet></office:body></office:document-content>'
    )
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    return zipped({"mimetype": _ODS, "META-INF/manifest.xml": manifest, "content.xml": content})


def ods_row(*cells: str) -> str:
    """Return a row of an OpenDocument sheet."""
    return f"<table:table-row>{''.join(cells)}</table:table-row>"


def ods_cell(text: str, kind: str = "string", value: str = "") -> str:
    """Return a cell of an OpenDocument sheet: its text, and its value under the name that its kind has for it."""
    name = {"float": "value", "date": "date-value", "time": "time-value", "boolean": "boolean-value"}.get(kind)
    given = f' office:{name}="{value}"' if name else ""
    return f'<table:table-cell office:value-type="{kind}"{given}><text:p>{text}</text:p></table:table-cell>'


def zipped(entries: Mapping[str, str | bytes]) -> bytes:
    """Return an archive of these entries."""
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()
