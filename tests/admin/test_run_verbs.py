"""The verbs of a run: GET asks and changes nothing, POST acts once, too late is said."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from console.engine import control, wakeups
from console.engine.acceptance import start
from console.models import Event, Failure, Run
from console.states import ENDED, State, Verb
from console.testing import hold, perform
from notes.models import Note
from tests.admin.forms import only_form, text_of
from tests.admin.running import (
    OPERATOR,
    VIEW,
    copied,
    copying,
    failing,
    make_notes,
    meanwhile,
    operator,
    page_of,
    signed_in,
    staff,
    waiting,
)
from tests.world import ListBroker

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"accept": "application/json"}


def state_of(run: Run) -> str:
    """Return the state that the database has."""
    return Run.objects.values_list("state", flat=True).get(pk=run.pk)


def told(answer: Any) -> str:
    """Return the messages that an answer left for the next page."""
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


@pytest.mark.parametrize("verb", [Verb.CANCEL, Verb.PAUSE])
def test_asks_before_it_acts(verb: Verb) -> None:
    """GET is a page with one form that posts back to its own address; nothing has happened yet."""
    user = operator()
    run = copying(user)
    answer = signed_in(user).get(page_of(run, verb))
    html = answer.content.decode()
    assert answer.status_code == 200
    assert f'<form class="console-ask" method="post" action="{page_of(run, verb)}">' in html
    assert 'name="reason"' in html
    assert state_of(run) == State.QUEUED


def test_cancels_with_the_reason_in_the_history() -> None:
    """The run ends, its event and its log entry name who and why, and the page says so."""
    user = operator()
    run = copying(user)
    answer = signed_in(user).post(page_of(run, "cancel"), {"reason": "wrong tag"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == page_of(run)
    assert state_of(run) == State.CANCELLED
    event = Event.objects.get(run=run, what="cancel")
    assert (event.by, event.reason) == (user, "wrong tag")
    entry = LogEntry.objects.get(object_id=str(run.pk))
    assert entry.user == user
    assert "wrong tag" in entry.get_change_message()
    html = signed_in(user).get(page_of(run)).content.decode()
    assert "Cancelled by Ana Lima" in html
    assert "“wrong tag”" in html


def test_pauses_and_resumes() -> None:
    """A paused run keeps its place; resumed, it does its work."""
    user = operator()
    run = copying(user)
    client = signed_in(user)
    client.post(page_of(run, "pause"))
    assert state_of(run) == State.PAUSED
    client.post(page_of(run, "resume"))
    assert perform(run).state == State.SUCCEEDED


def test_retries_a_waiting_run_now() -> None:
    """Resume on a waiting run is “Retry now”: the page acts at once, without a question."""
    user = operator()
    with waiting(user) as run:
        html = signed_in(user).get(page_of(run)).content.decode()
        assert "Retry now" in html
        signed_in(user).post(page_of(run, "resume"))
        assert state_of(run) == State.QUEUED


def test_stops_a_working_run_at_its_next_checkpoint() -> None:
    """While a worker is at it, cancel is a request that the worker obeys."""
    user = operator()

    def cancel(run: Run) -> tuple[int, str]:
        return signed_in(user).post(page_of(run, "cancel")).status_code, state_of(run)

    assert meanwhile(cancel, user) == (302, State.CANCELLING)


@pytest.mark.parametrize("only", [Run.Only.UNDONE, Run.Only.FAILED])
def test_retries_what_failed_as_a_new_run(only: str) -> None:
    """Retry leads to a new run, linked to the old one, of just the failed items."""
    user = operator()
    with failing(user, bad=(0, 2), count=5) as run:
        answer = signed_in(user).post(page_of(run, "retry"), {"only": only})
        retry = Run.objects.get(retry_of=run)
        assert answer.headers["Location"] == page_of(retry)
    assert retry.total == 2
    assert state_of(run) == State.SUCCEEDED


def test_retries_one_reason_alone() -> None:
    """“Retry these 2…” asks with the group's own words, and takes up that group."""
    user = operator()
    with failing(user, bad=(0, 2), count=5) as run:
        group = run.failures.first().group
        page = signed_in(user).get(page_of(run, "retry"), {"group": group}).content.decode()
        assert "Retry the 2 items that failed for this reason?" in page
        signed_in(user).post(page_of(run, "retry"), {"group": group})
        assert Run.objects.get(retry_of=run).group == group


