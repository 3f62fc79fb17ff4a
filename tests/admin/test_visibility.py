"""What a tenant's query, or a permission for single objects, hides, no page, file or message of a run tells."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import reverse

from console.admin.sight import sight
from console.engine import control
from console.engine.acceptance import start
from console.models import Run
from console.operations.registry import registered_models
from console.testing import declared, hold, perform
from notes.models import Note, Tag
from tests.admin.forms import text_of
from tests.admin.running import page_of, signed_in, staff
from tests.admin.tenancy import BACKENDS, SECRET, World, failing, tells, words_of, world

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.admin.tenancy")]

PAGES = (
    "{run}/change/",
    "{run}/change/?group={group}",
    "{run}/progress/",
    "{run}/failures.csv",
    "{run}/failures.xlsx",
    "{run}/history/",
    "",
    "?q=check",
    "?state=attention",
    "summary/?runs={run}",
)


@pytest.fixture(params=["tenants", "guarded"])
def site(request: pytest.FixtureRequest, settings: Any) -> str:
    """The name of each site in turn."""
    settings.AUTHENTICATION_BACKENDS = BACKENDS
    return str(request.param)


@pytest.fixture
def people() -> World:
    """Ana, and what is hers and what is not."""
    return world()


def address(site: str, page: str, run: Run) -> str:
    """Return an address under the runs of a site."""
    group = run.failures.values_list("group", flat=True).first() or "none"
    return f"/{site}/console/run/" + page.format(run=run.pk, group=group)


@pytest.mark.parametrize("page", PAGES)
def test_of_a_run_on_both_only_ones_own_is_told(site: str, people: World, page: str) -> None:
    """Names, values, reasons and tracebacks of the other's note are nowhere; the superuser reads them."""
    with failing(people.root, [people.mine, people.theirs]) as run:
        answer = people.browser.get(address(site, page, run), follow=True)
        assert answer.status_code == 200
        assert not tells(answer)
        if page.startswith(("{run}/change/", "{run}/failures")):
            everything = signed_in(people.root).get(address(site, page.partition("?")[0], run))
            assert SECRET in words_of(everything)


@pytest.mark.parametrize("page", ["{run}/change/", "{run}/failures.csv", "{run}/failures.xlsx"])
def test_ones_own_part_is_told_in_full(site: str, people: World, page: str) -> None:
    """Her own note with its reason and values, and that something is left out."""
    with failing(people.root, [people.mine, people.theirs]) as run:
        words = words_of(people.browser.get(address(site, page, run)))
        assert "The slug of Mine is taken." in words
        if "change" in page:
            assert "1 that you may not see is left out." in words


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("{run}")])
def test_a_run_on_nothing_of_ones_own_is_closed(site: str, people: World, page: str) -> None:
    """403 in words, no permission that would help, and nothing told."""
    with failing(people.root, [people.theirs]) as run:
        answer = people.browser.get(address(site, page, run), headers={"accept": "text/html"})
        assert answer.status_code == 403
        assert f"You cannot see run {run.pk}: it works on notes that you may not see." in text_of(answer)
        assert not tells(answer)


def test_such_a_run_is_in_no_list_and_no_count(people: World) -> None:
    """Neither its row, nor its progress, nor the header's numbers."""
    start("notes.archive", by=people.root, objects=[people.theirs])
    browser = people.browser
    assert not browser.get("/tenants/console/run/").context["cl"].result_list
    run = Run.objects.get()
    summary = browser.get(f"/tenants/console/run/summary/?runs={run.pk}").json()
    assert (summary["active"], summary["runs"]) == (0, {})
    assert signed_in(people.root).get("/tenants/console/run/summary/").json()["active"] == 1


@pytest.mark.parametrize("words", [SECRET, f"{SECRET} lost", "note {theirs}"])
def test_a_search_finds_no_run_by_what_is_hidden(site: str, people: World, words: str) -> None:
    """Not by a name, not by a reason, not by the object: or the search would tell whether there is such a one."""
    with failing(people.root, [people.mine, people.theirs]):
        asked = {"q": words.format(theirs=people.theirs.pk)}
        assert not people.browser.get(f"/{site}/console/run/", asked).context["cl"].result_list


def test_a_search_still_finds_ones_own(people: World) -> None:
    """By the object and by the words of its failure."""
    with failing(people.root, [people.mine, people.theirs]):
        for words in (f"note {people.mine.pk}", "of Mine is"):
            assert len(people.browser.get("/tenants/console/run/", {"q": words}).context["cl"].result_list) == 1


