"""The catalogues of translations: what the code says, compared with what they hold. Needs polib, not gettext's programs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polib
from django.template import Context, Engine, Node, Template
from django.template.base import FilterExpression
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

ROOT = Path(__file__).resolve().parent.parent

# Where each catalogue is, and the folders whose texts it holds.
CATALOGUES = {"console": ("console",), "notes": ("notes", "templates", "config")}
LANGUAGES = ("pt_BR",)
FILE = "LC_MESSAGES/django.po"

FUNCTIONS = {
    name + suffix: shape
    for name, shape in {
        "gettext": ("msgid",),
        "ngettext": ("msgid", "plural"),
        "pgettext": ("context", "msgid"),
        "npgettext": ("context", "msgid", "plural"),
    }.items()
    for suffix in ("", "_lazy", "_noop")
}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}")


class Untranslatable(ValueError):
    """A text that no translator will ever see: it is put together before it is looked up."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(f"{place}: {why} Give the translation function the whole text, with %(names)s in it.")


@dataclass(frozen=True, order=True)
class Message:
    """One text of the code: what names it in a catalogue."""

    msgid: str
    plural: str = ""
    context: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What gettext looks it up by."""
        return (self.context, self.msgid)


Found = dict[Message, list[str]]  # each with the files that say it


def messages_of(catalogue: str) -> Found:
    """Return the texts that belong into a catalogue.

    Raises:
        Untranslatable: One of them is not a whole text.
    """
    found: Found = {}
    for folder in CATALOGUES[catalogue]:
        for path in sorted((ROOT / folder).rglob("*")):
            place = path.relative_to(ROOT).as_posix()
            for message in _messages_in(path, place):
                places = found.setdefault(message, [])
                if place not in places:
                    places.append(place)
    return _merged(found)


def _merged(found: Found) -> Found:
    """Return the texts, one for each key: what is said with a plural in one place and without in another has it."""
    merged: dict[tuple[str, str], tuple[Message, list[str]]] = {}
    for message, places in found.items():
        other, others = merged.get(message.key, (message, []))
        merged[message.key] = (max(message, other), sorted({*places, *others}))
    return dict(merged.values())


def _messages_in(path: Path, place: str) -> Iterable[Message]:
    match path.suffix:
        case ".py":
            return messages_of_python(path.read_text(encoding="utf-8"), place)
        case ".html":
            return messages_of_template(path.read_text(encoding="utf-8"), place)
    return ()


# Python


def messages_of_python(source: str, place: str) -> Iterator[Message]:
    """Yield the texts that Python code gives to Django's translation functions, and what operations say of themselves."""
    tree = ast.parse(source)
    names = _imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            message = _called(node, FUNCTIONS[names[node.func.id]], f"{place}:{node.lineno}")
            if message:
                yield message
        elif isinstance(node, ast.ClassDef) and _is_registered(node):
            yield from _described(node)


def _imported(tree: ast.AST) -> dict[str, str]:
    """Return the translation functions that a module imports, by the names it gives them."""
    return {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if alias.name in FUNCTIONS
    }


def _called(call: ast.Call, shape: tuple[str, ...], place: str) -> Message | None:
    given = {}
    for name, argument in zip(shape, call.args, strict=False):
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            given[name] = argument.value
        elif isinstance(argument, ast.JoinedStr | ast.BinOp):
            raise Untranslatable(place, "it is put together before it is translated.")
        else:
            return None  # looks up a text that another place gives
    return Message(**given)


def _is_registered(node: ast.ClassDef) -> bool:
    return any(
        isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "register"
        for decorator in node.decorator_list
    ) and any(isinstance(part, ast.Assign) and _targets(part) & {"name"} for part in node.body)


def _described(node: ast.ClassDef) -> Iterator[Message]:
    """Yield the first paragraph of an operation's docstring, as `BaseOperation.description` looks it up."""
    paragraph = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
    if paragraph:
        yield Message(paragraph)


def _targets(assignment: ast.Assign) -> set[str]:
    return {target.id for target in assignment.targets if isinstance(target, ast.Name)}


# Templates


def messages_of_template(source: str, place: str) -> Iterator[Message]:
    """Yield the texts of a template, read by Django's own parser."""
    template = Template(source, engine=Engine.get_default())
    for node in template.nodelist.get_nodes_by_type(Node):
        if isinstance(node, TranslateNode):
            yield _translated(node, place)
        elif isinstance(node, BlockTranslateNode):
            yield _block(node)
    if re.search(r"""[\s=:|]_\(['"]""", source):
        raise Untranslatable(place, "a template's _() is not read here: use {% translate … as … %}.")


def _translated(node: TranslateNode, place: str) -> Message:
    literal = node.filter_expression.var.literal
    if not isinstance(literal, str):
        raise Untranslatable(place, "{% translate %} is given a variable.")
    # Django's templates keep every % doubled.
    return Message(literal.replace("%", "%%"), context=_context(node.message_context))


