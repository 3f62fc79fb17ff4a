"""What a run is about: its title and its parameters in words."""

from __future__ import annotations

from datetime import date

import pytest
from django import forms
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from console.engine.acceptance import start
from console.models import Run
from console.reports.headlines import headline, parameters, subject
from console.testing import declared
from notes.models import Note, Tag
from tests.admin.running import copying, make_notes

pytestmark = pytest.mark.django_db(transaction=True)


class Everything(forms.Form):
    """One field of each sort."""

    when = forms.ChoiceField(choices=[("now", "Right now"), ("Later", [("soon", "Soon")])])
    loud = forms.BooleanField(required=False)
    tags = forms.ModelMultipleChoiceField(Tag.objects.all(), required=False, label="Tags to add")
    password = forms.CharField(widget=forms.PasswordInput, required=False)


def test_tells_objects_and_parameters() -> None:
    """The title has the label, the count in the model's own nouns, and the operation's own words."""
    assert headline(copying()) == "Copy: 3 notes, 2 copies each"
    assert headline(copying(count=1, copies=1)) == "Copy: 1 note, 1 copy each"


def test_counts_items_where_the_operation_is_gone() -> None:
    """Without the class nobody knows how many items an object made."""
    run = copying()
    Run.objects.filter(pk=run.pk).update(operation="gone.away")
    run.refresh_from_db()
    assert subject(run) == "3 notes"
    assert subject(run, in_list=True) == "6 items"


def test_stays_readable_when_the_form_has_changed() -> None:
    """Parameters that the form refuses now are told as they were kept."""
    run = copying()
    Run.objects.filter(pk=run.pk).update(params={"copies": "none", "gone_field": "x"})
    run.refresh_from_db()
    assert headline(run) == "Copy: 3 notes"
    assert parameters(run) == [("Copies", "none"), ("Gone field", "x")]


class Written(forms.Form):
    """What languages write differently."""

    day = forms.DateField()
    most = forms.IntegerField()


def test_writes_numbers_and_days_as_the_reader_does() -> None:
    """They are kept in a form that no language changes."""
    with declared(Note, form=Written) as operation:
        run = start(operation, objects=make_notes(1), params={"day": date(2026, 5, 3), "most": 10_000})
        assert parameters(run) == [("Day", "May 3, 2026"), ("Most", "10,000")]
        with translation.override("pt-br"):
            assert parameters(run) == [("Day", "3 de Maio de 2026"), ("Most", "10.000")]


def test_asks_nothing_of_the_database_in_a_list() -> None:
    """A form that reads the database is left alone where many runs are drawn."""
    with declared(Note, form=Everything) as operation:
        run = start(operation, objects=make_notes(1), params={"when": "soon"})
        run = Run.objects.select_related("content_type").get(pk=run.pk)
        with CaptureQueriesContext(connection) as queries:
            assert subject(run, in_list=True) == "1 note"
    assert len(queries) == 0


def test_tells_parameters_by_their_labels_and_masks_secrets() -> None:
    """Choices are told by their words, switches as yes and no; what is typed unseen stays unseen."""
    tag = Tag.objects.create(name="Ideas", slug="ideas")
    params = {"when": "soon", "loud": "on", "tags": [str(tag.pk)], "password": "hunter2"}
    with declared(Note, form=Everything) as operation:
        run = start(operation, objects=make_notes(1), params=params)
        told = dict(parameters(run))
    assert told["When"] == "Soon"
    assert told["Password"] == "●●●●"
    assert told["Tags to add"] == "Ideas"
    assert "hunter2" not in str(told)


def test_keeps_keys_that_name_nothing_any_more() -> None:
    """A chosen object that is gone, or a key that the form would not take today, stays as it was given."""
    with declared(Note, form=Everything) as operation:
        run = start(operation, objects=make_notes(1), params={"when": "soon"})
        for keys, expected in ((["404"], "404"), (["a", "b"], "a, b"), ("", "")):
            Run.objects.filter(pk=run.pk).update(params={"tags": keys, "when": "never", "loud": False})
            run.refresh_from_db()
            assert dict(parameters(run)) == {"Tags to add": expected, "When": "never", "Loud": "no"}
