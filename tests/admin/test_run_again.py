"""“Run again…”: the confirmation page with the objects and parameters of an earlier run."""

from __future__ import annotations

import pytest
from django import forms

from console.engine import control
from console.engine.acceptance import start
from console.models import Run
from console.testing import declared, perform
from notes.models import Note
from tests.admin.forms import messages_of, only_form, text_of
from tests.admin.running import (
    OPERATOR,
    VIEW,
    copied,
    copying,
    failing,
    make_notes,
    operator,
    page_of,
    signed_in,
    staff,
)

pytestmark = pytest.mark.django_db(transaction=True)


class LetterForm(forms.Form):
    """A secret, and a tick that is set at first."""

    token = forms.CharField()
    quietly = forms.BooleanField(required=False, initial=True)


def test_is_the_confirmation_page_with_the_same_parameters() -> None:
    """Nothing starts before it is confirmed; then the same is done to the same objects, as a run of its own."""
    user = operator()
    run = copied(user, count=3, copies=2)
    client = signed_in(user)
    assert page_of(run, "again") in client.get(page_of(run)).content.decode()
    page = client.get(page_of(run, "again"))
    assert page.context["title"] == "Copy 3 notes"
    assert f"With the objects and the parameters of run {run.pk}." in text_of(page)
    form = only_form(page)
    assert form.value("copies") == "2"
    assert Run.objects.count() == 1

    client.post(page_of(run, "again"), form.data("Copy 3 notes", copies="5"))
    again = Run.objects.exclude(pk=run.pk).get()
    assert (again.params, again.total, again.retry_of, again.asked_by) == ({"copies": "5"}, 15, None, user)
    assert set(again.targets.values_list("object_id")) == set(run.targets.values_list("object_id"))
    client.post(page_of(run, "again"), form.data("Copy 3 notes", copies="5"))
    assert Run.objects.count() == 2, "two presses of one page are one run"


def test_takes_what_is_left_of_the_objects() -> None:
    """Objects that are gone are counted, not missed in silence."""
    user = operator()
    run = copied(user, count=3)
    Note.all_objects.get(pk=run.targets.first().object_id).delete()
    client = signed_in(user)
    page = client.get(page_of(run, "again"))
    assert page.context["title"] == "Copy 2 notes"
    assert "1 of them no longer exists." in text_of(page)
    client.post(page_of(run, "again"), only_form(page).data("Copy 2 notes"))
    assert perform(Run.objects.exclude(pk=run.pk).get()).done == 4

    Note.all_objects.filter(pk__in=[int(t.object_id) for t in run.targets.all()]).delete()
    answer = client.get(page_of(run, "again"), follow=True)
    assert messages_of(answer)[-1] == "None of the notes you selected exist any more. Nothing was started."


def test_takes_up_what_was_left_out_as_held() -> None:
    """The same objects are those that were asked for, not only those that were free then."""
    user = operator()
    notes = make_notes(2)
    holder = start("notes.archive", by=user, objects=notes[:1])
    run = perform(start("notes.archive", by=user, objects=notes, leave_held_out=True))
    control.cancel(holder.pk, by=user)
    assert signed_in(user).get(page_of(run, "again")).context["title"] == "Archive 2 notes"


def test_stops_when_other_objects_match_than_were_seen() -> None:
    """An operation that changes objects starts on exactly those that the page showed."""
    user = operator()
    notes = make_notes(3)
    run = perform(start("notes.archive", by=user, objects=notes))
    client = signed_in(user)
    form = only_form(client.get(page_of(run, "again")))
    notes[0].delete()
    answer = client.post(page_of(run, "again"), form.data("Archive 3 notes"))
    assert "You saw 3 notes; 2 match now. Nothing was started. Confirm again." in text_of(answer)
    assert Run.objects.count() == 1


def test_shows_what_other_runs_hold() -> None:
    """The page is the one that starts all others: with conflicts, and a way round them."""
    user = operator()
    notes = make_notes(2)
    run = perform(start("notes.archive", by=user, objects=notes))
    start("notes.archive", by=user, objects=notes[:1])
    client = signed_in(user)
    page = client.get(page_of(run, "again"))
    assert "1 of the 2 notes is locked by another run" in text_of(page)
    client.post(page_of(run, "again"), only_form(page).data("Archive the other 1"))
    assert Run.objects.order_by("pk").last().targets.count() == 1


