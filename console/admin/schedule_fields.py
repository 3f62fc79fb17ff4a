"""The fields of the form of a schedule."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy

from console.models import Schedule
from console.schedules.solar import EVENTS

PERIODS = (
    ("seconds", gettext_lazy("seconds")),
    ("minutes", gettext_lazy("minutes")),
    ("hours", gettext_lazy("hours")),
    ("days", gettext_lazy("days")),
)
KINDS = (
    ("crontab", gettext_lazy("At certain times")),
    ("interval", gettext_lazy("Every so often")),
    ("clocked", gettext_lazy("Once")),
    ("solar", gettext_lazy("By the sun")),
)


def _moment(**given: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(required=False, widget=widget, **given)


def _number(least: int = 0, *, required: bool = False, **given: Any) -> forms.IntegerField:
    return forms.IntegerField(required=required, min_value=least, max_value=10**6, **given)


def _cron(label: Any, help_text: Any = "") -> forms.CharField:
    return forms.CharField(label=label, help_text=help_text, initial="*", required=False, max_length=124)


class ScheduleFields(forms.Form):
    """When an operation starts, what happens if it cannot, and for whom it acts."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    enabled = forms.BooleanField(label=gettext_lazy("On"), required=False, initial=True)
    filter = forms.CharField(
        label=gettext_lazy("Objects"),
        required=False,
        max_length=2000,
        help_text=gettext_lazy(
            "The filter of a list: filter the list as you like, and copy its address here. Empty: all that the list shows."
        ),
    )

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=KINDS, initial="crontab", widget=forms.RadioSelect)
    minute = _cron(gettext_lazy("Minutes"), gettext_lazy("Such as 30, or 0,15,30,45, or */10. * is every minute."))
    hour = _cron(gettext_lazy("Hours"), gettext_lazy("Such as 2, or 8-17. * is every hour."))
    day_of_week = _cron(gettext_lazy("Days of the week"), gettext_lazy("1 is Monday, 7 is Sunday; 1-5 are weekdays."))
    day_of_month = _cron(gettext_lazy("Days of the month"), gettext_lazy("Such as 1, or 1,15."))
    month_of_year = _cron(gettext_lazy("Months"), gettext_lazy("Such as 1, or 1-6."))
    zone = forms.CharField(label=gettext_lazy("Time zone"), required=False, max_length=63)
    every = _number(1, label=gettext_lazy("Every"), initial=1)
    period = forms.ChoiceField(label=gettext_lazy("Unit"), choices=PERIODS, initial="hours", required=False)
    clocked = _moment(label=gettext_lazy("At"))
    event = forms.ChoiceField(label=gettext_lazy("Event"), choices=EVENTS, required=False)
    latitude = forms.DecimalField(
        label=gettext_lazy("Latitude"),
        required=False,
        decimal_places=6,
        validators=[MinValueValidator(-90), MaxValueValidator(90)],
    )
    longitude = forms.DecimalField(
        label=gettext_lazy("Longitude"),
        required=False,
        decimal_places=6,
        validators=[MinValueValidator(-180), MaxValueValidator(180)],
    )
    start = _moment(label=gettext_lazy("Not before"))
    end = _moment(label=gettext_lazy("Not from"), help_text=gettext_lazy("From this moment on it no longer starts."))
    once = forms.BooleanField(label=gettext_lazy("Only once, then off"), required=False)
    meant = forms.CharField(required=False, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    overlap = forms.ChoiceField(
        label=gettext_lazy("If the one before is still running:"),
        choices=Schedule.Overlap.choices,
        initial=Schedule.Overlap.SKIP,
        widget=forms.RadioSelect,
    )
    missed = forms.ChoiceField(
        label=gettext_lazy("If a time was missed:"),
        choices=Schedule.Missed.choices,
        initial=Schedule.Missed.ONCE,
        widget=forms.RadioSelect,
    )
    catch_up = _number(label=gettext_lazy("Make up for it within (minutes)"), initial=60, required=True)
    pause_after = _number(
        1,
        label=gettext_lazy("Switch off after so many failures in a row"),
        initial=3,
        help_text=gettext_lazy("Empty: never."),
    )
    spread = _number(
        label=gettext_lazy("Spread over (minutes)"),
        initial=0,
        required=True,
        help_text=gettext_lazy("Each time comes up to so much later, so that not everything starts at once."),
    )
    max_duration = _number(
        1,
        label=gettext_lazy("At most (minutes)"),
        help_text=gettext_lazy("A run that takes longer is cancelled. Empty: no limit."),
    )

    owner = forms.CharField(
        label=gettext_lazy("Owner"),
        required=False,
        help_text=gettext_lazy("It acts with this person's permissions, and sees the list as they do."),
    )
    queue = forms.CharField(
        label=gettext_lazy("Queue"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("Empty: the operation's own."),
    )
    priority = forms.IntegerField(
        label=gettext_lazy("Priority"),
        required=False,
        min_value=0,
        max_value=9,
        help_text=gettext_lazy("0 comes first, 9 last. Empty: the operation's own."),
    )
