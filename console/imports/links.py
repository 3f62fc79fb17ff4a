"""Many-to-many relations, set for many objects at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from console.imports.among import Among
from console.imports.relations import ManyColumn
from console.imports.writers import Writer


class Links:
    """The rows of one many-to-many relation that belong to some objects.

    Args:
        column: Which relation.
        using: The database's alias.
        owners: The keys of the objects that exist already.
    """

    def __init__(self, column: ManyColumn, using: str, owners: Collection[Any]) -> None:
        self.column, relation = column, column.target
        self.through = relation.remote_field.through
        self.owner = self.through._meta.get_field(relation.m2m_field_name())
        self.target = self.through._meta.get_field(relation.m2m_reverse_field_name())
        self.known: defaultdict[Any, dict[Any, Any]] = defaultdict(dict)  # by owner: the row's key by target
        if owners:
            own = Among(self.owner.attname, self.owner, owners)
            rows = self.through._base_manager.using(using).filter(own)
            for key, owner, target in rows.order_by().values_list("pk", self.owner.attname, self.target.attname):
                self.known[owner][target] = key

    def are(self, owner: Any, targets: Sequence[Any]) -> bool:
        """Tell whether an object has just these relations."""
        return self.known.get(owner, {}).keys() == set(targets)

    def write(self, writer: Writer, wanted: Sequence[tuple[Any, Sequence[Any]]]) -> None:
        """Let each object have the relations wanted, and, unless the column only adds, no others."""
        known = self.known
        gained = [
            (owner, target) for owner, targets in wanted for target in targets if target not in known.get(owner, ())
        ]
        if not self.column.adds:
            lost = [key for owner, targets in wanted for key in self._others(owner, targets)]
            writer.delete(self.through._meta.db_table, self.through._meta.pk, lost)
        if gained:
            owners, targets = zip(*gained, strict=True)
            columns = (self.owner.column, self.target.column)
            prepared = (writer.prepared(self.owner, list(owners)), writer.prepared(self.target, list(targets)))
            writer.insert(self.through._meta.db_table, columns, zip(*prepared, strict=True))

    def _others(self, owner: Any, targets: Sequence[Any]) -> list[Any]:
        known = self.known.get(owner)
        return [key for target, key in known.items() if target not in targets] if known else []
