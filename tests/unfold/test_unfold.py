"""The console under django-unfold, which replaces the admin's templates: in a process of its own, with its settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PAGES = Path(__file__).with_name("pages.py")


def test_the_console_is_at_home_in_unfold() -> None:
    """Banner, panel, buttons, column, indicator, confirmation, deletion and runs, all drawn by unfold."""
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "PYTEST_ADDOPTS"}}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--ds",
        "tests.unfold.settings",
        str(PAGES),
    ]
    done = subprocess.run(command, env=kept, cwd=PAGES.parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
