"""What a form showed when it was opened, so that an old one can name the fields and rows whose old values it would put back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.forms.formsets import DELETION_FIELD_NAME
from django.utils.crypto import salted_hmac
from django.utils.text import capfirst
from django.utils.translation import gettext as _

DIGITS = 12
FIELDS = ""  # in the mark, where a formset has its prefix

Digests = dict[str, str]  # by the name of a field, or the key of a row


def opened_mark(form: Any, formsets: Iterable[Any]) -> str:
    """Return the hidden mark of a page: by field, and by row of each formset, a digest of what the database has now."""
    rows = {formset.prefix: _digests_of_rows(formset) for formset in formsets}
    return json.dumps({FIELDS: {name: _digest(form, [name]) for name in form.fields}, **rows})


def put_back(form: Any, formsets: Iterable[Any], mark: str) -> list[str]:
    """Return what changed after the page was opened, and it would set to something else: labels of fields, then rows.

    Args:
        form: The posted form, of the object as it is now.
        formsets: The posted formsets of what belongs to the object.
        mark: The `opened_mark` that they carry; one that cannot be read names nothing.
    """
    opened = _read(mark)
    fields = opened.get(FIELDS, {})
    labels = [
        str(capfirst(form.fields[name].label or name))
        for name in form.changed_data
        if name in fields and fields[name] != _digest(form, [name])
    ]
    return labels + [row for formset in formsets for row in _rows(formset, opened.get(formset.prefix, {}))]


def _rows(formset: Any, opened: Digests) -> list[str]:
    """Return the rows that a posted formset would put back: those that were changed, and that there were others that are gone."""
    rows = [
        _("%(noun)s “%(row)s”") % {"noun": capfirst(form.instance._meta.verbose_name), "row": form.instance}
        for form in formset.initial_forms
        if form.has_changed() and opened.get(str(form.instance.pk), "") not in {"", _digest(form, form.fields)}
    ]
    if opened.keys() - {str(row.pk) for row in formset.get_queryset()}:
        rows.append(_("deleted %(nouns)s") % {"nouns": formset.model._meta.verbose_name_plural})
    return rows


def _digests_of_rows(formset: Any) -> Digests:
    return {str(form.instance.pk): _digest(form, form.fields) for form in formset.initial_forms}


def _digest(form: Any, names: Iterable[str]) -> str:
    told = json.dumps([(name, _told(form, name)) for name in names if name != DELETION_FIELD_NAME])
    return salted_hmac("console.opened", told).hexdigest()[:DIGITS]


def _told(form: Any, name: str) -> str | list[str]:
    field = form.fields[name]
    value = field.prepare_value(form.get_initial_for_field(field, name))
    return sorted(map(str, value)) if isinstance(value, list | tuple | set) else str(value)


def _read(mark: str) -> Mapping[str, Digests]:
    try:
        opened = json.loads(mark)
    except ValueError:
        return {}
    return (
        {part: digests for part, digests in opened.items() if isinstance(digests, dict)}
        if isinstance(opened, dict)
        else {}
    )
