"""One of many values: a single parameter, where ``IN`` has one for each value and takes several times as long."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from django.db.models import F
from django.db.models.lookups import Lookup

AS_THEY_ARE = frozenset({str, int})


class Among(Lookup):
    """A condition for ``filter()``: the value of a field is among some values.

    Args:
        path: The field, as in ``filter()``.
        field: The same field, which prepares the values.
        values: The values, none of them None.
    """

    prepare_rhs = False

    def __init__(self, path: str, field: Any, values: Collection[Any]) -> None:
        super().__init__(F(path), tuple(values))
        self.prepare = field.get_db_prep_value

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Compile it for SQLite."""
        lhs, params = compiler.compile(self.lhs)
        values = json.dumps(self._prepared(connection), default=str)
        return f"{lhs} IN (SELECT value FROM json_each(%s))", (*params, values)  # noqa: S608 - no value is in it

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Compile it for PostgreSQL."""
        lhs, params = compiler.compile(self.lhs)
        return f"{lhs} = ANY(%s)", (*params, self._prepared(connection))

    def _prepared(self, connection: Any) -> list[Any]:
        values, prepare = self.rhs, self.prepare
        return [value if type(value) in AS_THEY_ARE else prepare(value, connection) for value in values]
