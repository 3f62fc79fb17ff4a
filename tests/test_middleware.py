"""Whoever meets a held object is told so, whatever view met it: never a server error, and nothing is changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from config.urls import urlpatterns as project
from console.engine.acceptance import start
from console.exceptions import ObjectBusy
from console.models import Run
from console.testing import perform
from notes.models import Note, Tag
from notes.operations import ArchiveNotes
from tests.admin.forms import text_of
from tests.admin.running import VIEW, make_notes, signed_in, staff

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
JSON = {"Accept": "application/json"}


def rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Save a note, as a project's own view would."""
    note = Note.objects.get(pk=pk)
    note.title = "Other"
    note.save()
    return HttpResponse("saved")


def hurry(request: HttpRequest) -> HttpResponse:
    """Meet a row that somebody else keeps locked."""
    raise ObjectBusy("First note")


def stumble(request: HttpRequest) -> HttpResponse:
    """Fail for another reason."""
    raise ValueError("unrelated")


urlpatterns = [
    path("rename/<int:pk>/", rename),
    path("hurry/", hurry),
    path("stumble/", stumble),
    *project,
]


@pytest.fixture
def author() -> User:
    """Somebody who wrote the note."""
    return User.objects.create_user("author")


@pytest.fixture
def run(author: User) -> Run:
    """A pending run that holds a note of theirs, which has a tag."""
    (note,) = make_notes(1)
    Note.objects.update(author=author)
    note.tags.add(Tag.objects.create(name="Tag", slug="tag"))
    return start(ArchiveNotes, objects=[note])


def delete(client: Client, address: str, **more: Any) -> HttpResponse:
    """Confirm Django's own page of deletion."""
    return client.post(f"{address}delete/", {"post": "yes"}, **more)


def test_a_stock_admin_says_that_the_object_is_held(admin_client: Client, author: User, run: Run) -> None:
    """Deleting the author would empty a column of a held note: a page in the admin's frame, with a way on."""
    address = f"/admin/auth/user/{author.pk}/"
    answer = delete(admin_client, address, headers={"Referer": f"http://testserver{address}"})
    assert answer.status_code == 409
    told = text_of(answer)
    assert "locked by Archive" in told
    assert "Log out" in told
    html = answer.content.decode()
    assert f'href="/admin/console/run/{run.pk}/change/"' in html
    assert f'href="http://testserver{address}"' in html
    assert User.objects.filter(pk=author.pk).exists()
    assert Note.objects.get().author == author


def test_the_act_goes_through_when_the_run_has_ended(admin_client: Client, author: User, run: Run) -> None:
    """Nothing else stands in the way."""
    perform(run)
    assert delete(admin_client, f"/admin/auth/user/{author.pk}/").status_code == 302
    assert not User.objects.filter(pk=author.pk).exists()


def test_a_view_of_the_project_says_so_without_the_admins_frame(run: Run) -> None:
    """A visitor reads what was not saved, goes back to the form, and sees no link that is closed to them."""
    (note,) = Note.objects.all()
    answer = Client().post(f"/rename/{note.pk}/?page=2")
    assert answer.status_code == 409
    assert f"Not saved. “Other” is locked by Archive (run {run.pk})." in text_of(answer)
    html = answer.content.decode()
    assert f'href="/rename/{note.pk}/?page=2"' in html
    assert "/admin/" not in html
    assert Note.objects.get().title == note.title


@pytest.mark.parametrize(("permission", "sees"), [(VIEW, True), ("auth.view_user", False)])
def test_only_who_may_see_the_run_is_led_to_it(run: Run, permission: str, sees: bool) -> None:  # noqa: FBT001
    """A link that answers 403 is no way on."""
    answer = signed_in(staff("somebody", permission)).get(f"/rename/{run.targets.get().object_id}/")
    assert (f"/admin/console/run/{run.pk}/change/" in answer.content.decode()) is sees


def test_does_not_lead_to_another_site(run: Run) -> None:
    """The page before is followed only where it is one of this site's."""
    answer = Client().get(f"/rename/{run.targets.get().object_id}/", headers={"Referer": "https://evil.example/"})
    assert "evil" not in answer.content.decode()


def test_a_program_gets_json(run: Run) -> None:
    """With the same sentence, and the run's number."""
    answer = Client().post(f"/rename/{run.targets.get().object_id}/", headers=JSON)
    assert answer.status_code == 409
    assert answer.json()["run"] == run.pk
    assert answer.json()["error"].startswith("Not saved.")


def test_a_busy_row_is_told_too() -> None:
    """No run to name, but the same page and status."""
    assert "being changed by somebody else" in text_of(Client().get("/hurry/"))
    answer = Client().get("/hurry/", headers=JSON)
    assert (answer.status_code, answer.json()["run"]) == (409, None)


def test_leaves_other_errors_alone() -> None:
    """They are the project's."""
    with pytest.raises(ValueError, match="unrelated"):
        Client().get("/stumble/")


def test_deleting_the_tag_of_a_held_note_is_refused_on_the_admins_own_page(admin_client: Client, run: Run) -> None:
    """A model without operations has the mixin for what its objects belong to."""
    answer = delete(admin_client, f"/admin/notes/tag/{Tag.objects.get().pk}/", follow=True)
    assert answer.status_code == 200
    assert f"run {run.pk}" in text_of(answer)
    assert Tag.objects.exists()
