"""The floors of the project: a file imports only from lower ones, and stays short."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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
    # A process of its own: import-linter configures logging, and would switch off every logger of the tests after it.
    lint = [Path(sys.executable).with_name("lint-imports"), "--config", ROOT / "pyproject.toml", "--no-cache"]
    done = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


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
