"""A member of staff at a browser: signed in, and at home in the admin's lists."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Model
from playwright.sync_api import BrowserContext, Page

from tests.admin.running import signed_in

NOTES, RUNS = "/admin/notes/note/", "/admin/console/run/"


class Visitor:
    """A browser's page, and the hands that use it."""

    def __init__(self, page: Page, server: str) -> None:
        self.page, self.server = page, server

    def open(self, path: str) -> None:
        """Open an address of the site."""
        self.page.goto(self.server + path)

    def choose(self, action: str, objects: Sequence[Model], path: str = NOTES) -> None:
        """Tick objects in a list that shows no others, and choose what to do with them."""
        self.open(f"{path}?id__in={','.join(str(obj.pk) for obj in objects)}")
        self.act(action)

    def act(self, action: str) -> None:
        """Tick every row of the list that is open, or opening, and choose what to do with them."""
        self.page.locator("#result_list").wait_for()
        self.page.wait_for_load_state("domcontentloaded")
        for box in self.page.locator("input[name=_selected_action]").all():
            box.check()
        self.page.locator("select[name=action]").select_option(action)
        self.page.locator("button[name=index]").click()

    def press(self, name: str) -> None:
        """Press the button with these words."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        """Follow the link with these words."""
        self.page.get_by_role("link", name=name, exact=True).click()

    def tab_to(self, words: str) -> None:
        """Press Tab until the focus is on what says this; see it at each stop.

        Raises:
            AssertionError: The focus was somewhere that nobody sees, or never came here.
        """
        for _stop in range(100):
            self.page.keyboard.press("Tab")
            text, is_seen = self.page.evaluate(FOCUS)
            assert is_seen, f"The focus is on “{text}”, and nobody sees it."
            if text == words:
                return
        raise AssertionError(f"Tab does not reach “{words}”.")


# What has the focus, and whether it is in view with something around it that shows so.
FOCUS = """() => {
  const here = document.activeElement;
  const box = here.getBoundingClientRect();
  const style = getComputedStyle(here);
  const marked = style.outlineStyle !== "none" || style.textDecorationLine !== "none" || here.matches("input, textarea");
  const shown = box.width > 0 && box.height > 0 && box.top < innerHeight && box.bottom > 0 && marked;
  return [(here.textContent || here.value || "").trim(), shown || here === document.body];
}"""


def sign_in(context: BrowserContext, user: User, server: str) -> None:
    """Give a browser the session of `user`."""
    session = signed_in(user).cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": server}])
