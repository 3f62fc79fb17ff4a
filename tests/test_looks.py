"""What style sheets and templates may not contain, so that they serve every direction, theme and policy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CONSOLE = Path(__file__).parents[1] / "console"
SHEETS = sorted((CONSOLE / "static").rglob("*.css"))
TEMPLATES = sorted([*(CONSOLE / "templates").rglob("*.html"), *(CONSOLE.parent / "templates").rglob("*.html")])
SIDES = re.compile(
    r"(?:^|[;{\s])((?:[a-z-]+-)?(?:left|right)(?:-[a-z]+)*\s*:|(?:float|clear|text-align)\s*:\s*(?:left|right))"
)
FIXED_SIZES = re.compile(r"(?:^|[;{\s])((?:min-|max-)?(?:width|height)\s*:)")
INLINE = re.compile(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
COLOURS = re.compile(r"#[0-9a-f]{3,8}\b|rgba?\(", re.IGNORECASE)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_styles_know_no_left_and_right(sheet: Path) -> None:
    """Logical properties only: the same rules read from right to left."""
    rules = re.sub(r"@media \([^)]*\)", "", sheet.read_text(encoding="utf-8"))
    assert SIDES.findall(rules) == []
    assert FIXED_SIZES.findall(rules) == []


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_styles_take_their_colours_from_the_admin(sheet: Path) -> None:
    """A colour of ours is only what stands in for a variable that a skin lacks; the curtain behind a dialog is black."""
    rules = re.sub(r"var\(--[\w-]+, #[0-9a-f]+\)", "", sheet.read_text(encoding="utf-8"))
    assert COLOURS.findall(rules.replace("rgb(0 0 0 / 45%)", "")) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_have_no_script_and_no_style_of_their_own(template: Path) -> None:
    """A strict Content-Security-Policy would refuse them."""
    assert INLINE.findall(template.read_text(encoding="utf-8")) == []
