"""Lists of objects, in JSON and YAML: read one by one, so that a long one is refused without being held."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import IO, Any, Final

from django.utils.translation import gettext as _

from console.exceptions.tables import Broken, TooLongCell, Undecodable, Unreadable
from console.tables import encodings, limits
from console.tables.formats import JSON, YAML, Format
from console.tables.layouts import Reading

try:
    import yaml
except ImportError:  # the extra “yaml” is not installed
    HAS_YAML = False
else:
    HAS_YAML = True

BLOCK: Final = 1 << 16
DEPTH: Final = 20
_BLANKS: Final = " \t\r\n"
_LONGEST_WORD: Final = len("\\ud83d\\ude00")  # of those that JSON is made of


def objects(file: IO[bytes], reading: Reading) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list, in order; what is no plain value in them is given as JSON.

    Raises:
        Broken: It is no list of objects.
        TooLongCell: An object is longer than any may be.
        Undecodable: It holds bytes that its encoding does not have.
        Unreadable: YAML is not installed.
    """
    file.seek(reading.mark)
    number = 0
    try:
        for number, given in enumerate(_given(file, reading), start=1):
            if not isinstance(given, dict):
                raise Broken(reading.kind.label, _("entry %(number)d of the list is no object") % {"number": number})
            yield {str(key): _plain(value) for key, value in given.items()}
    except UnicodeDecodeError:
        raise Undecodable(number + 1, encodings.label(reading.encoding)) from None


def _given(file: IO[bytes], reading: Reading) -> Iterator[Any]:
    text = codecs.getreader(reading.encoding)(file)
    return _from_json(text) if reading.kind is JSON else _from_yaml(text)


def is_json(text: str, promised: Format | None) -> bool:
    """Tell whether a text is a list of objects in JSON, by its beginning."""
    start = text.lstrip()
    return start[:1] in {"[", "{"} and (promised is JSON or start[1:].lstrip()[:1] in {"{", "]", '"'})


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else value


def _from_json(text: codecs.StreamReader) -> Iterator[Any]:
    """Yield the entries of the outer list, each decoded as soon as it is complete."""
    buffer = _Buffer(text)
    if buffer.next() != "[":
        raise Broken(JSON.label, _("it does not begin with a list"))
    buffer.take()
    if buffer.next() == "]":
        return
    while True:
        yield buffer.value()
        if (sign := buffer.next()) == "]":
            return
        if sign != ",":
            raise Broken(JSON.label, _("the list is not closed") if not sign else _("a comma is missing in the list"))
        buffer.take()


class _Buffer:
    """The text that was read and not yet used."""

    def __init__(self, text: codecs.StreamReader) -> None:
        self.values = 0  # how many were returned
        self._source, self._text, self._at = text, "", 0
        self._decoder = json.JSONDecoder()

    def next(self) -> str:
        """Return the next character that is no blank, without taking it; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANKS:
                self._at += 1
            if self._at < len(self._text) or not self._more(BLOCK):
                return self._text[self._at : self._at + 1]

    def take(self) -> None:
        """Leave the next character behind."""
        self._at += 1

    def value(self) -> Any:
        """Return the next value; an attempt that comes too early is repeated with twice the text."""
        self.next()
        while True:
            try:
                value, self._at = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                held = len(self._text) - self._at
                if not self._may_be_cut(error) or not self._more(max(held, BLOCK)):
                    raise Broken(JSON.label, error.msg) from None
                if held > limits.LINE_CELLS * limits.cell_max():
                    raise TooLongCell(self.values + 1, limits.cell_max()) from None
            except ValueError as error:  # a number with thousands of digits
                raise Broken(JSON.label, str(error)) from None
            except RecursionError:
                raise Broken(JSON.label, _("its values are nested too deeply")) from None
            else:
                self.values += 1
                return value

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        """Tell whether the text so far may only end too early."""
        return error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _LONGEST_WORD

    def _more(self, size: int) -> bool:
        more = self._source.read(size)
        self._text, self._at = self._text[self._at :] + more, 0
        return bool(more)


def _from_yaml(text: codecs.StreamReader) -> Iterator[Any]:
    if not HAS_YAML:
        raise Unreadable(YAML.label, "PyYAML")
    try:
        yield from _Entries(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        told = getattr(error, "problem", None) or str(error)
        raise Broken(
            YAML.label, _("line %(line)d: %(what)s") % {"line": mark.line + 1, "what": told} if mark else told
        ) from None


class _Entries:
    """The entries of a YAML list, from its events: a document would be held whole, and its aliases multiply."""

    def __init__(self, text: codecs.StreamReader) -> None:
        self._events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self._scalars = yaml.SafeLoader("")
        self._anchors: dict[str, Any] = {}

    def __iter__(self) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, yaml.SequenceStartEvent):
                break
            if isinstance(event, yaml.MappingStartEvent | yaml.ScalarEvent):
                raise Broken(YAML.label, _("it does not begin with a list"))
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                return
            yield self._value(event, DEPTH)

    def _value(self, event: Any, depth: int) -> Any:
        if not depth:
            raise Broken(YAML.label, _("its values are nested too deeply"))
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:  # of a list or an object: such multiply
                raise Broken(YAML.label, _("it refers to a value that is not plain"))
            return self._anchors[event.anchor]
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return [self._value(each, depth - 1) for each in self._until(yaml.SequenceEndEvent)]
        entries = {}
        for each in self._until(yaml.MappingEndEvent):
            key = self._value(each, depth - 1)
            entries[str(key)] = self._value(next(self._events), depth - 1)
        return entries

    def _until(self, end: type) -> Iterator[Any]:
        while not isinstance(event := next(self._events), end):
            yield event

    def _scalar(self, event: Any) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._scalars.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
        try:
            value = self._scalars.construct_object(yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark))
        except ValueError:  # looks like a date, and is none
            value = event.value
        self._scalars.constructed_objects.clear()  # it remembers every one
        if event.anchor:
            self._anchors[event.anchor] = value
        return value
