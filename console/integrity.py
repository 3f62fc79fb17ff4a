"""A database's refusal in words for staff."""

from __future__ import annotations

import re

from django.db import IntegrityError
from django.db.models import Model
from django.utils.text import get_text_list
from django.utils.translation import gettext as _


def integrity_reason(error: IntegrityError, model: type[Model] | None) -> str:
    """Return why the database refused a row of `model`: which fields are taken, else its own words."""
    fields = _violated_fields(error, model)
    if model is not None and fields:
        return _("Another %(noun)s already has this %(fields)s.") % {
            "noun": model._meta.verbose_name,
            "fields": get_text_list([str(model._meta.get_field(f).verbose_name) for f in fields], _("and")),  # type: ignore[union-attr]
        }
    return _("The database refused it: %(error)s") % {"error": str(error).strip().splitlines()[0]}


def _violated_fields(error: IntegrityError, model: type[Model] | None) -> list[str]:
    """Return the names of the fields whose uniqueness was violated: by constraint (PostgreSQL) or columns (SQLite)."""
    if model is None:
        return []
    columns = {field.column: field.name for field in model._meta.concrete_fields}
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is not None:
        found = re.match(r"Key \(([^)]*)\)=.*already exists", diagnosis.message_detail or "")
        if diagnosis.table_name != model._meta.db_table:
            return []
    else:
        found = re.match(rf"UNIQUE constraint failed: ({re.escape(model._meta.db_table)}\..*)", str(error))
    if not found:
        return []
    named = [column.rpartition(".")[2].strip(' "') for column in found[1].split(",")]
    return [columns[column] for column in named if column in columns]