def test_collects_very_many_again_in_the_run_itself(settings: object) -> None:
    """Above the size where a run prepares, the objects are found again by the run that shall be repeated."""
    settings.CONSOLE = {**settings.CONSOLE, "PREPARE_ABOVE": 2}  # type: ignore[attr-defined]
    user = operator()
    run = copied(user, count=3)
    client = signed_in(user)
    client.post(page_of(run, "again"), only_form(client.get(page_of(run, "again"))).data("Copy 3 notes"))
    again = Run.objects.exclude(pk=run.pk).get()
    assert again.preparing
    assert perform(again).done == 6


def test_leads_from_each_of_the_two_to_the_other() -> None:
    """The run that was asked for again is linked to the one that it repeats; a double click is one run, and one link."""
    user = operator()
    client, old = signed_in(user), copied(user)
    form = only_form(client.get(page_of(old, "again")))
    for _click in range(2):
        client.post(page_of(old, "again"), form.data("Copy 3 notes"))
    new = Run.objects.get(repeat_of=old)
    assert f"repeat of run {old.pk}" in text_of(client.get(page_of(new)))
    assert f"repeated by run {new.pk}" in text_of(client.get(page_of(old)))
    stranger = signed_in(staff("stranger", "console.view_run"))
    assert stranger.get(page_of(old)).status_code == 403


def test_finds_the_objects_that_a_cancelled_retry_was_still_collecting(settings: object) -> None:
    """A run that never had its objects is run again on those of the run that it was to retry."""
    user = operator()
    old = copying(user, count=3)
    control.cancel(old.pk, by=user)
    settings.CONSOLE = {**settings.CONSOLE, "PREPARE_ABOVE": 2}  # type: ignore[attr-defined]
    retry = control.cancel(control.retry(old.pk, by=user).run.pk, by=user)
    assert retry.preparing
    client = signed_in(user)
    page = client.get(page_of(retry, "again"))
    assert page.context["title"] == "Copy 3 notes"
    client.post(page_of(retry, "again"), only_form(page).data("Copy 3 notes"))
    assert perform(Run.objects.latest("pk")).done == 6


def test_works_without_objects_too() -> None:
    """An operation on no objects is offered again with its parameters."""
    user = staff("counter", "console.view_run", "notes.view_authorstatistics", is_superuser=True)
    run = perform(start("notes.statistics", by=user))
    client = signed_in(user)
    page = client.get(page_of(run, "again"))
    assert f"With the parameters of run {run.pk}." in text_of(page)
    client.post(page_of(run, "again"), only_form(page).data("Refresh author statistics"))
    assert Run.objects.count() == 2


def test_asks_anew_for_secrets_and_keeps_ticks() -> None:
    """A secret is not handed out by the page; a tick that was taken away stays away."""
    user = operator()
    with declared(Note, label="Send", form=LetterForm, secret_params=("token",)) as operation:
        run = perform(start(operation, by=user, objects=make_notes(1), params={"token": "hush"}))
        page = signed_in(user).get(page_of(run, "again"))
        form = only_form(page)
    assert "hush" not in page.content.decode()
    assert form.value("token") == ""
    assert "quietly" not in dict(form.fields)


def test_is_not_offered_where_it_could_not_work() -> None:
    """Not for an operation that is gone, nor without its permission; whoever comes all the same reads why."""
    user = operator()
    with failing(user) as run:
        assert page_of(run, "again") in signed_in(user).get(page_of(run)).content.decode()
    client = signed_in(user)
    assert page_of(run, "again") not in client.get(page_of(run)).content.decode()
    answer = client.get(page_of(run, "again"), follow=True)
    assert messages_of(answer) == ["This operation is no longer part of the site; it cannot be run again."]

    copies = copied(user)
    viewer = signed_in(staff("viewer", VIEW))
    assert page_of(copies, "again") not in viewer.get(page_of(copies)).content.decode()
    refusal = viewer.get(page_of(copies, "again"))
    assert refusal.status_code == 403
    assert "notes.add_note" in refusal.content.decode()
    assert Run.objects.count() == 2


def test_reaches_no_objects_that_one_may_not_see() -> None:
    """Whoever may see the run but not the model's list cannot start anything on its objects."""
    asker = staff("asker", *(name for name in OPERATOR if name not in {VIEW, "notes.change_note"}))
    run = copying(asker)
    control.cancel(run.pk, by=asker)
    client = signed_in(asker)
    assert page_of(run, "again") not in client.get(page_of(run)).content.decode()
    answer = client.get(page_of(run, "again"))
    assert answer.status_code == 403
    assert f"Nothing was started. Run {run.pk} works on notes that you may not see" in text_of(answer)
