"""Which texts the catalogues must hold, and what is wrong with one that does not."""

from __future__ import annotations

from pathlib import Path

import polib
import pytest

from config import catalogues
from config.catalogues import Message, Untranslatable, messages_of_python, messages_of_template

IMPORTS = """
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
"""


def python(source: str) -> list[Message]:
    """Return the texts of Python code."""
    return list(messages_of_python(IMPORTS + source, "file.py"))


def template(source: str) -> list[Message]:
    """Return the texts of a template."""
    return list(messages_of_template("{% load i18n %}" + source, "file.html"))


def test_python_gives_its_texts() -> None:
    """By whatever name a function was imported, with context and plural; long texts are one."""
    assert python('gettext("one " "text")') == [Message("one text")]
    assert python('a = _("lazy")') == [Message("lazy")]
    assert python('ngettext("%d note", "%d notes", count)') == [Message("%d note", "%d notes")]
    assert python('pgettext_lazy("verb", "Pause")') == [Message("Pause", context="verb")]


def test_python_gives_what_an_operation_says_of_itself() -> None:
    """The first paragraph of the docstring is what staff read."""
    source = '@register(Note)\nclass Copy:\n    """Copy the\n    notes.\n\n    More."""\n    name = "notes.copy"\n'
    assert python(source) == [Message("Copy the notes.")]


def test_other_functions_are_not_asked() -> None:
    """Only Django's translation functions are."""
    assert not python('print("text"); _other("text")')
    assert not python("gettext(text)")


@pytest.mark.parametrize("text", ['f"{count} notes"', '"a " + name', '"%s" % name'])
def test_a_text_put_together_before_its_translation_is_refused(text: str) -> None:
    """No catalogue could ever hold it."""
    with pytest.raises(Untranslatable, match=r"file\.py:4: .*put together"):
        python(f"gettext({text})")


def test_a_template_gives_its_texts() -> None:
    """Inside branches and loops too; blocks with their variables, trimmed where they say so."""
    assert template('{% if a %}{% translate "Go back" %}{% endif %}') == [Message("Go back")]
    assert template('{% translate "100 %" %}') == [Message("100 %%")]
    assert template('{% translate "Pause" context "verb" %}') == [Message("Pause", context="verb")]
    assert template("{% blocktranslate trimmed %}\n  Run\n  {{ id }}.\n{% endblocktranslate %}") == [
        Message("Run %(id)s.")
    ]
    block = "{% blocktranslate count n=n %}{{ n }} run{% plural %}{{ n }} runs{% endblocktranslate %}"
    assert template(block) == [Message("%(n)s run", "%(n)s runs")]


def test_a_template_that_hides_its_text_is_refused() -> None:
    """A variable, or Django's other notation."""
    with pytest.raises(Untranslatable, match="variable"):
        template("{% translate word %}")
    with pytest.raises(Untranslatable, match=r"_\(\)"):
        template('{{ a|default:_("text") }}')


def catalogue(tmp_path: Path, text: str) -> polib.POFile:
    """Return a catalogue with these entries, and one that needs none of them."""
    header = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    (tmp_path / "django.po").write_text(header + text, encoding="utf-8")
    return polib.pofile(str(tmp_path / "django.po"))


def test_what_is_not_translated_is_told(tmp_path: Path) -> None:
    """An empty translation, one of two forms, and a guess."""
    held = catalogue(
        tmp_path,
        'msgid "empty"\nmsgstr ""\n\n'
        'msgid "one"\nmsgid_plural "many"\nmsgstr[0] "um"\nmsgstr[1] ""\n\n'
        '#, fuzzy\nmsgid "guessed"\nmsgstr "chute"\n\n'
        'msgid "good"\nmsgstr "bom"\n',
    )
    assert catalogues.untranslated(held) == ["untranslated: 'empty'", "untranslated: 'one'", "fuzzy: 'guessed'"]


def test_other_placeholders_are_told(tmp_path: Path) -> None:
    """A name that is missing, misspelt or new would break the page, or swallow what it has to say."""
    held = catalogue(
        tmp_path,
        'msgid "%(count)s of %(total)s"\nmsgstr "%(count)s de %(totals)s"\n\n'
        'msgid "%(a)s note"\nmsgid_plural "%(a)s notes"\nmsgstr[0] "%(a)s nota"\nmsgstr[1] "notas"\n\n'
        'msgid "since {time}"\nmsgstr "desde {time}"\n',
    )
    assert [line.split(":")[0] for line in catalogues.mismatched(held)] == ["other placeholders"] * 2


def test_a_catalogue_that_was_not_compiled_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs is the compiled file: it must say what its source does."""
    monkeypatch.setattr(catalogues, "ROOT", tmp_path)
    held = catalogue(tmp_path, 'msgid "good"\nmsgstr "bom"\n')
    held.save_as_mofile(str(tmp_path / "django.mo"))
    assert not catalogues.stale(tmp_path / "django.po")
    held.append(polib.POEntry(msgid="new", msgstr="novo"))
    held.save()
    assert catalogues.stale(tmp_path / "django.po")
