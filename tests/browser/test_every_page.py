"""Every page in every state, in a real browser: under the strict policy, by axe, narrow, zoomed and from right to left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tests.admin.addresses import is_ours, routes
from tests.browser.stage import staged
from tests.browser.tour import Tour, Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}

RUN, RESULT = "admin/console/run/", "admin/django_celery_results/taskresult/"
SCHEDULE = "admin/django_celery_beat/periodictask/"
NO_PAGES = {
    **dict.fromkeys((f"{RUN}summary/", f"{RUN}dashboard/", f"{RUN}<int:run_id>/progress/"), "JSON"),
    **dict.fromkeys((f"{RUN}<int:run_id>/failures.{kind}" for kind in ("csv", "xlsx")), "a file"),
    f"{RUN}<int:run_id>/imported.csv": "a file",
    **dict.fromkeys((f"{RUN}<int:run_id>/{kind}/" for kind in ("input", "output")), "a file"),
    f"{RUN}<int:run_id>/dismiss/": "acts, and leads back",
    f"{RUN}<int:run_id>/undo/": "reserved: not found",
    **dict.fromkeys((f"{RUN}add/", f"{RUN}<path:object_id>/delete/", f"{RESULT}add/"), "nobody may"),
    **dict.fromkeys((f"{at}<path:object_id>/" for at in (RUN, RESULT, SCHEDULE)), "leads to the page"),
    "admin/notes/tag/operation/<str:operation>/all/": "tags have no exports",
    **dict.fromkeys(
        (
            "admin/notes/tag/<path:object_id>/operation/<str:operation>/",
            "admin/notes/tag/operation/<str:operation>/",
            "admin/notes/tag/operation/<str:operation>/<int:file_id>/",
        ),
        "tags have no operations",
    ),
}


@pytest.fixture(scope="module")
def visits(
    browser: Browser, live_server: LiveServer, django_db_setup: None, django_db_blocker: Any, request: Any
) -> list[Visit]:
    """Visit every page once, for all the tests; the stage is struck afterwards."""
    folder = request.config.getoption("--pictures")
    languages = [*settings.LANGUAGES, ("he", "Hebrew")]
    with django_db_blocker.unblock():
        with override_settings(LANGUAGES=languages, ALLOWED_HOSTS=["*"]), staged() as stage:
            found = Tour(browser, live_server.url, stage, Path(folder) if folder else None).visits()
        call_command("flush", verbosity=0, interactive=False)
    return found


def test_is_visited_where_there_is_an_address(visits: list[Visit]) -> None:
    """A page that is new has to be put on the tour."""
    pages = {route for route, module in routes() if is_ours(route, module)} - set(NO_PAGES)
    assert pages - {visit.route for visit in visits} == set()


def test_comes_with_the_strict_policy(visits: list[Visit]) -> None:
    """Nothing but this site's own files: no inline script, no inline style, no foreign host."""
    for visit in visits:
        given = dict(rule.split(" ", 1) for rule in visit.policy.split("; "))
        assert given == POLICY, visit.place


def test_breaks_no_policy_and_no_script(visits: list[Visit]) -> None:
    """The browser has nothing to complain of."""
    assert {visit.place: visit.trouble for visit in visits if visit.trouble} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_violation(visits: list[Visit], theme: str) -> None:
    """Names, roles, order, landmarks; in both themes the contrast."""
    assert {visit.place: visit.violations[theme] for visit in visits if visit.violations[theme]} == {}


def test_never_scrolls_sideways_as_a_whole(visits: list[Visit]) -> None:
    """At 390 px, at 200 %, from right to left: tables scroll in their own boxes."""
    assert {visit.place: visit.overflow for visit in visits if visit.overflow} == {}


def test_has_one_line_of_status(visits: list[Visit]) -> None:
    """What moves is spoken, in one place: two would talk at once."""
    assert {visit.place: visit.statuses for visit in visits if visit.statuses > 1} == {}
    moving = {visit.place for visit in visits if visit.route == f"{RUN}<path:object_id>/change/"} | {
        "note locked",
        "note in use",
    }
    assert {visit.place for visit in visits if visit.place in moving and visit.statuses != 1} == set()
