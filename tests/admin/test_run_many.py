"""The verbs on many runs at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from console.engine import control
from console.models import Event, Run
from console.states import State
from tests.admin.running import OPERATOR, VIEW, copied, copying, failing, operator, signed_in, staff

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
    assert str(message).startswith(f"Cancelled: 2 runs, 1 skipped: Run {runs[2].pk} had already ended")
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
