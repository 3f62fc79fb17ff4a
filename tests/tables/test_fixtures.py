"""The files of `fixtures/imports`: what people may try in the demo is read, or refused, as it is said here."""

from __future__ import annotations

from pathlib import Path
from runpy import run_path

import pytest

from console.exceptions.tables import (
    Broken,
    NoHeading,
    NoRows,
    NotATable,
    OpenQuote,
    Refused,
    TooLargeSheet,
    Undecodable,
)
from tests.tables.files import detected, surveyed

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
MADE = run_path(str(FIXTURES / "make_imports.py"))
READ = {
    "utf8.csv": (7, "UTF-8, comma, header in row 1"),
    "bom-semicolon.csv": (7, "UTF-8, semicolon, header in row 1"),
    "windows-1252.csv": (4, "Windows-1252, semicolon, header in row 1"),
    "old-mac.csv": (1, "UTF-8, comma, header in row 1"),
    "utf16.tsv": (7, "UTF-16, tab, header in row 1"),
    "notes.xlsx": (7, "XLSX, sheet “Notes”, header in row 1"),
    "notes.ods": (7, "ODS, sheet “Notes”, header in row 1"),
    "notes.json": (7, "JSON"),
    "notes.yaml": (7, "YAML"),
    "ugly.csv": (4, "UTF-8, semicolon, header in row 3"),
    "wide.csv": (1, "UTF-8, comma, header in row 1"),
}
REFUSED = {
    "blank.csv": NoRows,
    "heading-only.csv": NoRows,
    "no-heading.csv": NoHeading,
    "program.csv": NotATable,
    "picture.csv": NotATable,
    "archive.csv": NotATable,
    "page.xls": NotATable,
    "stray-byte.csv": Undecodable,
    "open-quote.csv": OpenQuote,
    "far-apart.xlsx": TooLargeSheet,
    "not-a-list.json": Broken,
    "alias.yaml": Broken,
}


def content(name: str) -> bytes:
    """Return a file as it is kept."""
    return (FIXTURES / "imports" / name).read_bytes()


def test_the_files_are_those_that_the_script_makes() -> None:
    """None is stale, none left over, and each has its line here."""
    kept = {path.name: path.read_bytes() for path in (FIXTURES / "imports").iterdir()}
    assert kept == {**MADE["GOOD"], **MADE["BAD"]}
    assert (set(READ), set(REFUSED)) == (set(MADE["GOOD"]), set(MADE["BAD"]))


@pytest.mark.parametrize("name", READ)
def test_a_good_file_is_read(name: str) -> None:
    """All of its rows, and how."""
    rows, told = READ[name]
    survey, found = surveyed(content(name), name)
    assert (survey.rows, len(found)) == (rows, rows)
    assert detected(content(name), name).sentence() == f"Read as: {told}."


@pytest.mark.parametrize("name", [name for name, (rows, _told) in READ.items() if rows == 7])
def test_every_format_gives_the_same_notes(name: str) -> None:
    """Encoding, delimiter and format leave no trace in a value; what looks like a formula is itself."""
    _survey, found = surveyed(content(name), name)
    restored = [cell.replace("'=", "=") for cell in MADE["WORLD"][2]] if not name.endswith(("json", "yaml")) else None
    wanted = [*MADE["NOTES"], *MADE["WORLD"][:2], restored or MADE["WORLD"][2]]
    assert [[cell or "" for cell in row.values] for row in found] == wanted


def test_the_ugly_file_keeps_its_lines() -> None:
    """Line numbers as an editor shows them; one row says what is wrong with it."""
    survey, found = surveyed(content("ugly.csv"))
    assert [row.number for row in found] == [4, 7, 8, 10]
    assert [bool(row.problem) for row in found] == [False, False, True, False]
    assert [column.name for column in survey.columns] == ["slug", "title", "title 2", "column 4", "author"]


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused(name: str) -> None:
    """With its own reason."""
    with pytest.raises(Refused) as refused:
        surveyed(content(name), name)
    assert type(refused.value) is REFUSED[name]
