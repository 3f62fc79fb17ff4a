"""What a form showed when it was opened, so that an old one can name the fields whose old values it would put back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.utils.crypto import salted_hmac
from django.utils.text import capfirst

DIGITS = 12


def opened_mark(form: Any) -> str:
    """Return the hidden mark of `form`: a digest of each value as it stands in the database now, by field."""
    return json.dumps({name: _digest(form, name) for name in form.fields})


def put_back(form: Any, mark: str) -> list[str]:
    """Return the labels of the fields that changed after `form` was opened, and that it would set to something else.

    Args:
        form: The posted form, of the object as it is now.
        mark: The `opened_mark` that it carries; one that cannot be read names no field.
    """
    opened = _read(mark)
    return [
        str(capfirst(form.fields[name].label or name))
        for name in form.changed_data
        if name in opened and opened[name] != _digest(form, name)
    ]


def _digest(form: Any, name: str) -> str:
    field = form.fields[name]
    value = field.prepare_value(form.get_initial_for_field(field, name))
    told = sorted(map(str, value)) if isinstance(value, list | tuple | set) else str(value)
    return salted_hmac("console.opened", f"{name}:{told}").hexdigest()[:DIGITS]


def _read(mark: str) -> Mapping[str, Any]:
    try:
        opened = json.loads(mark)
    except ValueError:
        return {}
    return opened if isinstance(opened, dict) else {}