def test_leads_a_second_retry_to_the_first() -> None:
    """Two clicks are one run."""
    user = operator()
    with failing(user) as run:
        places = {signed_in(user).post(page_of(run, "retry")).headers["Location"] for _click in range(2)}
    assert len(places) == 1
    assert Run.objects.filter(retry_of=run).count() == 1


def test_refuses_a_scope_that_does_not_exist() -> None:
    """A made-up scope starts nothing, and the page says so."""
    user = operator()
    with failing(user) as run:
        answer = signed_in(user).post(page_of(run, "retry"), {"only": "some"})
    assert "Nothing was started." in told(answer)
    assert not Run.objects.filter(retry_of=run).exists()


def test_makes_the_real_run_of_a_dry_run() -> None:
    """“Do it now” leads to a real run, linked to its preview."""
    user = operator()
    preview = copied(user, dry_run=True)
    page = signed_in(user).get(page_of(preview, "start")).content.decode()
    assert "Do it now: copy 3 notes, 2 copies each" in page
    answer = signed_in(user).post(page_of(preview, "start"))
    run = Run.objects.get(preview_of=preview)
    assert answer.headers["Location"] == page_of(run)
    assert not run.dry_run


def test_leaves_one_object_out() -> None:
    """Withdraw frees one object, which the page names, and the run goes on without it."""
    user = operator()
    run = copying(user)
    target = run.targets.order_by("pk").last()
    page = signed_in(user).get(page_of(run, "withdraw"), {"target": target.pk}).content.decode()
    assert "out of run" in page
    answer = signed_in(user).post(page_of(run, "withdraw"), {"target": target.pk, "reason": "still writing it"})
    assert "is left out of run" in told(answer)
    assert perform(run).skipped == 2
    assert run.done == 4


@pytest.mark.parametrize("key", ["", "none", "9" * 30, "0"])
def test_knows_no_such_target(key: str) -> None:
    """A withdrawal without one of the run's own targets is 404."""
    user = operator()
    run = copying(user)
    assert signed_in(user).post(page_of(run, "withdraw"), {"target": key}).status_code == 404


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("verb", list(Verb))
def test_says_when_it_is_too_late(verb: Verb, method: str) -> None:
    """A verb that is not lawful any more leads to the run's page with a warning that says why."""
    user = operator()
    run = copied(user)
    if verb == Verb.RETRY:
        run = copying(user)  # a run that has not ended cannot be retried
    before = state_of(run)
    data = {"target": run.targets.first().pk} if verb == Verb.WITHDRAW else {}
    answer = getattr(signed_in(user), method)(page_of(run, verb), data)
    assert answer.status_code == 302
    assert answer.headers["Location"] == page_of(run)
    assert f"Run {run.pk}" in told(answer)
    assert state_of(run) == before


def test_answers_programs_with_409_when_it_is_too_late() -> None:
    """A program gets the reason as JSON, not a redirect."""
    user = operator()
    run = copied(user)
    answer = signed_in(user).post(page_of(run, "cancel"), headers=JSON)
    assert answer.status_code == 409
    assert f"Run {run.pk} had already ended" in answer.json()["error"]


def test_answers_programs_with_the_progress_after_the_act() -> None:
    """A program that cancels reads at once how the run stands."""
    user = operator()
    run = copying(user)
    answer = signed_in(user).post(page_of(run, "cancel"), headers=JSON)
    assert answer.status_code == 200
    assert answer.json()["state"] == State.CANCELLED


def test_names_the_permission_that_a_verb_needs() -> None:
    """Who may look but not act gets a 403 that names what is missing; the run goes on."""
    run = copying()
    client = signed_in(staff("viewer", VIEW))
    for answer in (client.get(page_of(run, "cancel")), client.post(page_of(run, "cancel"))):
        assert answer.status_code == 403
        assert "To cancel this run you need “Can cancel run”. The run goes on." in answer.content.decode()
    refusal = client.post(page_of(run, "pause"), headers=JSON)
    assert (refusal.status_code, refusal.json()["permission"]) == (403, "console.pause_run")
    assert state_of(run) == State.QUEUED


