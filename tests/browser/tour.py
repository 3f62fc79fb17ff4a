"""One visit to every page in every state: what a browser, axe and a narrow screen have to say of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.urls import resolve
from playwright.sync_api import Browser, ConsoleMessage, Page, Response

from tests.browser.places import Place, places
from tests.browser.staff import Visitor, sign_in
from tests.browser.stage import Stage

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
WIDE, ZOOMED, NARROW = (
    {"width": 1440, "height": 900},
    {"width": 720, "height": 450},  # 1440 px at 200 %
    {"width": 390, "height": 844},
)
# What axe finds in Django's own markup, which the console does not draw: the rule, and the elements that break it.
STOCK = {
    "link-in-text-block": ".breadcrumbs > a",  # links in the breadcrumbs differ by colour alone
    "label-title-only": "#searchbar",  # its label is a picture
    # Tabular inlines name their columns, not their fields; of a date and a time only one is named.
    "label": ".inline-related.tabular td :is(input, textarea), .vDateField, .vTimeField",
    "empty-table-header": ".inline-related.tabular thead th",
    "aria-prohibited-attr": ".selector .help-tooltip",  # filter_horizontal
}


@dataclass
class Visit:
    """What was seen of a page: nothing wrong where the lists are empty.

    Attributes:
        place: Its name.
        route: Its address, as the resolver knows it.
        policy: The Content-Security-Policy that came with it.
        trouble: What the browser complained of: scripts that fail, files and styles that the policy forbids.
        violations: What axe found, by theme.
        overflow: The widths of the window at which the page scrolls sideways as a whole.
        statuses: How many lines of status it has.
    """

    place: str
    route: str
    policy: str
    trouble: list[str] = field(default_factory=list)
    violations: dict[str, list[str]] = field(default_factory=dict)
    overflow: list[str] = field(default_factory=list)
    statuses: int = 0


class Tour:
    """Visits places, one after the other, in the browsers of two ranks and in one that reads from right to left."""

    def __init__(self, browser: Browser, server: str, stage: Stage, pictures: Path | None = None) -> None:
        self.server, self.stage, self.pictures = server, stage, pictures
        self.visitors = {
            "admin": self._visitor(browser, stage.admin),
            "viewer": self._visitor(browser, stage.viewer),
            "hebrew": self._visitor(browser, stage.admin, locale="he"),
        }
        self.heard: list[str] = []
        self.answers: list[Response] = []

    def visits(self) -> list[Visit]:
        """Visit every place."""
        found = [self._visit(place) for place in places(self.stage)]
        for visitor in self.visitors.values():
            visitor.page.context.close()
        return found

    def _visitor(self, browser: Browser, user: Any, **options: Any) -> Visitor:
        context = browser.new_context(viewport=WIDE, reduced_motion="reduce", **options)  # type: ignore[arg-type]
        sign_in(context, user, self.server)
        page = context.new_page()
        page.on("pageerror", lambda error: self.heard.append(str(error)))
        page.on("console", self._hear)
        page.on("response", self._note)
        return Visitor(page, self.server)

    def _hear(self, line: ConsoleMessage) -> None:
        address = str(line.location.get("url"))
        is_answer = line.text.startswith("Failed to load resource") and address == self.answers[-1].url
        if not is_answer and "favicon" not in address:  # that a page is forbidden is no trouble
            self.heard.append(f"{line.text} {address}")

    def _note(self, response: Response) -> None:
        if response.request.is_navigation_request():
            self.answers.append(response)

    def _visit(self, place: Place) -> Visit:
        self.heard, visitor = [], self.visitors[place.rank]
        page = visitor.page
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        place.go(visitor, self.stage)
        page.wait_for_load_state()
        answer = self.answers[-1]
        visit = Visit(
            place.name,
            resolve(urlsplit(page.url).path).route,
            answer.headers.get("content-security-policy", ""),
            statuses=page.locator("[role=status]").count(),
        )
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            page.evaluate(SETTLE)
            visit.violations[theme] = axe(page, [] if theme == "light" else ["color-contrast"])
            self._take(page, f"{place.name}, {theme}")
        page.emulate_media(color_scheme="light")
        visit.overflow += self._overflows(page, place.name)
        if place.path and place.rank == "admin":
            visit.overflow += self._from_right_to_left(place)
        visit.trouble = self.heard
        return visit

    def _overflows(self, page: Page, name: str) -> list[str]:
        found = []
        for size in (ZOOMED, NARROW):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            if over := page.evaluate(OVERFLOW):
                found.append(f"{size['width']} px: {over}")
        if nameless := page.locator(NAMELESS_BOX).count():
            found.append(f"{nameless} boxes that scroll without a name, or out of the keyboard's reach")
        self._take(page, f"{name}, narrow")
        return found

    def _from_right_to_left(self, place: Place) -> list[str]:
        visitor = self.visitors["hebrew"]
        visitor.page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        place.go(visitor, self.stage)
        assert visitor.page.locator("html").get_attribute("dir") == "rtl"
        over = visitor.page.evaluate(OVERFLOW)
        if self.pictures:
            visitor.page.set_viewport_size(WIDE)  # type: ignore[arg-type]
            self._take(visitor.page, f"{place.name}, right to left")
        return [f"right to left: {over}"] if over else []

    def _take(self, page: Page, name: str) -> None:
        if self.pictures:
            page.screenshot(path=self.pictures / f"{name.replace(', ', '-').replace(' ', '_')}.png", full_page=True)


def axe(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """Return what axe finds on the page: all its rules for WCAG 2.2 and good practice, or only `rules`."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN_AXE, [list(rules), STOCK])
    return found


# The admin's links change their colour in a moment, not at once.
SETTLE = "() => document.getAnimations().forEach((animation) => animation.finish())"

# A script of the policy's own site would be needed to load axe; a driver's evaluation is no script of the page.
RUN_AXE = """async ([rules, stock]) => {
  const chosen = rules.length ? { runOnly: { type: "rule", values: rules } } : {};
  const { violations } = await axe.run(document, { preload: false, resultTypes: ["violations"], ...chosen });
  return violations.flatMap(({ id, nodes }) => nodes
    .filter((node) => !(id in stock && document.querySelector(node.target.at(-1)).matches(stock[id])))
    .map((node) => `${id}: ${node.target.join(" ")} (${node.failureSummary.split("\\n").slice(1).join(";").trim()})`));
}"""

NAMELESS_BOX = '.console-scroll:not([role=region][tabindex="0"][aria-label])'

# How far the page scrolls sideways, and the first element that reaches there.
OVERFLOW = """() => {
  const root = document.scrollingElement;
  const over = root.scrollWidth - root.clientWidth;
  if (over <= 0) return "";
  const boxed = (element) => {
    for (let e = element.parentElement; e && e !== document.body; e = e.parentElement)
      if (getComputedStyle(e).overflowX !== "visible") return true;
    return false;
  };
  const wide = [...document.body.querySelectorAll("*")].filter((e) => {
    const box = e.getBoundingClientRect();
    return (box.right > root.clientWidth + 1 || box.left < -1) && box.width && !boxed(e);
  });
  return `${over} px: ` + wide.slice(0, 4).map((e) => `${e.tagName.toLowerCase()}.${e.className}`).join(", ");
}"""
