"""Every page for models of other shapes: keys that are UUIDs or texts, inherited models, proxies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import resolve

from console.admin.links import list_url, object_url, operation_url
from console.models import Run, Target
from console.operations import Hold
from console.testing import declared, hold, perform
from tests.admin.editing import site
from tests.admin.forms import forms, only_form, text_of
from tests.admin.running import signed_in
from tests.testapp.models import Article, NiceArticle, Restaurant, Token, Word

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.admin.editing")]
Make = Callable[[], Model]

MODELS: list[Make] = [
    lambda: Token.objects.create(name="One"),
    lambda: Word.objects.create(word='a/b_c"?&%3A ü'),
    lambda: Restaurant.objects.create(name="Chez nous"),
    lambda: NiceArticle.objects.create(title="One", slug="one"),
]


@pytest.fixture(params=MODELS, ids=["uuid", "text", "inherited", "proxy"])
def obj(request: pytest.FixtureRequest) -> Model:
    """An object of each shape."""
    make: Make = request.param
    return make()


@pytest.fixture
def client() -> Client:
    """The browser of a superuser."""
    return signed_in(User.objects.create_superuser("ana"))


def test_is_chosen_on_the_list_and_held(client: Client, obj: Model) -> None:
    """From the list's action to the lock."""
    with declared(type(obj), label="Mark") as operation:
        address = list_url(site, type(obj))
        page = client.post(address, {"action": operation.name, "index": "0", "_selected_action": str(obj.pk)})
        assert only_form(page).texts()[0] == f"Mark 1 {obj._meta.verbose_name}"
        client.post(address, only_form(page).data())
        run = Run.objects.get()
        assert run.total == 1
        for query, there in (("", True), ("?pending_work=locked", True), ("?pending_work=none", False)):
            words = text_of(client.get(f"{address}{query}"))
            assert ("Mark, 0 %" in words) == there
        assert perform(run).done == 1


def test_is_started_at_its_own_address(client: Client, obj: Model) -> None:
    """Whatever characters its key has."""
    with declared(type(obj), label="Mark") as operation:
        address = operation_url(site, obj, operation.name)
        client.post(address, only_form(client.get(address)).data())
        assert Target.objects.count() == 1


def test_is_chosen_with_all_pages(client: Client, obj: Model) -> None:
    """Keys that do not count up have no greatest."""
    with declared(type(obj), label="Mark") as operation:
        address = list_url(site, type(obj))
        posted = {"action": operation.name, "index": "0", "select_across": "1", "_selected_action": str(obj.pk)}
        client.post(address, only_form(client.post(address, posted)).data())
        assert perform(Run.objects.get()).done == 1


def test_held_it_is_read_only_and_stays(client: Client, obj: Model) -> None:
    """The form, the delete page, delete-selected."""
    with hold(obj, Hold.EXCLUSIVE):
        change, delete = object_url(site, obj), object_url(site, obj, "delete")
        assert "is locked by" in text_of(client.get(change))
        assert not any(button.name == "_save" for form in forms(client.get(change)) for button in form.buttons)
        assert "cannot be deleted yet" in text_of(client.post(delete, {"post": "yes"}))
        posted = {"action": "delete_selected", "_selected_action": str(obj.pk), "post": "yes"}
        assert "is locked" in text_of(client.post(list_url(site, type(obj)), posted))
        assert type(obj)._base_manager.filter(pk=obj.pk).exists()


def test_an_old_form_of_it_is_stopped(client: Client, obj: Model) -> None:
    """After an exclusive run."""
    with declared(type(obj), label="Mark"):  # an operation it has, so that its form carries a mark
        address = object_url(site, obj)
        opened: Any = next(form for form in forms(client.get(address)) if form.id.endswith("_form"))
        with hold(obj, Hold.EXCLUSIVE, label="Mark") as run:
            perform(run)
        assert "changed this" in text_of(client.post(address, opened.data(_save="Save")))


def test_the_delete_page_finds_its_object_by_the_field_that_a_popup_asks_for(client: Client) -> None:
    """Not another one whose key reads the same."""
    held = Article.objects.create(title="Held", slug="held")
    other = Article.objects.create(title="Other", slug=str(held.pk))
    asked = {"_to_field": "slug", "post": "yes"}
    with hold(held):
        client.post(f"/editing/testapp/article/{other.slug}/delete/", asked)
        page = client.post("/editing/testapp/article/held/delete/", asked)
        assert "cannot be deleted yet" in text_of(page)
    assert list(Article.objects.all()) == [held]


def test_the_delete_page_opens_its_transactions_itself(obj: Model) -> None:
    """A site that wraps every request in a transaction must not wrap this one: cancel commits first."""
    assert "default" in resolve(object_url(site, obj, "delete")).func._non_atomic_requests