def test_hides_the_verbs_of_runs_that_one_may_not_see() -> None:
    """Who may not see a run cannot ask anything of it."""
    run = copying()
    client = signed_in(staff("stranger", "console.cancel_run"))
    assert client.post(page_of(run, "cancel")).status_code == 403
    assert state_of(run) == State.QUEUED


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_answers_other_methods_with_405(method: str) -> None:
    """A verb knows GET and POST."""
    user = operator()
    run = copying(user)
    assert getattr(signed_in(user), method)(page_of(run, "cancel")).status_code == 405


def test_reserves_undo() -> None:
    """Undo is not built: 404, and no button."""
    user = operator()
    run = copied(user)
    client = signed_in(user)
    assert client.get(f"/admin/console/run/{run.pk}/undo/").status_code == 404
    assert client.post(f"/admin/console/run/{run.pk}/undo/").status_code == 404
    assert "undo" not in client.get(page_of(run)).content.decode().lower()


def test_asks_strangers_to_sign_in() -> None:
    """Without a session a verb does nothing."""
    run = copying()
    assert Client().post(page_of(run, "cancel")).status_code == 302
    assert state_of(run) == State.QUEUED


def test_needs_the_token_of_its_form() -> None:
    """A form of another site cannot act."""
    user = operator()
    run = copying(user)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.post(page_of(run, "cancel")).status_code == 403
    assert state_of(run) == State.QUEUED


def test_tells_of_a_conflict_instead_of_starting() -> None:
    """A retry whose objects another run holds starts nothing, and names that run."""
    user = operator()
    notes = make_notes(2)
    run = start("notes.archive", by=user, objects=notes)
    control.cancel(run.pk, by=user)
    holder = start("notes.archive", by=user, objects=notes)
    answer = signed_in(user).post(page_of(run, "retry"), headers=JSON)
    assert answer.status_code == 409
    assert f"run {holder.pk}" in answer.json()["error"]
    assert not Run.objects.filter(retry_of=run).exists()
    assert State(state_of(run)) in ENDED


def test_a_retry_that_meets_holds_comes_back_with_the_way_round_them() -> None:
    """The form keeps what was typed and chosen, and starts the rest when it is sent again."""
    user = operator()
    with failing(user, bad=(0, 1), count=3) as run:
        first = Note.objects.get(pk=run.failures.order_by("pk").values_list("object_id", flat=True)[0])
        holder = start("notes.archive", by=user, objects=[first])
        client = signed_in(user)
        answer = client.post(page_of(run, "retry"), {"only": "failed", "reason": "slugs are mended"})
        assert answer.status_code == 409
        assert f"run {holder.pk}" in text_of(answer)
        form = only_form(answer)
        assert {**dict(form.fields), "csrfmiddlewaretoken": ""} == {
            "csrfmiddlewaretoken": "",
            "only": "failed",
            "_held": "skip",
            "reason": "slugs are mended",
        }
        assert not Run.objects.filter(retry_of=run).exists()
        assert client.post(page_of(run, "retry"), form.data()).status_code == 302
        again = Run.objects.get(retry_of=run)
        assert (again.targets.count(), again.failures.get().object_id) == (1, str(first.pk))


def test_offers_to_leave_held_objects_out_only_where_some_are() -> None:
    """A choice that changes nothing is not asked for."""
    user = operator()
    notes = make_notes(2)
    run = start("notes.archive", by=user, objects=notes)
    control.cancel(run.pk, by=user)
    offer = "Leave out what other runs hold now"
    assert offer not in signed_in(user).get(page_of(run, "retry")).content.decode()
    start("notes.archive", by=user, objects=notes[:1])
    page = signed_in(user).get(page_of(run, "retry"))
    assert offer in page.content.decode()
    assert "1 note of this run is locked by another run" in text_of(page)
    assert [row.text for row in page.context["held_rows"]] == [str(notes[0])]
    assert "console-dialog-retry" not in signed_in(user).get(page_of(run)).content.decode()