def test_who_sees_a_part_of_a_run_cannot_do_all_of_it_again(site: str, people: World) -> None:
    """A retry would change what they may not even see: no button, no verb, nothing started."""
    with failing(people.root, [people.mine, people.theirs]) as run:
        browser = people.browser
        assert browser.get(address(site, "{run}/progress/", run)).json()["verbs"] == []
        assert address(site, "{run}/retry/", run) not in words_of(browser.get(address(site, "{run}/change/", run)))
        answer = browser.post(address(site, "{run}/retry/", run), {"only": "failed"})
        assert answer.status_code == 403
        assert "works on notes that you may not see" in text_of(answer)
        browser.post(
            f"/{site}/console/run/", {"action": "retry_runs", "_selected_action": [run.pk], "_act": "yes"}, follow=True
        )
        assert not Run.objects.filter(retry_of=run).exists()


def test_who_sees_all_of_it_can(site: str, people: World) -> None:
    """Whoever asked, too."""
    with failing(people.ana, [people.mine]) as run:
        assert people.browser.get(address(site, "{run}/progress/", run)).json()["verbs"] == ["retry"]
        people.browser.post(address(site, "{run}/retry/", run), {"only": "failed"})
        assert Run.objects.filter(retry_of=run).exists()


def test_an_object_that_one_may_not_see_cannot_be_left_out(site: str, people: World) -> None:
    """It is not there for them: 404, no name in the question and none in the answer."""
    run = start("notes.archive", by=people.root, objects=[people.mine, people.theirs])
    mine, theirs = (run.targets.get(object_id=str(note.pk)) for note in (people.mine, people.theirs))
    browser = people.browser
    leave_out = address(site, "{run}/withdraw/", run)
    assert browser.get(leave_out, {"target": theirs.pk}).status_code == 404
    assert browser.post(leave_out, {"target": theirs.pk}).status_code == 404
    assert browser.post(leave_out, {"target": mine.pk}).status_code == 302
    assert list(run.targets.filter(withdrawn=True)) == [mine]


def test_who_asked_still_reads_of_what_is_gone(site: str, people: World) -> None:
    """A deleted note belongs to nobody any more: those who asked are told its name, those who see a part are not."""
    for asker, told in ((people.ana, True), (people.root, False)):
        gone = Note.objects.create(title="Gone for good", slug="gone", author=people.ana)
        with failing(asker, [people.mine, gone]) as run:
            Note.all_objects.filter(pk=gone.pk).delete()
            page = words_of(people.browser.get(address(site, "{run}/change/", run)))
            assert ("Gone for good" in page) is told


def test_the_pages_of_an_object_tell_of_no_other(site: str, people: World) -> None:
    """The form, its panel of runs, the delete page and the page of an operation."""
    run = start("notes.archive", by=people.root, objects=[people.mine, people.theirs])
    hidden = Note.objects.create(title=SECRET, slug="z", author=people.root)
    other = start("notes.archive", by=people.root, objects=[hidden])
    browser = people.browser
    for page in ("change", "delete"):
        answer = browser.get(reverse(f"{site}:notes_note_{page}", args=[people.mine.pk]))
        assert f"run {run.pk}" in text_of(answer)
        assert f"run {other.pk}" not in text_of(answer)
        assert not tells(answer)
    operation = browser.get(reverse(f"{site}:notes_note_operation", args=[people.mine.pk, "notes.copy"]))
    assert operation.status_code == 200
    assert not tells(operation)


def test_an_object_that_one_may_not_see_starts_nothing(site: str, people: World) -> None:
    """Its operations are as closed as its form."""
    answer = people.browser.post(
        reverse(f"{site}:notes_note_operation", args=[people.theirs.pk, "notes.archive"]), {"_key": "x"}
    )
    assert answer.status_code in (302, 403)
    assert not tells(answer)
    assert not Run.objects.exists()


def test_a_held_object_that_one_may_not_see_is_protected_without_its_name(site: str, people: World) -> None:
    """Deleting its author would change it: the page says that a note is locked, not which."""
    other = people.theirs.author
    assert other is not None
    with hold(people.theirs) as run:
        answer = people.browser.get(reverse(f"{site}:auth_user_delete", args=[other.pk]))
        held = [line for line in answer.context["protected"] if f"run {run.pk}" in line]
        assert held
        assert not any(SECRET in line for line in held)
        posted = people.browser.post(reverse(f"{site}:auth_user_delete", args=[other.pk]), {"post": "yes"})
        assert not tells(posted)


def test_linked_runs_that_one_may_not_see_are_not_linked(people: World) -> None:
    """A retry of the other part is not named on the page."""
    with failing(people.root, [people.mine, people.theirs]) as run:
        group = run.failures.get(object_id=str(people.theirs.pk)).group
        again = control.retry(run.pk, only="failed", group=group, by=people.root).run
        page = words_of(people.browser.get(address("tenants", "{run}/change/", run)))
        assert f"/run/{again.pk}/" not in page


