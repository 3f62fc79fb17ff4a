"""What may be started from the list of runs, and the page that starts an operation without objects."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User

from console.models import Run
from console.operations import ExternalOperation
from console.testing import declared, perform
from notes.models import AuthorStatistics
from tests.admin.forms import messages_of, only_form, text_of
from tests.admin.running import OPERATOR, VIEW, make_notes, operator, signed_in, staff

pytestmark = pytest.mark.django_db
RUNS = "/admin/console/run/"
STATISTICS = f"{RUNS}start/notes.statistics/"
COUNTS = "notes.change_authorstatistics"


@pytest.fixture
def counter() -> User:
    """Somebody who may do everything with notes and runs, and count."""
    return staff("counter", *OPERATOR, COUNTS)


def links(user: User) -> list[tuple[str, str]]:
    """Return the operations that the page offers, as (text, address)."""
    return [(start.text, start.address) for start in signed_in(user).get(f"{RUNS}start/").context["starts"]]


def test_the_list_of_runs_leads_to_what_one_may_start(counter: User) -> None:
    """Operations on objects to their list, others to a page of their own."""
    assert f'<a href="{RUNS}start/">Start…</a>' in signed_in(counter).get(RUNS).content.decode()
    offered = links(counter)
    assert ("Copy selected notes…", "/admin/notes/note/") in offered
    assert ("Refresh author statistics…", STATISTICS) in offered


def test_only_what_is_permitted_is_offered() -> None:
    """What a person may not start is absent; so is the button where that is everything."""
    assert STATISTICS not in dict(map(reversed, links(operator())))  # type: ignore[arg-type]
    assert [text for text, _address in links(staff("viewer", VIEW))] == ["Export selected notes…"]
    auditor = staff("auditor", "console.view_run")
    assert links(auditor) == []
    assert "Start…" not in signed_in(auditor).get(RUNS).content.decode()
    assert "no operation that you may start" in text_of(signed_in(auditor).get(f"{RUNS}start/"))


def test_who_may_not_see_the_list_is_not_sent_there() -> None:
    """A link that answers 403 is no offer."""
    assert links(staff("blind", "notes.add_note", "console.view_run")) == []


def test_the_page_says_what_will_happen_and_starts_it(counter: User) -> None:
    """It has the same words and fields as that for objects, but names none; the run's page follows."""
    make_notes(2)
    client = signed_in(counter)
    page = client.get(STATISTICS)
    assert "Count the notes of each author" in text_of(page)
    form = only_form(page)
    assert form.texts() == ["Refresh author statistics", "Dry run first"]
    assert "_selected_action" not in dict(form.fields)
    assert not Run.objects.exists()
    answer = client.post(STATISTICS, form.data("Refresh author statistics"), follow=True)
    run = Run.objects.get()
    assert answer.redirect_chain == [(f"{RUNS}{run.pk}/change/", 302)]
    assert (run.operation, run.asked_by, run.source) == ("notes.statistics", counter, "admin")
    assert perform(run).state == "succeeded"


def test_one_page_is_one_run(counter: User) -> None:
    """Two clicks lead to the same run; a dry run first, then the act, are two."""
    client = signed_in(counter)
    form = only_form(client.get(STATISTICS))
    client.post(STATISTICS, form.data())
    again = client.post(STATISTICS, form.data(), follow=True)
    assert "You already started this: here it is." in messages_of(again)
    client.post(STATISTICS, form.data("Dry run first"))
    assert sorted(Run.objects.values_list("dry_run", flat=True)) == [False, True]
    perform(Run.objects.get(dry_run=True))
    assert not AuthorStatistics.objects.exists()


def test_who_may_not_is_told_so() -> None:
    """403 with the permission, on GET and on POST; nothing starts."""
    client = signed_in(operator())
    for answer in (client.get(STATISTICS), client.post(STATISTICS, {"_key": "x"})):
        assert answer.status_code == 403
        assert COUNTS in text_of(answer)
    assert not Run.objects.exists()


def test_a_forged_page_starts_nothing(counter: User) -> None:
    """The page comes back with a key of its own."""
    client = signed_in(counter)
    page = client.post(STATISTICS, {"_key": "forged"})
    assert "Nothing was started." in text_of(page)
    client.post(STATISTICS, only_form(page).data())
    assert Run.objects.count() == 1


def test_other_operations_are_led_to_where_they_begin(counter: User) -> None:
    """Those on objects to their list, an unknown one back to the runs."""
    client = signed_in(counter)
    assert client.get(f"{RUNS}start/notes.copy/").headers["Location"] == "/admin/notes/note/"
    answer = client.get(f"{RUNS}start/notes.nothing/", follow=True)
    assert answer.redirect_chain == [(RUNS, 302)]
    assert "“notes.nothing” is not known here" in messages_of(answer)[0]
    assert client.put(STATISTICS).status_code == 405


class Limit(forms.Form):
    """One parameter."""

    limit = forms.IntegerField(max_value=10)


def test_parameters_are_asked_for_and_a_wrong_one_comes_back(admin_client: Any) -> None:
    """With its own error, what was typed, and nothing started; the address may suggest values."""
    with declared(None, form=Limit, label="Clean up") as operation:
        address = f"{RUNS}start/{operation.name}/"
        assert only_form(admin_client.get(address, {"limit": "7"})).value("limit") == "7"
        page = admin_client.post(address, only_form(admin_client.get(address)).data(limit="11"))
        assert "Nothing was started. Please correct the error below." in text_of(page)
        assert "less than or equal to 10" in text_of(page)
        assert only_form(page).value("limit") == "11"
        assert not Run.objects.exists()
        admin_client.post(address, only_form(page).data(limit="9"))
        assert Run.objects.get().params == {"limit": "9"}


def test_what_cannot_be_tried_dry_offers_no_dry_run(admin_client: Any) -> None:
    """And says that it is so."""
    with declared(None, base=ExternalOperation) as operation:
        page = admin_client.get(f"{RUNS}start/{operation.name}/")
        assert "What was sent cannot be taken back." in text_of(page)
        assert len(only_form(page).buttons) == 1