def test_a_large_retry_asks_beforehand_and_collects_its_objects_itself(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can be asked when the run meets a held object: the form asks, and the answer says what comes first."""
    monkeypatch.setattr(wakeups, "send", ListBroker().send)
    user = operator()
    notes = make_notes(5)
    run = start("notes.archive", by=user, objects=notes)
    control.cancel(run.pk, by=user)
    start("notes.archive", by=user, objects=notes[:1])
    client = signed_in(user)
    assert "If some turn out to be locked:" not in text_of(client.get(page_of(run, "retry")))
    settings.CONSOLE = {**settings.CONSOLE, "PREPARE_ABOVE": 4, "PREPARE_BATCH": 2}
    page = client.get(page_of(run, "retry"))
    assert "Notes: the run first collects and locks them. Until then others can still change them." in text_of(page)
    assert "If some turn out to be locked:" in text_of(page)
    form = only_form(page)
    assert form.value("_held") == "skip"
    answer = client.post(page_of(run, "retry"), form.data())
    again = Run.objects.get(retry_of=run)
    assert told(answer) == f"Run {again.pk} accepted: Archive. It first collects what it works on from run {run.pk}."
    assert (again.preparing, again.targets.count()) == (True, 0)
    assert (perform(again).done, again.skipped, again.total) == (4, 1, 5)


def test_offers_no_retry_of_what_another_has_taken_up() -> None:
    """The button goes with the retry that took all up; after a part, it counts what is left."""
    user = operator()
    client = signed_in(user)
    with failing(user, bad=(0, 1), count=3) as run:
        assert "Retry the 2 failed…" in client.get(page_of(run)).content.decode()
        client.post(page_of(run, "retry"), {"only": "failed"})
        html = client.get(page_of(run)).content.decode()
        assert page_of(run, "retry") not in html
        assert page_of(Run.objects.get(retry_of=run)) in html
        assert "nothing left to retry" in told(client.post(page_of(run, "retry"), {"only": "undone"}))
    with failing(user, bad=(0,), count=3, on_error="stop") as run:
        assert "Retry the 3 not done…" in client.get(page_of(run)).content.decode()
        client.post(page_of(run, "retry"), {"only": "failed"})
        assert "Retry the 2 not done…" in client.get(page_of(run)).content.decode()
        client.post(page_of(run, "retry"))
        assert page_of(run, "retry") not in client.get(page_of(run)).content.decode()


def test_offers_no_retry_of_a_reason_that_was_taken_up() -> None:
    """A group that is being retried says by which run; with the last of them the run's own button goes too."""
    user = operator()
    client = signed_in(user)
    with failing(user, bad=(0, 1), count=3) as run:
        (first, other) = run.failures.order_by("pk")
        run.failures.filter(pk=other.pk).update(group="another", reason="The title is empty.")
        run.failure_groups.update(items=1, count=1)
        run.failure_groups.create(kind=other.kind, group="another", items=1, count=1, first=other.pk)

        client.post(page_of(run, "retry"), {"group": first.group})
        retry = Run.objects.get(retry_of=run)
        html = client.get(page_of(run)).content.decode()
        assert f"retry/?group={first.group}" not in html
        assert f'Retried by <a href="{page_of(retry)}">' in html
        assert "retry/?group=another" in html
        assert "Retry the 1 failed…" in html
        assert "mend the cause, then retry just that 1." in html

        client.post(page_of(run, "retry"), {"group": "another"})
        page = client.get(page_of(run))
        html = page.content.decode()
        assert page_of(run, "retry") not in html
        assert "have taken them up." in html
        assert "retry" not in client.get(page_of(run, "progress")).json()["verbs"]
        client.post(page_of(run, "retry"))
    assert Run.objects.filter(retry_of=run).count() == 2


def test_offers_what_was_held_still_when_every_reason_was_taken_up() -> None:
    """What was left out because it was locked is not done, whoever retries the failures."""
    user = operator()
    with failing(user, bad=(0, 1), count=3) as run:
        held, failed = run.failures.order_by("pk")
        run.failures.filter(pk=held.pk).update(kind=Failure.Kind.HELD, group="held")
        Run.objects.filter(pk=run.pk).update(failed=1, skipped=1)
        run.partitions.update(failed=1, skipped=1)
        control.retry(run.pk, only="failed", group=failed.group, by=user)
        assert Verb.RETRY in control.verbs_for(Run.objects.get(pk=run.pk), user)
        assert control.retry(run.pk, by=user).run.total == 1


def test_does_a_dry_run_beside_what_others_hold() -> None:
    """The page shows which objects are locked and by whom, and what can be done now are the others."""
    user = operator()
    client = signed_in(user)
    notes = make_notes(3)
    preview = perform(start("notes.archive", by=user, objects=notes, dry_run=True))
    holder = start("notes.archive", by=user, objects=notes[:1])
    page = client.get(page_of(preview, "start"))
    assert "1 note of this run is locked by another run" in text_of(page)
    assert f"Archive (run {holder.pk})" in text_of(page)
    client.post(page_of(preview, "start"), only_form(page).data("Do it now: archive the other 2"))
    run = Run.objects.get(preview_of=preview)
    assert (run.targets.count(), run.failures.get().object_id) == (2, str(notes[0].pk))
    assert perform(run).done == 2


def test_asks_to_type_how_many_are_deleted_after_a_dry_run_too() -> None:
    """Not from the dialog, not by its page, not without what others hold: more than 100 go only once the number was typed."""
    user = staff("root", is_superuser=True)
    client = signed_in(user)
    notes = make_notes(103)
    preview = perform(start("notes.delete", by=user, objects=notes, dry_run=True))
    assert "Type 103 to confirm" in text_of(client.get(page_of(preview)))
    assert client.post(page_of(preview, "start"), headers=JSON).status_code == 409
    refused = client.post(page_of(preview, "start"), {"_typed": "102"})
    assert "Nothing was started. Type 103 in the field below to confirm." in text_of(refused)
    with hold(notes[0]):
        held = only_form(client.get(page_of(preview, "start")))
        assert "Type 102 to confirm" in text_of(client.post(page_of(preview, "start"), held.data(_typed="103")))
        assert not Run.objects.filter(preview_of=preview).exists()
    client.post(page_of(preview, "start"), only_form(refused).data(_typed="103"))
    assert perform(Run.objects.get(preview_of=preview)).done == 103


def test_comes_back_when_objects_were_taken_before_it_was_done() -> None:
    """A dry run that meets a hold only now starts nothing, says so, and offers the way round."""
    user = operator()
    client = signed_in(user)
    notes = make_notes(2)
    preview = perform(start("notes.archive", by=user, objects=notes, dry_run=True))
    form = only_form(client.get(page_of(preview, "start")))
    start("notes.archive", by=user, objects=notes[:1])
    answer = client.post(page_of(preview, "start"), form.data())
    assert answer.status_code == 409
    assert "Nothing was started." in text_of(answer)
    client.post(page_of(preview, "start"), only_form(answer).data())
    assert Run.objects.get(preview_of=preview).targets.count() == 1


def test_offers_nothing_while_every_object_is_held() -> None:
    """A button that could not work is not there."""
    user = operator()
    notes = make_notes(2)
    preview = perform(start("notes.archive", by=user, objects=notes, dry_run=True))
    start("notes.archive", by=user, objects=notes)
    page = signed_in(user).get(page_of(preview, "start"))
    assert "So nothing can be done now. Come back when those runs have ended." in text_of(page)
    assert only_form(page).texts() == []


def test_marks_a_run_as_dealt_with() -> None:
    """The button clears the number in the header for whoever pressed it, and goes with it."""
    user = operator()
    client = signed_in(user)
    with failing(user) as run:
        assert page_of(run, "dismiss") in client.get(page_of(run)).content.decode()
        assert client.get(page_of(run, "dismiss")).status_code == 405
        assert client.get(reverse("admin:console_run_summary")).json()["attention"] == 1
        answer = client.post(page_of(run, "dismiss"), follow=True)
        assert page_of(run, "dismiss") not in answer.content.decode()
        assert client.get(reverse("admin:console_run_summary")).json()["attention"] == 0
        other = signed_in(staff("other", *OPERATOR))
        assert other.get(reverse("admin:console_run_summary")).json()["attention"] == 1
        assert other.post(page_of(run, "dismiss"), headers=JSON).json() == {"id": run.pk, "attention": 0}
    assert page_of(copied(user), "dismiss") not in client.get(page_of(copied(user))).content.decode()
