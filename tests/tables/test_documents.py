"""JSON and YAML: lists of objects, read one by one, with their types; and those that are none."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import pytest
import yaml
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from console import tables
from console.exceptions.tables import Broken, TooManyRows, Undecodable
from tests.tables.files import detected, surveyed, values

PLAIN = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=6)
ROWS = st.lists(
    st.fixed_dictionaries({"alpha": PLAIN, "beta": PLAIN, "gamma": st.text(max_size=9)}), min_size=1, max_size=9
)


@given(rows=ROWS, indent=st.sampled_from([None, 2]), is_ascii=st.booleans())
def test_json_comes_back_with_its_types(rows: list[dict[str, Any]], indent: int | None, *, is_ascii: bool) -> None:
    """Formulas included: nothing is neutralised in JSON, so nothing is restored."""
    found = values(json.dumps(rows, indent=indent, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass"), "n.json")
    assert found == [[row[name] for name in rows[0]] for row in rows]


def test_json_of_any_size_is_read_object_by_object() -> None:
    """An object may lie across blocks, and be as long as many."""
    rows = [{"a": 'é\\"\n' * size, "b": size} for size in (1, 40_000, 7, 100_000)]
    for indent in (None, 1):
        assert values(json.dumps(rows, indent=indent), "n.json") == [[row["a"], row["b"]] for row in rows]


def test_yaml_comes_back_with_its_types() -> None:
    """As tablib writes it, with aliases of plain values where one repeats."""
    day = dt.date(2026, 5, 3)
    rows = [
        {"slug": "a", "count": 5, "price": 2.5, "open": True, "day": day, "body": "one\ntwo", "none": None},
        {"slug": "=1+1", "count": -5, "price": 1e20, "open": False, "day": day, "body": "", "none": None},
    ]
    for flow in (None, True, False):
        text = yaml.safe_dump(rows, default_flow_style=flow, allow_unicode=True, sort_keys=False)
        assert values(text, "n.yaml") == [list(row.values()) for row in rows]


def test_a_key_that_comes_late_is_a_column() -> None:
    """Objects need not have the same keys; what is missing is blank."""
    survey, rows = surveyed('[{"a": 1}, {"b": 2, "a": 3}, {"c": 4}]', "n.json")
    assert [column.name for column in survey.columns] == ["a", "b", "c"]
    assert [row.values for row in rows] == [[1, None, None], [3, 2, None], [None, None, 4]]
    assert [row.number for row in rows] == [1, 2, 3]


def test_what_is_no_plain_value_is_given_as_json() -> None:
    """A widget for JSON reads it."""
    assert values('[{"a": {"b": [1, null]}}]', "n.json") == [['{"b": [1, null]}']]
    assert values("- a: {b: [1, null]}\n", "n.yml") == [['{"b": [1, null]}']]


def test_goes_on_from_every_object() -> None:
    """The staged rows are read from any cursor."""
    file, staged = io.BytesIO(b'[{"a": "x"}, {"a": "\\u2028"}, {"a": "z"}]'), io.BytesIO()
    survey = tables.survey(file, tables.detect(file, "n.json"), staged)
    rows = list(tables.rows(staged, survey.layout))
    for place, row in enumerate(rows):
        assert list(tables.rows(staged, survey.layout, row.cursor)) == rows[place + 1 :]


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ('{"a": 1}', "n.json", "does not begin with a list"),
        ('[{"a": 1}, 2]', "n.json", "entry 2 of the list is no object"),
        ('[{"a": 1} {"a": 2}]', "n.json", "a comma is missing"),
        ('[{"a": 1}', "n.json", "the list is not closed"),
        ('[{"a": tru}]', "n.json", "Expecting value"),
        ('[{"a": ' + "1" * 5000 + "}]", "n.json", "integer string conversion"),
        ('[{"a": ' + "[" * 100_000, "n.json", "nested too deeply"),
        ("a: 1\n", "n.yaml", "does not begin with a list"),
        ("- a: [1\n- b", "n.yaml", "line "),
        ("- !!python/object/apply:os.system [x]\n", "n.yaml", "entry 1 of the list is no object"),
        ("- a: !!python/name:os.system x\n", "n.yaml", "python/name"),
        ("- &a {x: 1}\n- b: *a\n", "n.yaml", "refers to a value that is not plain"),
        ("- a: " + "[" * 40 + "]" * 40 + "\n", "n.yaml", "nested too deeply"),
    ],
)
def test_refuses_what_is_no_list_of_objects(text: str, name: str, reason: str) -> None:
    """It says what is wrong; nothing that a file asks for is run."""
    with pytest.raises(Broken, match=reason):
        surveyed(text, name)


def test_names_the_object_that_is_not_text() -> None:
    """The encoding of the whole is one."""
    with pytest.raises(Undecodable):
        surveyed('[{"a": "é"}, '.encode() + b'{"a": "\xff\xff"}]', "n.json", encoding="utf-8")


@override_settings(CONSOLE={"IMPORT_MAX_SHORT_ROWS": 3})
def test_refuses_more_objects_than_are_read() -> None:
    """It counts them, within reason."""
    with pytest.raises(TooManyRows, match=r"It has 4 rows; YAML is limited to 3\. Save it as CSV\."):
        surveyed("- a: 1\n" * 4, "n.yaml")
    with pytest.raises(TooManyRows, match="It has more than 30 rows; JSON is limited to 3"):
        surveyed(json.dumps([{"a": 1}] * 99), "n.json")


@pytest.mark.parametrize("name", ["n.json", "n.csv", "n.txt"])
def test_json_is_known_by_its_beginning(name: str) -> None:
    """Under any name."""
    assert detected('\n [ {"a": 1}]', name).sentence() == "Read as: JSON."
