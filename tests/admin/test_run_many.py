"""The verbs on many runs at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from console.engine import control
from console.models import Event, Run
from console.states import State
from tests.admin.running import OPERATOR, VIEW, copied, copying, failing, meanwhile, operator, signed_in, staff

pytestmark = pytest.mark.django_db(transaction=True)

LIST = reverse("admin:console_run_changelist")


def chosen(action: str, *runs: Run, **values: Any) -> dict[str, Any]:
    """Return what the list posts for an action on these runs."""
    return {"action": action, "_selected_action": [run.pk for run in runs], **values}


def test_asks_with_the_count_before_anything_happens() -> None:
    """The page names how many runs it is about, and leaves out those that cannot."""
    user = operator()
    runs = [copying(user), copying(user), copied(user)]
    html = signed_in(user).post(LIST, chosen("cancel_runs", *runs)).content.decode()
    assert "Cancel 2 runs?" in html
    assert "1 of those you selected is left out: it cannot, or you may not." in html
    assert Run.objects.filter(state=State.QUEUED).count() == 2


def test_acts_on_each_and_counts_the_skipped() -> None:
    """Each run is its own act with its own history; the answer counts what was done and what was not, and why."""
    user = operator()
    runs = [copying(user), copying(user), copied(user)]
    answer = signed_in(user).post(LIST, chosen("cancel_runs", *runs, _act="yes", reason="tidy"), follow=True)
    (message,) = answer.context["messages"]
    assert message.level_tag == "success"
    assert str(message) == "2 runs cancelled, 1 skipped: already finished."
    assert set(Event.objects.filter(what="cancel", reason="tidy").values_list("run", flat=True)) == {
        run.pk for run in runs[:2]
    }
    assert LogEntry.objects.count() == 2


def test_warns_when_nothing_was_done() -> None:
    """No run that could be cancelled is a warning, and the page that asks has no button."""
    user = operator()
    run = copied(user)
    client = signed_in(user)
    page = client.post(LIST, chosen("cancel_runs", run)).content.decode()
    assert "Cancel no run?" in page
    assert 'name="_act"' not in page
    (message,) = client.post(LIST, chosen("cancel_runs", run, _act="yes"), follow=True).context["messages"]
    assert message.level_tag == "warning"
    assert str(message) == "No run cancelled: it had finished."


def test_pauses_resumes_and_retries() -> None:
    """Each verb of the list does what its name says."""
    user = operator()
    client = signed_in(user)
    run = copying(user)
    client.post(LIST, chosen("pause_runs", run, _act="yes"))
    assert Run.objects.get(pk=run.pk).state == State.PAUSED
    client.post(LIST, chosen("resume_runs", run, _act="yes"))
    assert Run.objects.get(pk=run.pk).state == State.QUEUED
    with failing(user) as failed:
        client.post(LIST, chosen("retry_runs", failed, _act="yes"))
        assert Run.objects.get(retry_of=failed).only == Run.Only.FAILED
    control.cancel(run.pk)


def test_lists_only_the_actions_that_are_permitted() -> None:
    """Not permitted is not listed, and not done when posted all the same."""
    run = copying()
    viewer = signed_in(staff("viewer", VIEW))
    assert "cancel_runs" not in viewer.get(LIST).content.decode()
    viewer.post(LIST, chosen("cancel_runs", run, _act="yes"))
    assert Run.objects.get(pk=run.pk).state == State.QUEUED
    names = signed_in(operator()).get(LIST).content.decode()
    assert all(f'value="{verb}_runs"' in names for verb in ("cancel", "pause", "resume", "retry"))


def test_reaches_no_run_that_one_may_not_see() -> None:
    """Naming a hidden run in a form does nothing to it."""
    run = copying()
    blind = staff("blind", *(name for name in OPERATOR if name not in {VIEW, "notes.change_note"}))
    signed_in(blind).post(LIST, chosen("cancel_runs", run, _act="yes"))
    assert Run.objects.get(pk=run.pk).state == State.QUEUED


def test_tells_how_many_of_the_cancelled_still_stop() -> None:
    """A run that a worker is at is cancelled at its next checkpoint, and the answer does not say otherwise."""
    user = operator()

    def cancel(run: Run) -> str:
        answer = signed_in(user).post(LIST, chosen("cancel_runs", run, copying(user), _act="yes"), follow=True)
        (message,) = answer.context["messages"]
        return str(message)

    assert meanwhile(cancel, user) == "2 runs cancelled. 1 of them stops after the items in hand."


def test_counts_a_retry_that_was_there_already_as_skipped() -> None:
    """Two presses retry once, and the second says so."""
    user = operator()
    client = signed_in(user)
    with failing(user) as failed:
        told = [
            str(message)
            for _press in range(2)
            for message in client.post(LIST, chosen("retry_runs", failed, _act="yes"), follow=True).context["messages"]
        ]
    assert told == ["1 run retried.", "No run retried: nothing left to retry."]


def test_marks_runs_as_dealt_with_for_one_person_alone() -> None:
    """What was marked needs this person no more; it still needs the others, and only trouble can be marked."""
    user, other = operator(), staff("other", *OPERATOR)
    client = signed_in(user)
    with failing(user) as failed, failing(user) as another:
        (message,) = client.post(LIST, chosen("dismiss_runs", failed, copied(user)), follow=True).context["messages"]
        assert str(message).startswith("1 run is marked as dealt with")
        assert [run.pk for run in client.get(f"{LIST}?state=attention").context["cl"].result_list] == [another.pk]
        shown = signed_in(other).get(f"{LIST}?state=attention").context["cl"].result_list
        assert [run.pk for run in shown] == [another.pk, failed.pk]
        (message,) = client.post(LIST, chosen("dismiss_runs", failed), follow=True).context["messages"]
        assert message.level_tag == "warning"
