"""A selection across all pages: rebuilt by the same ModelAdmin for the same person, long after the request."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from console.admin.selection import resolve_changelist
from console.exceptions import ConsoleError
from console.models import Run, Target
from console.testing import perform
from notes.models import Note
from tests.admin.forms import messages_of, only_form, text_of
from tests.admin.running import VIEW, make_notes, operator, signed_in, staff

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.admin.editing")]
LIST = "/admin/notes/note/"


@pytest.fixture
def user() -> User:
    """Somebody who may do everything with notes."""
    return operator()


@pytest.fixture
def client(user: User) -> Client:
    """Their browser."""
    return signed_in(user)


def choose_all(client: Client, operation: str, address: str = LIST) -> Any:
    """Select all pages of the list, as the browser does: one key on the page is posted too."""
    shown = client.get(address).context["cl"].result_list[0]
    return client.post(
        address, {"action": operation, "index": "0", "select_across": "1", "_selected_action": [shown.pk]}
    )


def descriptor(owner: User, **changed: Any) -> dict[str, Any]:
    """Return what is kept of a selected list."""
    kept = {
        "kind": "changelist",
        "site": "admin",
        "model": "notes.Note",
        "query": "",
        "user": owner.pk,
        "greatest": None,
    }
    return {**kept, **changed}


def titles(found: Any) -> set[str]:
    """Return the titles of what was found."""
    return set(found.values_list("title", flat=True))


class TestThePage:
    """“All 1,000 selected”."""

    def test_counts_all_pages_and_posts_one_key(self, client: Client) -> None:
        """Stock drops a post without any."""
        Note.objects.bulk_create(Note(title=f"n{n}", slug=f"n{n}") for n in range(150))
        form = only_form(choose_all(client, "notes.copy"))
        assert form.texts()[0] == "Copy 150 notes"
        assert [name for name, _ in form.fields].count("_selected_action") == 1
        client.post(LIST, form.data())
        assert Target.objects.count() == 150

    def test_keeps_to_the_filter_of_the_list(self, client: Client) -> None:
        """And to its search."""
        make_notes(3)
        Note.objects.create(title="Tea", slug="tea")
        address = f"{LIST}?q=Tea"
        client.post(address, only_form(choose_all(client, "notes.copy", address)).data())
        assert Target.objects.count() == 1

    def test_more_than_were_seen_are_changed_only_when_confirmed(self, client: Client) -> None:
        """Exclusive holds and deletions ask again."""
        make_notes(2)
        form = only_form(choose_all(client, "notes.archive"))
        make_notes(3)
        page = client.post(LIST, form.data())
        assert "You saw 2 notes; 5 match now. Nothing was started. Confirm again." in text_of(page)
        assert not Run.objects.exists()
        client.post(LIST, only_form(page).data())
        assert Target.objects.count() == 5

    def test_more_than_were_seen_are_copied_and_told(self, client: Client) -> None:
        """Others start and say so."""
        make_notes(2)
        form = only_form(choose_all(client, "notes.copy"))
        make_notes(3)
        answer = client.post(LIST, form.data(), follow=True)
        assert "5 notes, 3 more than you saw." in messages_of(answer)

    def test_a_large_one_is_collected_by_the_run(self, client: Client, settings: Any) -> None:
        """The page asks beforehand what to do with held ones; the run rebuilds the list, and takes nothing newer."""
        settings.CONSOLE = {"PREPARE_ABOVE": 2, "PREPARE_BATCH": 2}
        make_notes(5)
        page = choose_all(client, "notes.archive")
        assert "5 notes: the run first collects and locks them." in text_of(page)
        form = only_form(page)
        assert form.value("_held") == "skip"
        client.post(LIST, form.data())
        run = Run.objects.get()
        assert run.preparing
        late = make_notes(1)
        perform(run)
        assert (run.state, run.total) == ("succeeded", 5)
        late[0].refresh_from_db()
        assert late[0].archived_at is None


class TestTheResolver:
    """Of a selection kept as JSON."""

    def test_finds_what_the_list_showed(self, user: User) -> None:
        """With its filter, not what came later."""
        first, second = make_notes(2)
        make_notes(1)
        found = resolve_changelist(Note, descriptor(user, query="q=Note&o=1&p=3", greatest=second.pk))
        assert titles(found) == {first.title, second.title}

    def test_is_the_persons_own(self, user: User) -> None:
        """Objects outside the ModelAdmin's query for this person are not there."""
        Note.objects.create(title="Secret plan", slug="secret")
        (plain,) = make_notes(1)
        boss = User.objects.create_superuser("boss")
        assert titles(resolve_changelist(Note, descriptor(user, site="editing"))) == {plain.title}
        assert titles(resolve_changelist(Note, descriptor(boss, site="editing"))) == {plain.title, "Secret plan"}

    @pytest.mark.parametrize(
        ("changed", "why"),
        [
            ({"site": "gone"}, "no longer there"),
            ({"user": 0}, "no longer there"),
            ({"query": "nonsense=1"}, "its filter is no longer valid"),
        ],
    )
    def test_says_why_it_cannot(self, user: User, changed: dict[str, Any], why: str) -> None:
        """The run fails with these words."""
        with pytest.raises(ConsoleError, match=why):
            resolve_changelist(Note, descriptor(user, **changed))

    def test_asks_the_permission_again(self) -> None:
        """Somebody who may no longer see the list selects nothing from it."""
        user = staff("ana", VIEW)
        kept = descriptor(user)
        assert not resolve_changelist(Note, kept).exists()
        user.user_permissions.remove(Permission.objects.get(codename="view_note"))
        with pytest.raises(ConsoleError, match="may no longer see the list"):
            resolve_changelist(Note, kept)

    def test_somebody_who_was_switched_off_selects_nothing(self) -> None:
        """An account that is not active has no permissions."""
        user = User.objects.create_superuser("ana", is_active=False)
        with pytest.raises(ConsoleError, match="may no longer see the list"):
            resolve_changelist(Note, descriptor(user))
