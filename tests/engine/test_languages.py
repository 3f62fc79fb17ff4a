"""The language of a run: its report is written for whoever asked, and its parameters mean the same in every language."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django import forms
from django.utils import translation
from django.utils.translation import gettext, gettext_lazy

from console.exceptions import ItemFailed
from tests.engine.kit import begin, fresh, make_notes, settled
from tests.world import Declare

pytestmark = pytest.mark.django_db(transaction=True)

DELETE = "Delete"  # Django's own catalogue has it in every language


class Day(forms.Form):
    """A day, written as the language writes it."""

    day = forms.DateField()


def test_a_report_is_in_the_language_of_whoever_asked(declare: Declare) -> None:
    """The worker speaks another language than the person; what it writes down is for the person."""

    def process(_operation: Any, notes: Any) -> None:
        raise ItemFailed(notes[0], gettext(DELETE))

    with translation.override("pt-br"):
        run = begin(declare(process), make_notes(1))
        wanted = gettext(DELETE)
    settled(run)
    assert [failure.reason for failure in run.failures.all()] == [wanted]
    assert wanted != DELETE
    assert translation.get_language() == "en"


def test_a_run_is_called_in_the_language_of_its_reader(declare: Declare) -> None:
    """The label is kept untranslated: a list of runs speaks one language, whoever asked for them."""
    operation = declare(label=gettext_lazy(DELETE))
    with translation.override("pt-br"):
        run = begin(operation, make_notes(1))
    assert fresh(run).label == DELETE
    with translation.override("es"):
        assert fresh(run).label == gettext(DELETE) != DELETE


def test_a_date_is_the_same_day_for_the_person_and_for_the_worker(declare: Declare) -> None:
    """“03/05/2026” is the third of May in Brazil; the worker reads what was meant, whatever it speaks."""
    met: list[date] = []

    def process(operation: Any, _notes: Any) -> None:
        met.append(operation.params["day"])

    operation = declare(process, form=Day)
    with translation.override("pt-br"):
        run = begin(operation, make_notes(1), params={"day": "03/05/2026"})
    assert run.params == {"day": "2026-05-03"}
    settled(run)
    assert met == [date(2026, 5, 3)]
