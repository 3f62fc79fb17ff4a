"""Reading and writing tables: what a file is, its rows from any place on, and files made part by part.

Pure: it knows no model and no run. `detect` says what a file is or refuses it, `survey` goes through all of it once, and
`rows` yields its rows from any cursor on.
"""

from console.exceptions.tables import Refused
from console.tables.detection import detect
from console.tables.encodings import ENCODINGS
from console.tables.formats import DELIMITERS, FORMATS, Format
from console.tables.headings import Column
from console.tables.layouts import Cursor, Layout, Reading, Row
from console.tables.limits import sentence as limits_sentence
from console.tables.matching import match
from console.tables.mending import headings as mending_headings
from console.tables.mending import mended_row
from console.tables.neutral import neutral, restored
from console.tables.reading import peek, rows, survey
from console.tables.surveys import Survey
from console.tables.writers import WRITERS, Writer, writer

__all__ = [
    "DELIMITERS",
    "ENCODINGS",
    "FORMATS",
    "WRITERS",
    "Column",
    "Cursor",
    "Format",
    "Layout",
    "Reading",
    "Refused",
    "Row",
    "Survey",
    "Writer",
    "detect",
    "limits_sentence",
    "match",
    "mended_row",
    "mending_headings",
    "neutral",
    "peek",
    "restored",
    "rows",
    "survey",
    "writer",
]
