"""Update: set fields of each object, add and remove many-to-many relations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import connections, router
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from console.exceptions import InvalidOperation, ItemFailed, Skip
from console.operations.base import Operation, Result, Results
from console.operations.copying.values import time_of
from console.operations.relations import Relation

FEW = 4  # so many different sets of values are written by one UPDATE each; more go row by row in one batch
RESULTS = 10


class Update(Operation):
    """Change the selected objects.

    What to write is declared: constants, or a method of the object::

        values = {"archived_at": Now()}

        def values(self, note):
            return {"title": note.title.strip()}

    or taken from the form by name (`fields`, `add`, `remove`). An object that has all its values already is left out as
    unchanged. Fields with ``auto_now`` are set along with other fields, as ``save()`` would. Like ``QuerySet.update``, this calls no ``save()`` and sends no
    signals, ``m2m_changed`` included; `use_save` does, and is many times slower.

    Attributes:
        values: Field names and values (constants, instances, expressions), or a method that returns them for an object.
        fields: Names of fields of the model that are set from the form's fields of the same names. A field of the form
            that is not required and was left empty changes nothing.
        add: Names of many-to-many relations, with the name of the form's field that holds what each object gains.
        remove: The same for what each object loses.
        full_clean: Whether each changed object is validated first; what it refuses is that item's failure.
        use_save: Whether each changed object is saved by ``save()``, with its signals.
    """

    values: ClassVar[Any] = {}
    fields: ClassVar[tuple[str, ...]] = ()
    add: ClassVar[Mapping[str, str]] = {}
    remove: ClassVar[Mapping[str, str]] = {}
    full_clean: ClassVar[bool] = False
    use_save: ClassVar[bool] = False

    def wanted(self, obj: Any) -> dict[str, Any]:
        """Return by field name the values that `obj` is to have."""
        values = self.values(obj) if callable(self.values) else self.values
        return {**values, **self._values_of_form()}

    def process(self, objects: Sequence[Any]) -> Results:
        """Write what differs, in as few statements as may be.

        Returns:
            By key: a `Skip` for what is unchanged, an `ItemFailed` for what `full_clean` refuses, the first few results.
        """
        if not objects:
            return None
        changes = {obj.pk: _differences(obj, self.wanted(obj)) for obj in objects}
        refused = self._refused(objects, changes) if self.full_clean else {}
        objects = [obj for obj in objects if obj.pk not in refused]
        related = self._change_relations(objects)
        changed = [obj for obj in objects if changes[obj.pk]]
        self._write(changed, changes)
        touched = related | {obj.pk for obj in changed}
        unchanged = {obj.pk: Skip(obj, _("Nothing to change.")) for obj in objects if obj.pk not in touched}
        told = [obj for obj in objects if obj.pk in touched][:RESULTS]
        return {**refused, **unchanged, **{obj.pk: Result.of(obj) for obj in told}}

    def _values_of_form(self) -> dict[str, Any]:
        form_fields = self.form.base_fields if self.form else {}
        return {
            name: self.params[name]
            for name in self.fields
            if form_fields[name].required or self.params[name] not in form_fields[name].empty_values
        }

    def _refused(self, objects: Sequence[Any], changes: Mapping[Any, Changes]) -> dict[Any, ItemFailed]:
        refused = {}
        for obj in objects:
            _assign(obj, changes[obj.pk])
            try:
                obj.full_clean()
            except ValidationError as error:
                refused[obj.pk] = ItemFailed(obj, " ".join(error.messages))
        return refused

    def _change_relations(self, objects: Sequence[Any]) -> set[Any]:
        touched: set[Any] = set()
        for declared, act in ((self.remove, "remove"), (self.add, "add")):
            for name, parameter in declared.items():
                relation = Relation(type(objects[0]), name) if objects else None
                if relation is not None:
                    touched |= relation.change(act, objects, self.params[parameter], signals=self.use_save)
        return touched

    def _write(self, objects: Sequence[Any], changes: Mapping[Any, Changes]) -> None:
        if self.use_save:
            for obj in objects:
                _assign(obj, changes[obj.pk])
                obj.save(update_fields=[field.name for field in (*changes[obj.pk], *_auto_now(type(obj)))])
        elif objects:
            write(objects, changes)


Changes = dict[Any, Any]  # by field


def write(objects: Sequence[Model], changes: Mapping[Any, Changes]) -> None:
    """Write `changes` (by key, of the rows of `objects`, which are locked) and the time of the change."""
    model, now = type(objects[0]), timezone.now()
    times = {field: time_of(field, now) for field in _auto_now(model)}
    groups = _equal(objects, changes)
    by_expression = [group for group in groups if _has_expression(group[0])]
    by_value = [group for group in groups if not _has_expression(group[0])]
    if len(by_value) <= FEW:
        by_expression, by_value = groups, []
    for change, members in by_expression:
        keys = [obj.pk for obj in members]
        values = {field.name: value for field, value in (change | times).items()}
        model._base_manager.using(_using(objects[0])).filter(pk__in=keys).update(**values)
    _write_rows([(change | times, obj) for change, members in by_value for obj in members], _using(objects[0]))


def _write_rows(changes: Iterable[tuple[Changes, Model]], using: str) -> None:
    """Write a change to each row, in one batch for each set of columns."""
    connection = connections[using]
    batches: defaultdict[tuple[Any, ...], list[list[Any]]] = defaultdict(list)
    for change, obj in changes:
        for fields in _by_table(change):
            key = fields[0].model._meta.pk
            params = [field.get_db_prep_save(change[field], connection) for field in fields]
            batches[fields].append([*params, key.get_db_prep_save(getattr(obj, key.attname), connection)])
    for fields, rows in batches.items():
        quote, options = connection.ops.quote_name, fields[0].model._meta
        columns = ", ".join(f"{quote(field.column)} = %s" for field in fields)
        sql = f"UPDATE {quote(options.db_table)} SET {columns} WHERE {quote(options.pk.column)} = %s"  # noqa: S608
        with connection.cursor() as cursor:
            cursor.executemany(sql, rows)


def _by_table(change: Changes) -> list[tuple[Any, ...]]:
    tables: defaultdict[type[Model], list[Any]] = defaultdict(list)
    for field in change:
        tables[field.model].append(field)
    return [tuple(fields) for fields in tables.values()]


def _equal(objects: Sequence[Model], changes: Mapping[Any, Changes]) -> list[tuple[Changes, list[Model]]]:
    """Return the different changes, each with the objects that it is for."""
    groups: dict[Any, tuple[Changes, list[Model]]] = {}
    for obj in objects:
        change = changes[obj.pk]
        key = tuple((field, type(value), _hashable(value)) for field, value in change.items())
        groups.setdefault(key, (change, []))[1].append(obj)
    return list(groups.values())


def _hashable(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value


def _differences(obj: Model, wanted: Mapping[str, Any]) -> Changes:
    differences: Changes = {}
    for name, value in wanted.items():
        field = _field(type(obj), name)
        new = getattr(value, field.target_field.attname) if isinstance(value, Model) else value
        if hasattr(value, "resolve_expression") or getattr(obj, field.attname) != field.to_python(new):
            differences[field] = new
    return differences


def _field(model: type[Model], name: str) -> Any:
    for field in model._meta.concrete_fields:
        if name in {field.name, field.attname} and not field.primary_key and not field.generated:
            return field
    raise InvalidOperation(f"{name!r} is no field of {model._meta.label} that can be set.")


def _assign(obj: Model, change: Changes) -> None:
    for field, value in change.items():
        setattr(obj, field.attname, value)


def _auto_now(model: type[Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if getattr(field, "auto_now", False)]


def _has_expression(change: Changes) -> bool:
    return any(hasattr(value, "resolve_expression") for value in change.values())


def _using(obj: Model) -> str:
    return obj._state.db or router.db_for_write(type(obj))
