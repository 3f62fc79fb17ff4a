"""A language made up for tests: each text of a catalogue stands in ⟦brackets⟧, so what has none was never translated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import django
import polib
from django.apps import apps

from config.catalogues import CATALOGUES, Message, messages_of

LANGUAGE = "tr"  # one that Django knows, and that writes dates and numbers without words of its own
NOT_SHOWN = {"yes,no,maybe"}  # taken apart before it is shown
SILENT = {"script", "style", "code", "pre", "textarea"}
INSIDE = {"bdi", "code", "strong", "em", "b", "span", "time"}  # may stand in the middle of a text
SPOKEN = {"title", "aria-label", "placeholder", "alt"}
WORD = re.compile(r"(?<![\w.@/-])[^\W\d_]{2,}(?![\w@/]|[.-]\w)")


def write_catalogue(folder: Path) -> Path:
    """Write the language into `folder`, and return it for ``LOCALE_PATHS``."""
    file = polib.POFile()
    file.metadata = {
        "Content-Type": "text/plain; charset=utf-8",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    for message in {message.key: message for message in [*_of_others(), *_ours()]}.values():
        entry = polib.POEntry(msgid=message.msgid, msgctxt=message.context or None)
        if message.plural:
            entry.msgid_plural = message.plural
            entry.msgstr_plural = {0: _marked(message.msgid), 1: _marked(message.plural)}
        else:
            entry.msgstr = _marked(message.msgid)
        file.append(entry)
    target = folder / LANGUAGE / "LC_MESSAGES" / "django.mo"
    target.parent.mkdir(parents=True)
    file.save_as_mofile(str(target))
    return folder


def _marked(text: str) -> str:
    return f"⟦{text}⟧"


def _ours() -> Iterable[Message]:
    return [message for catalogue in CATALOGUES for message in messages_of(catalogue)]


def _of_others() -> Iterator[Message]:
    """Yield the texts of Django and the other installed apps, which their own catalogues hold."""
    folders = [Path(django.__file__).parent / "conf", *(Path(config.path) for config in apps.get_app_configs())]
    for folder in folders:
        path = folder / "locale/pt_BR/LC_MESSAGES/django.po"
        for entry in polib.pofile(str(path)) if path.exists() else ():
            if entry.msgid not in NOT_SHOWN:
                yield Message(entry.msgid, entry.msgid_plural or "", entry.msgctxt or "")


def bare_words(html: str, *, data: Iterable[str] = ()) -> list[str]:
    """Return the words that people see or hear on a page, and that no catalogue gave.

    Args:
        html: The page.
        data: Patterns of what the page shows of the database: names, titles, reasons.
    """
    reader = _Reader()
    reader.feed(html)
    known = re.compile("|".join(data)) if data else None
    found: list[str] = []
    for text in reader.texts:
        rest = unmarked(text)
        found += WORD.findall(known.sub(" ", rest) if known else rest)
    return sorted(set(found))


def unmarked(text: str) -> str:
    """Return what stands outside brackets, which may be nested; a text that was cut lacks its last ones."""
    depth, kept = 0, []
    for letter in text:
        depth = max(0, depth + (letter == "⟦") - (letter == "⟧"))
        if not depth and letter not in "⟦⟧":
            kept.append(letter)
    return "".join(kept)


class _Reader(HTMLParser):
    """Collects the texts of a page, and those of attributes that people see, hear or are shown by the script."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = [""]
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._begin(tag)
        self.silent += tag in SILENT
        for name, value in given.items():
            is_words = name.startswith("data-") and " " in value and not value.startswith(("{", "["))
            is_button = name == "value" and given.get("type") in {"submit", "button"}
            if name in SPOKEN or is_words or is_button:
                self.texts.insert(0, value)

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in SILENT
        self._begin(tag)

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.texts[-1] += data

    def _begin(self, tag: str) -> None:
        if tag not in INSIDE:
            self.texts.append("")