def _block(node: BlockTranslateNode) -> Message:
    singular, _names = node.render_token_list(node.singular)
    plural = node.render_token_list(node.plural)[0] if node.plural else ""
    return Message(singular, plural, _context(node.message_context))


def _context(expression: FilterExpression | None) -> str:
    return str(expression.resolve(Context())) if expression else ""


# Catalogues


def path_of(catalogue: str, language: str) -> Path:
    """Return where the catalogue of a language is."""
    return ROOT / catalogue / "locale" / language / FILE


def update(catalogue: str, language: str) -> list[str]:
    """Bring a catalogue up to date with the code, and compile it; return what is left to translate.

    What the code no longer says goes; what is new comes untranslated. Nothing is guessed.
    """
    path = path_of(catalogue, language)
    old = polib.pofile(str(path))
    known = {(entry.msgctxt or "", entry.msgid): entry for entry in old}
    fresh = polib.POFile(wrapwidth=120)
    fresh.header, fresh.metadata = old.header, old.metadata
    for message, places in sorted(messages_of(catalogue).items(), key=lambda item: (item[1], item[0])):
        fresh.append(_entry(message, places, known.get(message.key)))
    fresh.save(str(path))
    fresh.save_as_mofile(str(path.with_suffix(".mo")))
    return untranslated(fresh)


def _entry(message: Message, places: list[str], known: polib.POEntry | None) -> polib.POEntry:
    entry = polib.POEntry(
        msgid=message.msgid, msgctxt=message.context or None, occurrences=[(place, "") for place in places]
    )
    if known:
        entry.tcomment, entry.comment, entry.msgstr = known.tcomment, known.comment, known.msgstr
    if message.plural:
        entry.msgid_plural = message.plural
        entry.msgstr, entry.msgstr_plural = "", _forms(known)
    if PLACEHOLDER.search(message.msgid + message.plural):
        entry.flags.append("python-format")
    return entry


def _forms(known: polib.POEntry | None) -> dict[int, str]:
    if known and known.msgstr_plural:
        return dict(known.msgstr_plural)
    return {0: known.msgstr if known else "", 1: ""}


def trouble(catalogue: str, language: str) -> list[str]:
    """Return a line for each way in which a catalogue is not what the code needs; empty where it is complete."""
    path = path_of(catalogue, language)
    held = polib.pofile(str(path))
    said = {message.key: message for message in messages_of(catalogue)}
    known = {(entry.msgctxt or "", entry.msgid): entry for entry in held}
    return [
        *(f"missing: {message.msgid!r}" for key, message in sorted(said.items()) if key not in known),
        *(f"obsolete: {entry.msgid!r}" for key, entry in sorted(known.items()) if key not in said or entry.obsolete),
        *(f"another plural: {said[key].plural!r}" for key in sorted(said.keys() & known.keys())
          if said[key].plural != known[key].msgid_plural),
        *untranslated(held),
        *mismatched(held),
        *stale(path),
    ]  # fmt: skip


def untranslated(held: polib.POFile) -> list[str]:
    """Return a line for each entry without a translation, or with one that is only guessed."""
    return [
        f"{'fuzzy' if entry.fuzzy else 'untranslated'}: {entry.msgid!r}" for entry in held if not entry.translated()
    ]


def mismatched(held: polib.POFile) -> list[str]:
    """Return a line for each translation that lacks a placeholder of its text, or has one that the text has not."""
    return [
        f"other placeholders: {entry.msgid!r} → {translation!r}"
        for entry in held
        for text, translation in _pairs(entry)
        if translation and set(PLACEHOLDER.findall(text)) != set(PLACEHOLDER.findall(translation))
    ]


def _pairs(entry: polib.POEntry) -> Iterator[tuple[str, str]]:
    if not entry.msgid_plural:
        yield entry.msgid, entry.msgstr
    for number, form in entry.msgstr_plural.items():
        yield (entry.msgid if number == 0 else entry.msgid_plural), form


def stale(path: Path) -> list[str]:
    """Return a line if the compiled catalogue does not say what its source does."""
    source, compiled = polib.pofile(str(path)), polib.mofile(str(path.with_suffix(".mo")))
    return (
        [] if _content(source) == _content(compiled) else [f"not compiled since it changed: {path.relative_to(ROOT)}"]
    )


def _content(held: polib.POFile | polib.MOFile) -> set[tuple[str, str, str, str, tuple[tuple[int, str], ...]]]:
    return {
        (entry.msgctxt or "", entry.msgid, entry.msgid_plural, entry.msgstr, tuple(sorted(entry.msgstr_plural.items())))
        for entry in held
        if entry.msgid and (entry.msgstr or any(entry.msgstr_plural.values()))
    }
