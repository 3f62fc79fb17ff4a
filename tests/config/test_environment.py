"""Settings come from the environment, and say so when they cannot."""

import stat
from pathlib import Path

import pytest

from config import environment


@pytest.mark.parametrize(("value", "meant"), [("1", True), ("Yes", True), ("off", False), ("", False)])
def test_a_flag_is_read_as_people_write_it(monkeypatch: pytest.MonkeyPatch, value: str, meant: bool) -> None:  # noqa: FBT001
    """Usual words for yes and no are understood."""
    monkeypatch.setenv("A_FLAG", value)
    assert environment.flag("A_FLAG", default=not meant) is meant


def test_a_flag_that_says_neither_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing error in DEBUG or HTTPS is no silent no."""
    monkeypatch.setenv("A_FLAG", "treu")
    with pytest.raises(ValueError, match="A_FLAG='treu'"):
        environment.flag("A_FLAG")


def test_the_first_variable_that_is_set_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable is as good as none."""
    monkeypatch.setenv("FIRST", "")
    monkeypatch.setenv("SECOND", "two")
    assert environment.text("FIRST", "SECOND", default="three") == "two"
    assert environment.text("FIRST", default="three") == "three"


def test_the_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    """Every process of a project signs with the same secret, and only its owner can read it."""
    path = tmp_path / "folder" / "secret.key"
    secret = environment.secret(path)
    assert len(secret) > 50
    assert environment.secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_only_keys_that_are_set_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not set keeps the console's own default."""
    monkeypatch.setenv("THING_SLICE", "1.5")
    assert environment.chosen("THING_", {"SLICE": float, "SWEEP": float}) == {"SLICE": 1.5}
