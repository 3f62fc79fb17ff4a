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


def sign_in(context: BrowserContext, user: User, server: str) -> None:
    """Give a browser the session of `user`."""
    session = signed_in(user).cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": server}])
