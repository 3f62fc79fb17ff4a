"""Workbooks: values as import-export would give them, rows with the sheet's numbers; and those that are not opened."""

from __future__ import annotations

import datetime as dt
import io
import struct
from typing import Any
from zipfile import ZipFile

import pytest
from django.test import override_settings
from import_export.formats.base_formats import XLSX

from console import tables
from console.exceptions.tables import (
    Bomb,
    Broken,
    Locked,
    NotATable,
    NotSo,
    OldWorkbook,
    TooLargeSheet,
    TooManyRows,
    TooMuchUnpacked,
)
from tests.tables.files import detected, surveyed, values
from tests.tables.workbooks import ods, ods_cell, ods_row, xlsx, xlsx_of, zipped

MOMENT = dt.datetime(2026, 5, 3, 14, 2, 5)  # noqa: DTZ001 - a spreadsheet knows no time zone
CELLS: list[list[Any]] = [
    ["slug", "count", "price", "is_open", "day", "moment", "time", "body"],
    ["a", 5, 2.5, True, dt.date(2026, 5, 3), MOMENT, dt.time(14, 2), "one\ntwo"],
    ["b", -5, 1e20, False, None, None, None, "שלום 👩‍👩‍👧"],
    ["", None, 0, None, None, None, None, None],
    ["'c", 123456789012, 0.1, None, None, None, None, " kept "],
]


def test_gives_the_values_that_import_export_gives() -> None:
    """Dates, numbers, booleans and blanks have the types on which a resource's widgets rely."""
    theirs = [list(row) for row in XLSX().create_dataset(xlsx(CELLS))]
    ours = values(xlsx(CELLS), "notes.xlsx")
    assert ours == theirs
    assert [[type(cell) for cell in row] for row in ours] == [[type(cell) for cell in row] for row in theirs]


def test_restores_formulas_and_counts_the_rows_of_the_sheet() -> None:
    """Empty rows are no rows, and are counted."""
    survey, rows = surveyed(
        xlsx([["Notes of May"], [], ["slug", "title"], ["a", "'=1+1"], [], ["b", "=1+1"], ["c", "x"]])
    )
    assert [(row.number, row.values) for row in rows] == [(4, ["a", "=1+1"]), (6, ["b", None]), (7, ["c", "x"])]
    assert survey.rows == 3
    assert [column.name for column in survey.columns] == ["slug", "title"]


def test_goes_on_from_every_row() -> None:
    """The staged file is read from any cursor."""
    file = io.BytesIO(xlsx(CELLS))
    staged = io.BytesIO()
    survey = tables.survey(file, tables.detect(file, "notes.xlsx"), staged)
    rows = list(tables.rows(staged, survey.layout))
    for place, row in enumerate(rows):
        assert list(tables.rows(staged, survey.layout, row.cursor)) == rows[place + 1 :]


def test_a_sheet_can_be_chosen() -> None:
    """By default it is the one that was open; all are named."""
    content = xlsx([["a"], ["x"]], Authors=[["name"], ["Ana"]])
    reading = detected(content, "notes.xlsx")
    assert (reading.sheet, reading.sheets) == ("Notes", ("Notes", "Authors"))
    assert reading.sentence() == "Read as: XLSX, sheet “Notes”, header in row 1."
    assert values(content, sheet="Authors") == [["Ana"]]
    with pytest.raises(NotSo, match="no sheet “None”"):
        detected(content, sheet="None")


def test_a_peek_shows_the_first_rows_of_each_format() -> None:
    """Without the number of rows."""
    for content, name in [
        (xlsx([["a", "b"], ["x", 1]]), "n.xlsx"),
        ("a,b\nx,1\n", "n.csv"),
        ("a;b\nx;é".encode("cp1252"), "n"),
    ]:
        file = io.BytesIO(content if isinstance(content, bytes) else content.encode())
        peeked = tables.peek(file, tables.detect(file, name))
        assert [column.name for column in peeked.columns] == ["a", "b"]
        assert peeked.columns[0].samples == ["x"]
        assert peeked.rows is None