def test_results_name_only_what_one_may_see(site: str, people: World) -> None:
    """The first results of a run on both."""
    run = start("notes.copy", by=people.root, objects=[people.mine, people.theirs], params={"copies": 1})
    perform(run)
    page = people.browser.get(address(site, "{run}/change/", run))
    assert not tells(page)
    assert SECRET in words_of(signed_in(people.root).get(address(site, "{run}/change/", run)))


def test_parameters_are_told_by_key_where_a_part_is_hidden(people: World) -> None:
    """A chosen tag may be the other tenant's."""
    tag = Tag.objects.create(name=SECRET, slug="tag")
    run = start("notes.retag", by=people.root, objects=[people.mine, people.theirs], params={"add": [tag]})
    assert not tells(people.browser.get(address("tenants", "{run}/change/", run)))
    assert SECRET in words_of(signed_in(people.root).get(address("tenants", "{run}/change/", run)))


def test_the_queries_do_not_grow_with_the_rows(people: World, django_assert_max_num_queries: Any) -> None:
    """What is hidden is asked once a page."""
    notes = [Note.objects.create(title=f"Mine {n}", slug=f"mine-{n}", author=people.ana) for n in range(20)]
    for note in notes:
        start("notes.archive", by=people.root, objects=[note])
    browser = people.browser
    with django_assert_max_num_queries(20):
        assert len(browser.get("/tenants/notes/note/").context["cl"].result_list) == 21
    with django_assert_max_num_queries(16):
        assert len(browser.get("/tenants/console/run/").context["cl"].result_list) == 20


def test_without_such_rules_nothing_is_asked_of_objects() -> None:
    """On a plain site a run is open to whoever may view its model, and shut with the permission's name to others."""
    with declared(Note, label="Check") as operation:
        run = start(operation, objects=[Note.objects.create(title="A", slug="a")])
    answer = signed_in(staff("stranger", "console.view_run")).get(page_of(run))
    assert answer.status_code == 403
    assert (
        f"You cannot see run {run.pk}: it works on notes, and you lack the permission “Can view note”. "
        "Ask an administrator." in text_of(answer)
    )


@pytest.mark.parametrize("operation", ["notes.archive", "notes.trash", "notes.copy"])
@pytest.mark.parametrize("across", ["0", "1"])
def test_an_operation_works_on_no_object_that_is_closed(
    people: World, settings: Any, operation: str, across: str
) -> None:
    """Where permission is given object by object: the page says for which it is lacking, and starts nothing."""
    settings.AUTHENTICATION_BACKENDS = BACKENDS
    asked = {
        "action": operation,
        "_selected_action": [people.mine.pk, people.theirs.pk],
        "select_across": across,
        "_key": "x",
        "copies": 1,
    }
    answer = people.browser.post("/guarded/notes/note/", asked)
    assert answer.status_code == 403
    told = f"You lack the permission for 1 of the 2 notes: note {people.theirs.pk}."
    assert f"Nothing was started. {told}" in text_of(answer)
    assert not tells(answer)
    assert not Run.objects.exists()


def test_on_ones_own_it_works(people: World, settings: Any) -> None:
    """Also while another run reads it: what is locked is told in its own words."""
    settings.AUTHENTICATION_BACKENDS = BACKENDS
    start("notes.copy", objects=[people.mine], params={"copies": 1})
    address = reverse("guarded:notes_note_operation", args=[people.mine.pk, "notes.archive"])
    assert "locked by another run" in text_of(people.browser.get(address))


def test_what_one_may_see_but_not_change_is_not_done_again(people: World, settings: Any) -> None:
    """A retry asks for each object what a start asks."""
    settings.AUTHENTICATION_BACKENDS = BACKENDS
    run = start("notes.archive", by=people.ana, objects=[people.mine])
    control.cancel(run.pk)
    Note.objects.filter(pk=people.mine.pk).update(author=people.root)
    answer = people.browser.post(f"/guarded/console/run/{run.pk}/retry/")
    assert answer.status_code == 403
    assert not Run.objects.filter(retry_of=run).exists()


def test_of_models_that_no_run_works_on_nobody_asks(people: World) -> None:
    """A page's header asks only the ModelAdmins of models that have operations, or had: a site may have hundreds."""
    asked: set[type[Model]] = set()

    class Asked(ModelAdmin):
        def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
            asked.add(self.model)
            return super().has_view_permission(request, obj)

        def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
            asked.add(self.model)
            return super().get_queryset(request).filter(pk__gt=0)

    site = AdminSite()
    site.register([model for model in apps.get_models() if model._meta.pk.column], Asked)
    with declared(User, label="Greet") as greet:
        run = perform(start(greet, objects=[people.ana]))
    request = RequestFactory().get("/")
    request.user = people.root
    assert run in sight(request, site).runs()
    assert {Note, User} <= asked <= {*registered_models(), User}
