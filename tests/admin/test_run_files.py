"""A run's own files: permission is asked again at each download, and the answer is a safe one."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from console.engine.files import keep, remove
from console.models import File, Run
from tests.admin import tenancy
from tests.admin.running import OPERATOR, copied, page_of, put_away, signed_in, staff

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.admin.tenancy")]
KINDS = {"input": File.Kind.INPUT, "output": File.Kind.OUTPUT}


def with_file(run: Run, page: str = "output", name: str = "notes.csv") -> File:
    """Give the run a file."""
    return keep([b"slug\n", b"a\n"], kind=KINDS[page], name=name, run=run, media_type="text/csv")


@pytest.mark.parametrize("page", ["input", "output"])
def test_a_file_is_streamed_as_an_attachment(page: str) -> None:
    """With its name, length and type, which no browser may guess at."""
    ana = staff("ana", *OPERATOR)
    run = copied(ana)
    with_file(run, page)
    answer = signed_in(ana).get(page_of(run, page))
    assert answer.streaming
    assert answer.getvalue() == b"slug\na\n"
    put_away(answer)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="notes.csv"'
    assert answer.headers["Content-Type"] == "text/csv"
    assert answer.headers["Content-Length"] == "7"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_name_cannot_add_a_header_or_a_folder() -> None:
    """Quotes, line ends and folders are of no use in it."""
    ana = staff("ana", *OPERATOR)
    run = copied(ana)
    with_file(run, name='../a"b\r\nX-Evil: 1.csv')
    answer = signed_in(ana).get(page_of(run, "output"))
    put_away(answer)
    assert "X-Evil" not in answer.headers
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a\\"bX-Evil: 1.csv"'


@pytest.mark.parametrize("page", ["input", "output"])
def test_permission_is_asked_again_at_each_download(page: str) -> None:
    """Who asked for the run still sees it, but not what the file tells of notes."""
    ana = staff("ana", *OPERATOR)
    run = copied(ana)
    with_file(run, page)
    for name in ("view_note", "change_note"):
        ana.user_permissions.remove(Permission.objects.get(codename=name))
    browser = signed_in(ana)
    assert browser.get(page_of(run)).status_code == 200
    answer = browser.get(page_of(run, page))
    assert answer.status_code == 403
    assert "You may no longer view notes, so this file is closed to you." in html.unescape(answer.content.decode())


def test_a_file_about_others_objects_is_closed() -> None:
    """A tenant whose notes are among others' sees the run, and not the file that tells of all of them."""
    world = tenancy.world()
    run = copied_of(world)
    with_file(run)
    address = f"/tenants/console/run/{run.pk}/output/"
    refused = world.browser.get(address)
    assert refused.status_code == 403
    assert "You may not view all the notes of this run" in html.unescape(refused.content.decode())
    allowed = signed_in(world.root).get(address)
    assert allowed.status_code == 200
    put_away(allowed)


def copied_of(world: tenancy.World) -> Any:
    """Return an ended run over a note of Ana's and one that she may not see."""
    with tenancy.failing(world.root, [world.mine, world.theirs]) as run:
        return run


def test_a_deleted_file_is_not_found() -> None:
    """And neither is one of a run that has none."""
    ana = staff("ana", *OPERATOR)
    run = copied(ana)
    browser = signed_in(ana)
    assert browser.get(page_of(run, "output")).status_code == 404
    with_file(run)
    remove(File.objects.all())
    assert browser.get(page_of(run, "output")).status_code == 404