def test_reads_opendocument() -> None:
    """With its types; repeated empty rows and cells are nothing."""
    content = ods(
        ods_row(
            *map(ods_cell, ["slug", "count", "day", "moment", "open"]),
            '<table:table-cell table:number-columns-repeated="900"/>',
        )
        + '<table:table-row table:number-rows-repeated="3"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
        + ods_row(
            ods_cell("a"),
            ods_cell("5", "float", "5"),
            ods_cell("3 May", "date", "2026-05-03"),
            ods_cell("3 May", "date", "2026-05-03T14:02:05"),
            ods_cell("TRUE", "boolean", "true"),
        )
        + '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    survey, rows = surveyed(content, "notes.ods")
    assert [row.values for row in rows] == [["a", 5, dt.date(2026, 5, 3), MOMENT, True]]
    assert (rows[0].number, survey.rows) == (5, 1)
    assert detected(content).sentence() == "Read as: ODS, sheet “Notes”, header in row 1."


def test_an_error_in_a_cell_is_a_fault_of_its_row() -> None:
    """A formula that failed would otherwise be read as a blank, and empty the field."""
    row = '<row r="{0}"><c r="A{0}" t="inlineStr"><is><t>{1}</t></is></c>{2}</row>'
    content = xlsx_of(
        row.format(1, "a", '<c r="B1" t="inlineStr"><is><t>b</t></is></c>')
        + row.format(2, "x", '<c r="B2" t="e"><v>#REF!</v></c>')
        + row.format(3, "y", '<c r="B3"><v>1</v></c>')
    )
    survey, rows = surveyed(content, "notes.xlsx")
    assert ["#REF!" in row.problem for row in rows] == [True, False]
    assert survey.problems == 1


@override_settings(CONSOLE={"IMPORT_MAX_SHEET_CELLS": 1000})
@pytest.mark.parametrize(
    "cells",
    [
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        "<row><c s='1' r='A1'/></row><row r='90000'><c r=\"xfd90000\"/></row>",
        '<row r="400">' + "<c><v>1</v></c>" * 3 + "</row>",
        '<x:row r="1">' + "<x:c/>" * 1001 + "</x:row>",
        '<row r="1"><c r="A1"/></row><row r="999"/>' + "<!--" + " " * (1 << 20) + "-->" + "<row><c/><c/></row>",
    ],
)
def test_refuses_a_sheet_that_spans_more_than_is_read(cells: str) -> None:
    """Two cells far apart would take all memory; their places are looked at before anything is opened."""
    with pytest.raises(TooLargeSheet, match="a sheet is limited to 1,000 cells"):
        detected(xlsx_of(cells), "notes.xlsx")


@override_settings(CONSOLE={"IMPORT_MAX_SHEET_CELLS": 1000})
def test_refuses_opendocument_that_repeats_a_value_without_end() -> None:
    """One repeated cell is a bomb of its own."""
    many = f'<table:table-row table:number-rows-repeated="9000">{ods_cell("x")}</table:table-row>'
    with pytest.raises(TooLargeSheet, match="spans 9,000 rows and 1 columns"):
        detected(ods(many), "notes.ods")


@override_settings(CONSOLE={"IMPORT_MAX_SHORT_ROWS": 2})
def test_refuses_opendocument_beyond_the_row_limit() -> None:
    """It says how many there are, and what to do."""
    with pytest.raises(TooManyRows, match=r"It has 3 rows; ODS is limited to 2\. Save it as CSV\."):
        surveyed(ods("".join(ods_row(ods_cell(text)) for text in ["slug", "a", "b", "c"])), "notes.ods")


@pytest.mark.parametrize("cell", ['<c r="A{0}" t="s"><v>0</v></c>', "<c t='s' r='A{0}'><f>x</f><v>0</v></c>"])
def test_refuses_one_long_text_in_very_many_cells(cell: str) -> None:
    """It is kept once in the file, and would be in memory as often as cells refer to it."""
    rows = "".join(f'<row r="{number}">{cell.format(number)}</row>' for number in range(1, 10_001))
    with pytest.raises(Bomb):
        detected(xlsx_of(rows, ["x" * 30_000]), "notes.xlsx")
    repeated = f'<table:table-row table:number-rows-repeated="20000">{ods_cell("x" * 30_000)}</table:table-row>'
    with pytest.raises(Bomb):
        detected(ods(repeated), "notes.ods")


def test_reads_texts_that_cells_share() -> None:
    """As Excel itself writes them."""
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>{min(n - 1, 1)}</v></c></row>' for n in range(1, 4))
    assert values(xlsx_of(rows, ["title", "One"]), "notes.xlsx") == [["One"], ["One"]]


def bomb(size: int) -> bytes:
    """Return a workbook with an entry of zeros."""
    return zipped({"xl/workbook.xml": "<workbook/>", "xl/worksheets/sheet1.xml": b"\0" * size})


def test_refuses_a_bomb_by_what_it_declares() -> None:
    """Nothing of it is unpacked."""
    with pytest.raises(Bomb, match="unpacks into far more"):
        detected(bomb(80 << 20), "notes.xlsx")
    with pytest.raises(Bomb):
        detected(zipped({"xl/workbook.xml": "", **{str(number): "" for number in range(5000)}}), "notes.xlsx")


def test_refuses_a_bomb_that_declares_too_little() -> None:
    """What an entry says of its size is compared with what comes out of it."""
    content = bomb(4 << 20)
    honest, lie = struct.pack("<I", 4 << 20), struct.pack("<I", 99)
    assert content.count(honest) == 2
    with pytest.raises(Bomb):
        detected(content.replace(honest, lie), "notes.xlsx")


@override_settings(CONSOLE={"IMPORT_MAX_UNPACKED": 1 << 20})
def test_refuses_a_workbook_that_is_honestly_too_large() -> None:
    """It says how large it is, and how large it may be."""
    with pytest.raises(TooMuchUnpacked, match=r"has 2\.0\xa0MB; the limit is 1\.0\xa0MB"):
        detected(bomb(2 << 20), "notes.xlsx")


def test_refuses_entities_and_xml_in_encodings_that_hide_its_tags() -> None:
    """No declaration of a document type is read, inside or outside."""
    entity = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    for text in [entity + "<worksheet/>", "<worksheet/>".encode("utf-16")]:
        with pytest.raises(Broken):
            detected(zipped({"xl/workbook.xml": "<workbook/>", "xl/worksheets/sheet1.xml": text}), "notes.xlsx")


def test_refuses_other_archives_and_damaged_ones() -> None:
    """A document, an archive of files, half a workbook, noise under the right names."""
    with pytest.raises(NotATable, match="it is an archive"):
        detected(zipped({"word/document.xml": "<x/>"}), "notes.xlsx")
    with pytest.raises(NotATable, match="it is a damaged archive"):
        detected(xlsx(CELLS)[:3000], "notes.xlsx")
    with pytest.raises(Broken, match="cannot be read as XLSX"):
        detected(zipped({"xl/workbook.xml": "no workbook"}), "notes.xlsx")
    whole = xlsx_of("")
    checksum = struct.pack("<I", ZipFile(io.BytesIO(whole)).getinfo("xl/worksheets/sheet1.xml").CRC)
    with pytest.raises(NotATable, match="it is a damaged archive"):
        detected(whole.replace(checksum, b"\0\0\0\0"), "notes.xlsx")


def test_refuses_xml_that_is_not_closed() -> None:
    """The reader of workbooks would look for its end for ever."""
    with pytest.raises(Broken, match="cannot be read as ODS"):
        detected(ods("<table:table-row>"), "notes.ods")


def old_office(directory: str) -> bytes:
    """Return the beginning of a file of the old office's kind, with a name in its directory."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(30, b"\0") + struct.pack("<H16xI", 9, 3)
    return header.ljust(4 * 512, b"\0") + directory.encode("utf-16-le").ljust(512, b"\0")


def test_refuses_old_and_locked_workbooks() -> None:
    """Each with its own cure."""
    with pytest.raises(OldWorkbook, match="save it as XLSX"):
        detected(old_office("Workbook"), "notes.xls")
    with pytest.raises(Locked, match="without the password"):
        detected(old_office("EncryptedPackage"), "notes.xlsx")
