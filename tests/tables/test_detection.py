"""What a file is, told from its bytes: format, encoding, delimiter, heading; or why it is none that is read."""

from __future__ import annotations

import codecs

import pytest

from console.exceptions.tables import NoHeading, Noise, NoRows, NotATable, NotSo
from console.tables import Reading, Refused, limits_sentence
from tests.tables.files import delimited, detected, surveyed, values

TEXTS = {
    "Portuguese": ("cp1252", ["João", "São Paulo", "coração"]),
    "German": ("cp1252", ["Jürgen", "Größe", "Köln"]),
    "French": ("cp1252", ["élève", "œuvre", "français"]),
    "Danish": ("cp1252", ["Søren", "Århus", "Tromsø"]),
    "prices": ("cp1252", ["5 €", "“quoted”", "–"]),
    "Czech": ("cp1250", ["Jiří", "Příbram", "Žofie"]),
    "Polish": ("cp1250", ["Łukasz", "Łódź", "gęślą"]),
    "Russian": ("cp1251", ["Иван", "Москва", "Ольга"]),
    "Russian of old": ("koi8-r", ["Иван", "Москва", "Ольга"]),
    "Greek": ("cp1253", ["Γιώργος", "Αθήνα", "όνομα"]),
    "Turkish": ("cp1254", ["Şükrü", "İstanbul", "Iğdır"]),
    "Hebrew": ("cp1255", ["דוד", "ירושלים", "שם"]),
    "Arabic": ("cp1256", ["أحمد", "القاهرة", "المدينة"]),
    "Japanese": ("cp932", ["山田", "東京", "名前"]),
    "Chinese": ("gb18030", ["张伟", "北京", "姓名"]),
    "Taiwanese": ("big5", ["陳小明", "臺北", "姓名"]),
    "Korean": ("cp949", ["김철수", "서울", "이름"]),
    "Mac": ("mac-roman", ["José", "café", "ação"]),
}


@pytest.mark.parametrize(("codec", "words"), TEXTS.values(), ids=TEXTS)
def test_finds_the_encoding_by_the_letters(codec: str, words: list[str]) -> None:
    """A few words are enough, and every value is read right."""
    text = delimited([["name", "place"], *([word, "x"] for word in words)], ";")
    reading = detected(text.encode(codec))
    assert reading.encoding == codec
    assert values(text.encode(codec)) == [[word, "x"] for word in words]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_reads_unicode_with_and_without_a_mark(codec: str) -> None:
    """The mark is not part of the first heading."""
    survey, rows = surveyed("título;corpo\nação;ok\n".encode(codec))
    assert [column.heading for column in survey.columns] == ["título", "corpo"]
    assert [row.values for row in rows] == [["ação", "ok"]]


def test_reads_big_endian_with_its_mark() -> None:
    """UTF-16 from either kind of machine."""
    assert values(codecs.BOM_UTF16_BE + "a,b\nc,é\n".encode("utf-16-be")) == [["c", "é"]]


