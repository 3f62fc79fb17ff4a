"""Forms as a browser reads them from a page: what is in them, and which buttons send them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse


@dataclass
class Button:
    """A button: its words, and what it adds to the post."""

    text: str = ""
    name: str = ""
    value: str = ""


@dataclass
class Form:
    """A form: its fields in order, and its buttons."""

    id: str = ""
    method: str = "get"
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)

    def data(self, button: str = "", **typed: Any) -> dict[str, Any]:
        """Return what the browser posts when `button` (its words) is pressed, with other values typed in."""
        posted: dict[str, Any] = {}
        for name, value in self.fields:
            posted.setdefault(name, []).append(value)
        if button:
            pressed = next(one for one in self.buttons if one.text == button)
            if pressed.name:
                posted[pressed.name] = [pressed.value]
        return {**posted, **typed}

    def texts(self) -> list[str]:
        """Return the words of the buttons."""
        return [button.text for button in self.buttons]

    def value(self, name: str) -> str:
        """Return the value of a field."""
        return dict(self.fields)[name]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.open: Form | None = None
        self.button: Button | None = None
        self.select: str = ""
        self.area: str = ""
        self.elsewhere: list[tuple[str, str, str]] = []  # fields that name their form: its id, their name and value

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.open = Form(given.get("id", ""), given.get("method", "get"))
            self.forms.append(self.open)
        elif tag == "input" and "form" in given:
            self.elsewhere.append((given["form"], given["name"], given["value"]))
        elif self.open is not None and "disabled" not in given:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        assert self.open is not None
        kind = given.get("type", "text")
        if tag == "input" and kind == "submit":
            self.open.buttons.append(Button(given.get("value", ""), given.get("name", ""), given.get("value", "")))
        elif tag == "input" and (kind not in ("checkbox", "radio") or "checked" in given):
            self.open.fields.append((given.get("name", ""), given.get("value", "on" if kind == "checkbox" else "")))
        elif tag == "button":
            self.button = Button("", given.get("name", ""), given.get("value", ""))
            self.open.buttons.append(self.button)
        elif tag == "select":
            self.select = given.get("name", "")
        elif tag == "option" and self.select and "selected" in given:
            self.open.fields.append((self.select, given.get("value", "")))
        elif tag == "textarea":
            self.area = given.get("name", "")
            self.open.fields.append((self.area, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None
        elif tag == "button" and self.button is not None:
            self.button.text = " ".join(self.button.text.split())
            self.button = None
        elif tag == "select":
            self.select = ""
        elif tag == "textarea":
            self.area = ""

    def handle_data(self, data: str) -> None:
        if self.button is not None:
            self.button.text += data
        elif self.area and self.open is not None:
            name, value = self.open.fields[-1]
            self.open.fields[-1] = (name, (value + data).removeprefix("\n"))


def forms(response: HttpResponse) -> list[Form]:
    """Return the forms of a page that post."""
    reader = _Reader()
    reader.feed(response.content.decode())
    by_id = {form.id: form for form in reader.forms}
    for form_id, name, value in reader.elsewhere:
        by_id[form_id].fields.append((name, value))
    return [form for form in reader.forms if form.method == "post" and form.id != "logout-form"]


def only_form(response: HttpResponse) -> Form:
    """Return the one form of a page that posts, the header's apart."""
    (form,) = forms(response)
    return form


def text_of(response: HttpResponse) -> str:
    """Return the words of a page, without its markup."""
    reader = _Text()
    reader.feed(response.content.decode())
    return " ".join(" ".join(reader.words).split())


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def messages_of(response: HttpResponse) -> list[str]:
    """Return the messages that the page, or the one it redirected to, shows."""
    return [str(message) for message in response.context["messages"]]
