"""What goes into the wheel: the console, whole, and nothing else."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def test_the_wheel_holds_every_module_of_the_console_and_no_other() -> None:
    """The console alone is packed, and each folder of it with Python in it is a package."""
    assert SETTINGS["packages"]["find"]["include"] == ["console", "console.*"]
    folders = {path.parent for path in (ROOT / "console").rglob("*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]


def test_the_wheel_holds_every_file_of_the_console() -> None:
    """Templates, static files and messages match what is packed."""
    patterns = SETTINGS["package-data"]["*"]
    files = [path for path in (ROOT / "console").rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}]
    names = [path.relative_to(ROOT / "console").as_posix() for path in files]
    assert not [name for name in names if not any(fnmatch(name, pattern.replace("**/", "")) for pattern in patterns)]


def test_the_lock_names_no_host() -> None:
    """The lock works with whatever index the machine uses."""
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "django==" in lock
