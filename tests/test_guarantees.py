"""The page of guarantees is true: its tests exist, and no law of the protocol is missing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "guarantees.md").read_text()
ROWS = dict(re.findall(r"^\| ([^|]+?) \| [^|]+ \| (.+) \|$", PAGE, re.MULTILINE))
LAWS = [f"{letter}{n}" for letter, count in (("C", 9), ("H", 13), ("M", 13), ("L", 5)) for n in range(1, count + 1)]
WITHDRAWAL_AND_RETRIES = ["§6 withdraw", "§6 retry", "§6 resume", "§6 free fields"]
NAMED = sorted(set(re.findall(r"`(tests/\S+?\.py)::(\w+)`", PAGE)))


def test_every_law_is_listed_with_a_test() -> None:
    """Each law has a row, and each row names a test."""
    assert set(LAWS) | set(WITHDRAWAL_AND_RETRIES) <= ROWS.keys()
    without = {
        law: said for law, said in ROWS.items() if "::" not in said and set(law) != {"-"} and law not in {"law", "way"}
    }
    assert not without


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _path, name in NAMED])
def test_the_test_exists(path: str, name: str) -> None:
    """What the page names can be run."""
    tree = ast.parse((ROOT / path).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
