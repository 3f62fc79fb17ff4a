"""Many-to-many relations of many objects, changed in a few statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import router
from django.db.models import Model, Q, QuerySet

from console.exceptions import InvalidOperation


class Relation:
    """The many-to-many field called `name` of `model`.

    Raises:
        InvalidOperation: There is no such field.
    """

    def __init__(self, model: type[Model], name: str) -> None:
        field: Any = next((field for field in model._meta.many_to_many if field.name == name), None)
        if field is None:
            raise InvalidOperation(f"{name!r} is no many-to-many field of {model._meta.label}.")
        self.name = name
        self.through: Any = field.remote_field.through
        self.symmetrical = bool(field.remote_field.symmetrical)
        options = self.through._meta
        self.near: Any = options.get_field(field.m2m_field_name())
        self.far: Any = options.get_field(field.m2m_reverse_field_name())

    def change(self, act: str, objects: Sequence[Model], others: Iterable[Any], *, signals: bool = False) -> set[Any]:
        """Add `others` to each object, or remove them.

        Args:
            act: ``"add"`` or ``"remove"``.
            objects: The objects, locked.
            others: Instances of the other side.
            signals: Whether Django's own manager does it, object by object, with ``m2m_changed``.

        Returns:
            The keys of the objects for which that changed something.
        """
        others = list(others.all() if isinstance(others, QuerySet) else others)  # read now: one may be gone since
        if not objects or not others:
            return set()
        present = self._present(objects, others)
        wanted = {(self._value(self.near, obj), self._value(self.far, other)) for obj in objects for other in others}
        pairs = wanted - present if act == "add" else wanted & present
        touched = {obj.pk for obj in objects if any(self._value(self.near, obj) == near for near, _far in pairs)}
        if signals:
            for obj in objects:
                if obj.pk in touched:
                    getattr(getattr(obj, self.name), act)(*others)
        elif act == "add":
            self._insert(pairs, objects[0])
        else:
            self._delete(objects, others)
        return touched

    @staticmethod
    def _value(link: Any, obj: Model) -> Any:
        return getattr(obj, link.target_field.attname)

    def _rows(self, obj: Model) -> Any:
        return self.through._base_manager.using(obj._state.db or router.db_for_write(self.through))

    def _present(self, objects: Sequence[Model], others: Sequence[Any]) -> set[tuple[Any, Any]]:
        rows = self._rows(objects[0]).filter(self._between(self.near, self.far, objects, others))
        return set(rows.values_list(self.near.attname, self.far.attname))

    def _between(self, near: Any, far: Any, objects: Sequence[Model], others: Sequence[Any]) -> Q:
        sought = {near: objects, far: others}
        return Q(**{f"{link.attname}__in": [self._value(link, obj) for obj in side] for link, side in sought.items()})

    def _insert(self, pairs: set[tuple[Any, Any]], obj: Model) -> None:
        links = [(self.near.attname, self.far.attname)]
        if self.symmetrical:
            links.append((self.far.attname, self.near.attname))
        rows = [self.through(**{near: a, far: b}) for near, far in links for a, b in sorted(pairs, key=repr)]
        self._rows(obj).bulk_create(rows, ignore_conflicts=True)

    def _delete(self, objects: Sequence[Model], others: Sequence[Any]) -> None:
        between = self._between(self.near, self.far, objects, others)
        if self.symmetrical:
            between |= self._between(self.far, self.near, objects, others)
        self._rows(objects[0]).filter(between).delete()
