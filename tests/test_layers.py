"""The floors of the project: a file imports only from lower ones, and stays short."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(path for path in (ROOT / "console").rglob("*.py") if "migrations" not in path.parts)
READY = ROOT / "console" / "apps.py"  # Django wants models imported in ready() and no sooner
LONGEST = 300


def hidden_imports(tree: ast.Module) -> Iterator[int]:
    """Yield the lines of imports of our own that stand inside a function."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in {"console", "notes"}:
                    yield node.lineno


def test_imports_go_down_only() -> None:
    """The contracts in pyproject.toml hold."""
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == EXIT_STATUS_SUCCESS


@pytest.mark.parametrize(
    "path", [path for path in FILES if path != READY], ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_import_hides_in_a_function(path: Path) -> None:
    """What a file needs stands at its top, where the contracts see it."""
    assert not list(hidden_imports(ast.parse(path.read_text())))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_short(path: Path) -> None:
    """A file is one noun; one that grows beyond a few screens holds two."""
    assert len(path.read_text().splitlines()) <= LONGEST
