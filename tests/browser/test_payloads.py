"""Markup in every field that people fill in is shown as text: nothing runs, even without the policy that would stop it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from django.contrib.auth.models import User
from django_celery_results.models import TaskResult
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from console.engine import control
from console.engine.acceptance import start
from console.exceptions import ItemFailed
from console.models import Attempt, Run
from console.operations import Operation
from console.testing import declared, perform
from notes.models import Note, Tag
from notes.operations import RetagNotes
from tests.admin.running import page_of
from tests.browser.staff import NOTES, RUNS, Visitor, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAYLOAD = "</script></title></textarea><img src=x onerror=window.xss=1>\"'><svg onload=window.xss=1>{{7*7}}<script>window.xss=1</script>"


@pytest.fixture
def unguarded(browser: Browser, live_server: LiveServer) -> Iterator[Visitor]:
    """Somebody with a name like that, at a browser that ignores the policy."""
    user = User.objects.create_superuser("mallory", first_name=PAYLOAD[:150])
    context = browser.new_context(bypass_csp=True)
    sign_in(context, user, live_server.url)
    yield Visitor(context.new_page(), live_server.url)
    context.close()


def notes() -> list[Note]:
    """Create notes with such titles."""
    return [Note.objects.create(title=PAYLOAD, slug=f"note-{n}", body=PAYLOAD) for n in range(6)]


def refuse(_operation: Operation, objects: Sequence[Note]) -> None:
    """Fail with such a reason, values and traceback."""
    if objects[0].pk % 2:
        raise ItemFailed(objects[0], PAYLOAD, {PAYLOAD: PAYLOAD})
    raise ValueError(PAYLOAD)


def test_nothing_runs_of_what_people_typed(unguarded: Visitor) -> None:
    """Titles, names, labels, tags, reasons, values, errors, searches: on every page that shows them."""
    user, found = User.objects.get(), notes()
    tag = Tag.objects.create(name=PAYLOAD[:60], slug="tag")
    page = unguarded.page
    held = start(RetagNotes, by=user, objects=found[:2], params={"add": [tag.pk]})
    control.pause(held.pk, by=user, reason=PAYLOAD)
    with declared(Note, refuse, label=PAYLOAD[:60], __doc__=PAYLOAD) as operation:
        failed = perform(start(operation, by=user, objects=found[2:4]))
        attempt = Attempt.objects.filter(run=failed).latest("pk")
        Attempt.objects.filter(pk=attempt.pk).update(worker=PAYLOAD[:200], error=PAYLOAD, traceback=PAYLOAD)
        result = TaskResult.objects.create(task_id=attempt.task_id, result=PAYLOAD, traceback=PAYLOAD)
        addresses = [
            "/admin/",
            NOTES,
            *(f"{NOTES}{note.pk}/{what}/" for note in (found[0], found[2]) for what in ("change", "delete")),
            f"{NOTES}{found[4].pk}/operation/notes.retag/",
            RUNS,
            f"{RUNS}?q={PAYLOAD}",
            page_of(held),
            page_of(failed),
            page_of(failed, "retry"),
            f"{RUNS}{held.pk}/withdraw/?target={held.targets.all()[0].pk}",
            f"{RUNS}start/",
            f"/admin/django_celery_results/taskresult/{result.pk}/change/",
        ]
        for address in addresses:
            answer = page.goto(unguarded.server + address)
            assert answer
            assert answer.ok, address
            assert page.evaluate("window.xss") is None, address
            assert page.locator("img[src=x]").count() == 0, address
        for action, path in (("notes.archive", NOTES), ("delete_selected", NOTES)):
            unguarded.choose(action, found, path)
            assert page.locator("body").get_by_text("onerror=window.xss=1").count() > 0
            assert page.evaluate("window.xss") is None, action
        unguarded.choose("cancel_runs", Run.objects.all(), RUNS)
        assert page.evaluate("window.xss") is None
        follow_live(unguarded, failed)


def follow_live(visitor: Visitor, run: Run) -> None:
    """See the words that come by script."""
    again = control.retry(run.pk, only=Run.Only.FAILED).run
    visitor.open(page_of(again))
    perform(again)
    visitor.page.locator("#failures .console-group").first.wait_for()
    assert visitor.page.evaluate("window.xss") is None
    assert visitor.page.locator("img[src=x]").count() == 0
