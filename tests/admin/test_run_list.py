"""The list of runs."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin import AdminSite
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from console.admin.runs import RunAdmin
from console.engine import control
from console.engine.acceptance import start
from console.models import Run
from console.reports import paging
from notes.models import Note
from tests.admin.running import (
    OPERATOR,
    VIEW,
    copied,
    copying,
    failing,
    operator,
    page_of,
    signed_in,
    staff,
    waiting,
)

pytestmark = pytest.mark.django_db(transaction=True)

LIST = reverse("admin:console_run_changelist")


def listed(answer: Any) -> list[int]:
    """Return the runs that a list shows."""
    return [run.pk for run in answer.context["cl"].result_list]


def test_shows_the_newest_first_with_chip_link_progress_and_person() -> None:
    """A row answers what, how far, and who, and leads to the run's page."""
    user = operator()
    first, second = copied(user), copying(user)
    answer = signed_in(user).get(LIST)
    html = answer.content.decode()
    assert listed(answer) == [second.pk, first.pk]
    assert f'<a href="{page_of(first)}">{first.pk} Copy</a>' in html
    assert "3 notes, 2 copies each" in html
    assert "6 of 6" in html
    assert "Ana Lima" in html
    assert 'data-state="succeeded"' in html


def test_costs_the_same_queries_whatever_its_length() -> None:
    """Ten runs in a list cost as many queries as two."""
    user = operator()
    client = signed_in(user)
    copying(user)
    copied(user)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(LIST)
        return len(captured)

    queries()
    few = queries()
    for _number in range(8):
        copying(user)
    assert queries() == few


def test_shows_each_person_only_the_runs_of_models_they_may_view() -> None:
    """Runs on notes need the right to view notes; runs without a model need “Can view run”; one's own are always there."""
    on_notes = copying()
    without_model = start("notes.statistics")
    assert listed(signed_in(staff("viewer", VIEW)).get(LIST)) == [on_notes.pk]
    assert listed(signed_in(staff("watcher", "console.view_run")).get(LIST)) == [without_model.pk]
    assert set(listed(signed_in(staff("both", VIEW, "console.view_run")).get(LIST))) == {on_notes.pk, without_model.pk}
    asker = staff("asker", "notes.add_note", "console.view_run")
    assert copying(asker).pk in listed(signed_in(asker).get(LIST))
    refusal = signed_in(staff("nobody")).get(LIST)
    assert refusal.status_code == 403
    assert "console.view_run" in refusal.content.decode()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=attention", {"failed"}),
        ("state=active", {"queued", "waiting"}),
        ("state=waiting", {"waiting"}),
        ("state=nonsense", {"queued", "waiting", "failed", "dry", "code"}),
        ("operation=notes.copy", {"queued", "dry", "code"}),
        ("who=me", {"queued", "waiting", "failed", "dry"}),
        ("who=people", {"queued", "waiting", "failed", "dry"}),
        ("when=hour", {"queued", "waiting", "failed", "dry", "code"}),
        ("dry=only", {"dry"}),
        ("dry=none", {"queued", "waiting", "failed", "code"}),
        ("model=notes.note", {"queued", "waiting", "failed", "dry", "code"}),
        ("model=notes.tag", set()),
    ],
)
def test_filters(query: str, expected: set[str]) -> None:
    """Each filter leaves the runs that it names."""
    user = operator()
    with waiting(user) as backing_off, failing(user) as failed:
        runs = {
            "queued": copying(user),
            "waiting": backing_off,
            "failed": failed,
            "dry": copied(user, dry_run=True),
            "code": copied(),
        }
        found = listed(signed_in(user).get(f"{LIST}?{query}"))
    assert {name for name, run in runs.items() if run.pk in found} == expected


def test_finds_runs_by_number_object_person_and_words_of_a_failure() -> None:
    """One box searches what people remember of a run."""
    user = operator()
    other = staff("bob", *OPERATOR)
    client = signed_in(user)
    with failing(user) as failed:
        copies = copying(other)
        note = copies.targets.first().object_id

        def found(words: str) -> list[int]:
            return listed(client.get(LIST, {"q": words}))

        assert found(str(failed.pk)) == [failed.pk]
        assert found("slug taken") == [failed.pk]
        assert found("bob") == [copies.pk]
        assert found(f"note {note}") == [copies.pk]
        assert found(Note.all_objects.get(pk=note).title) == [copies.pk]
        assert found(str(note)) != [copies.pk], "a bare number is a run's"
        assert found("nothing of the sort") == []