def test_one_foreign_byte_far_behind_is_found() -> None:
    """The whole file decides, not its beginning."""
    content = b"a,b\n" + b"x,y\n" * 200_000 + "é,z\n".encode("cp1252")
    assert detected(content).encoding == "cp1252"
    assert values(content)[-1] == ["é", "z"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_finds_the_delimiter(delimiter: str) -> None:
    """Other delimiters inside values, quoted or not, do not mislead."""
    rows = [
        ["title", "price", "tags"],
        *([f"T{number}", "1" if delimiter == "," else "1,5", "a b"] for number in range(5)),
    ]
    rows.append(["a,b;c\td|e", "2", 'say "hi"\nagain'])
    reading = detected(delimited(rows, delimiter))
    assert reading.delimiter == delimiter
    assert reading.format == ("tsv" if delimiter == "\t" else "csv")


@pytest.mark.parametrize(("name", "delimiter"), [("notes.csv", ","), ("notes.tsv", "\t"), ("notes.txt", ",")])
def test_a_single_column_needs_no_delimiter(name: str, delimiter: str) -> None:
    """One column is a table too."""
    assert detected("slug\na\nb\n", name).delimiter == delimiter


def test_follows_the_line_that_declares_the_delimiter() -> None:
    """Excel's own first line is not the heading."""
    reading = detected("sep=|\na|b,c,d\nx|y,z,w\n")
    assert (reading.delimiter, reading.heading_row) == ("|", 2)


def test_finds_the_heading_below_a_title() -> None:
    """Lines above the table are not its heading."""
    text = "Notes of May;;\n;;\ntitle;body;slug\na;b;c\nd;e;f\n"
    assert detected(text).heading_row == 3
    assert values(text) == [["a", "b", "c"], ["d", "e", "f"]]


def test_says_how_it_was_read() -> None:
    """In words that people can check."""
    assert detected("título;corpo\na;b\n").sentence() == "Read as: UTF-8, semicolon, header in row 1."
    assert (
        detected("título\tcorpo\na\tb\n".encode("cp1252")).sentence() == "Read as: Windows-1252, tab, header in row 1."
    )


def test_what_people_choose_goes_before_what_is_found() -> None:
    """Each part of the reading can be changed."""
    reading = detected("x\na,b;c\nd,e;f\n", encoding="cp1252", delimiter=",", heading_row=2)
    assert (reading.encoding, reading.delimiter, reading.heading_row) == ("cp1252", ",", 2)
    assert Reading.from_json(reading.as_json()) == reading
    with pytest.raises(NotSo, match="It has no row 9"):
        surveyed("a,b\nc,d\n", heading_row=9)


NOT_TABLES = {
    "a program file": [b"\x7fELF\x02\x01\x01" + bytes(90), b"MZ\x90\0\x03\0\0\0" + bytes(90), b"#!/bin/sh\nrm -rf x\n"],
    "an archive": [b"\x1f\x8b\x08" + bytes(20), b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", bytes(257) + b"ustar\0"],
    "a picture": [b"\x89PNG\r\n\x1a\n" + bytes(9), b"\xff\xd8\xff\xe0\0\x10JFIF", b"GIF89a" + bytes(9)],
    "a document": [b"%PDF-1.7\n", b"{\\rtf1 x}", b'<?xml version="1.0"?><a/>'],
    "a web page": [b"<!DOCTYPE html><p>", b"<html><table>", b"\xef\xbb\xbf\n<HTML>"],
    "a database": [b"SQLite format 3\0" + bytes(90)],
}


@pytest.mark.parametrize(("kind", "head"), [(kind, head) for kind, heads in NOT_TABLES.items() for head in heads])
def test_refuses_what_only_bears_the_name_of_a_table(kind: str, head: bytes) -> None:
    """It says what the file is, and what to choose instead."""
    with pytest.raises(NotATable) as refused:
        detected(head)
    assert str(refused.value) == f"“notes.csv” is not a table: it is {kind}. Choose a CSV or XLSX file."


@pytest.mark.parametrize("content", [b"", b" \n\r\n\t\n", b",,,\n,,\n"])
def test_refuses_an_empty_file(content: bytes) -> None:
    """Blanks are nothing."""
    with pytest.raises(NoRows, match="The file is empty"):
        detected(content)


def test_refuses_a_heading_without_rows() -> None:
    """There is nothing to import."""
    with pytest.raises(NoRows, match="no rows below"):
        surveyed("a,b\n\n,\n")


def test_refuses_noise() -> None:
    """Bytes that are neither text nor a known file."""
    with pytest.raises(Noise, match="bytes that are no text"):
        detected(bytes(range(1, 9)) * 200)


def test_refuses_a_table_without_a_heading() -> None:
    """It shows the row that should have named the columns."""
    with pytest.raises(NoHeading, match=r"row 1 holds values \(“1”, “2.5”, “3 May”\)"):
        detected("1,2.5,3 May\n2,3.5,4 May\n")


def test_every_refusal_says_what_to_do() -> None:
    """Each reason is told in whole sentences."""
    for content in [b"\x7fELF", b"1,2\n3,4\n", b"\x01\x02" * 99]:
        with pytest.raises(Refused) as refused:
            detected(content)
        assert str(refused.value).endswith(".")
        assert str(refused.value).count(".") >= 2


def test_tells_columns_apart() -> None:
    """Two alike, one without a name, one with blanks: each has a name of its own, and a word on it."""
    survey, _rows = surveyed("title, body ,title,,title 2\n1,2,3,4,5\n6,7,8,9,10\n")
    assert [(each.heading, each.name) for each in survey.columns] == [
        ("title", "title"),
        ("body", "body"),
        ("title", "title 3"),
        ("", "column 4"),
        ("title 2", "title 2"),
    ]
    assert [each.is_duplicate for each in survey.columns] == [False, False, True, False, False]
    assert [each.is_missing for each in survey.columns] == [False, False, False, True, False]


def test_shows_the_first_values_of_each_column() -> None:
    """Three that differ, blanks left out."""
    survey, _rows = surveyed("a,b\n1,\n1,x\n2,x\n3,x\n4,y\n")
    assert [each.samples for each in survey.columns] == [["1", "2", "3"], ["x", "y"]]


def test_says_what_is_taken() -> None:
    """Before anybody uploads: which formats, and how large."""
    assert limits_sentence() == (
        "CSV, TSV of any length up to 200.0\xa0MB; XLSX up to 2,000,000 cells; ODS, JSON, YAML up to 10,000 rows."
    )