def test_stops_counting_at_ten_thousand(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long list says “more than”, and still has older pages."""
    monkeypatch.setattr(paging, "LIMIT", 3)
    monkeypatch.setattr(RunAdmin, "list_per_page", 2)
    user = operator()
    runs = [copying(user, count=1) for _number in range(6)]
    client = signed_in(user)
    first = client.get(LIST)
    assert "1–2 of more than" in first.content.decode()
    assert listed(first) == [runs[5].pk, runs[4].pk]
    assert listed(client.get(LIST, {"p": 3})) == [runs[1].pk, runs[0].pk]
    assert listed(client.get(LIST, {"p": 9})) == []


def test_says_what_to_do_while_there_are_no_runs() -> None:
    """An empty list tells how a run begins, an empty search how to leave it."""
    client = signed_in(operator())
    html = client.get(LIST).content.decode()
    assert "No runs yet. Select objects in any list, then choose an operation from “Action”." in html
    assert reverse("admin:notes_note_changelist") in html
    assert "No run matches." in client.get(LIST, {"q": "nothing"}).content.decode()


def test_offers_no_way_to_add_or_change_in_the_list() -> None:
    """Runs begin elsewhere."""
    user = operator()
    copying(user)
    html = signed_in(user).get(LIST).content.decode()
    assert "/add/" not in html.split('id="content-main"')[1]


def test_counts_in_the_header_of_every_page() -> None:
    """The indicator stands once on each page, with links to what runs and what failed."""
    user = operator()
    copying(user)
    with failing(user):
        pass
    for address in (reverse("admin:index"), LIST, reverse("admin:notes_note_changelist")):
        html = signed_in(user).get(address).content.decode()
        assert html.count("data-console-indicator") == 1, address
        assert html.count("console/console.js") == 1, address
        assert 'aria-label="Console: 1 run running, 1 needs attention"' in html
    assert "data-console-indicator" not in signed_in(user).get(f"{LIST}?_popup=1").content.decode()


def test_works_on_any_admin_site() -> None:
    """A project may register runs on a site of its own."""
    site = AdminSite("backstage")
    site.register(Run, RunAdmin)
    names = {pattern.name for pattern in site._registry[Run].get_urls()}
    assert {"console_run_changelist", "console_run_change", "console_run_progress", "console_run_cancel"} <= names


def test_hides_the_menu_entry_from_staff_without_any_permission_of_the_console() -> None:
    """The menu lists runs for those who have something to do with them."""
    request = RequestFactory().get("/")
    request.user = staff("viewer", VIEW)
    admin = AdminSite("backstage")
    admin.register(Run, RunAdmin)
    assert not admin._registry[Run].has_module_permission(request)
    request.user = operator()
    assert admin._registry[Run].has_module_permission(request)


def test_leaves_retried_failures_in_peace() -> None:
    """A failure that somebody has retried needs nobody any more."""
    user = operator()
    with failing(user) as run:
        control.retry(run.pk, by=user)
        assert run.pk not in listed(signed_in(user).get(f"{LIST}?state=attention"))


def test_counts_the_runs_that_came_after_an_open_page() -> None:
    """A page that asks by its newest run reads how many of this very list came since; any other reads nothing of it."""
    user = operator()
    client = signed_in(user)
    first = copied(user)
    assert f'data-newest="{first.pk}"' in client.get(LIST).content.decode()
    copying(user)
    copying(user)
    newer = {"x-console-newest": str(first.pk)}
    assert "2 new runs." in client.get(LIST, headers=newer).content.decode()
    assert "new run" not in client.get(f"{LIST}?state=succeeded", headers=newer).content.decode()
    assert "new run" not in client.get(LIST).content.decode()
    assert "new run" not in client.get(LIST, headers={"x-console-newest": "x"}).content.decode()
