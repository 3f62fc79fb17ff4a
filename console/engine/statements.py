"""Statements that Django composes once: what the engine says for each run and chunk then costs its execution alone.

Composing a query of these wide tables takes 0.3 to 0.9 ms of Python, several times what the database needs to answer it.
A statement is composed at its first use, by Django's own compilers, with a `Given` in place of each value; later uses
fill the values in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Expression, F, Field, Model, QuerySet
from django.db.models.constants import OnConflict
from django.db.models.expressions import DatabaseDefault
from django.db.models.query import get_related_populators
from django.db.models.sql import InsertQuery, UpdateQuery

from console.engine.clock import Moment

M = TypeVar("M", bound=Model)
NEW = "new "  # before the name of a value to be written, which a condition may name too


class Given(Expression):
    """The place of a value that each execution gives by this name; with a field, as that field keeps it."""

    def __init__(self, name: str, field: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=field)
        self.name, self._kept_as = name, field

    def resolve_expression(self, *args: Any, **kwargs: Any) -> Given:
        """Return itself: it refers to no column."""
        return self

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Return a placeholder, and itself as its parameter."""
        return "%s", (self,)

    def among(self, values: Mapping[str, Any]) -> Any:
        """Return its value as the database takes it."""
        value = values[self.name]
        return value if self._kept_as is None else self._kept_as.get_db_prep_save(value, connection)


@dataclass(frozen=True)
class Plus:
    """A value to be written: what the column has, and so many more."""

    count: int


@dataclass(frozen=True)
class Bound:
    """A statement with its values."""

    sql: str
    params: Sequence[Any]

    def run(self) -> int:
        """Execute it, and return how many rows it concerned."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.params)
            return int(cursor.rowcount)

    def row(self) -> Any:
        """Execute it, and return its first row, or None."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.params)
            return cursor.fetchone()

    def rows(self) -> list[Any]:
        """Execute it, and return its rows."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.params)
            found: list[Any] = cursor.fetchall()
            return found

    def after(self, *others: Bound) -> Bound:
        """Execute `others` before this statement, where the database can in one go with it; none may see what another writes.

        Returns:
            What is left to execute.
        """
        if not others or connection.vendor != "postgresql":
            for other in others:
                other.run()
            return self
        before = ", ".join(f"step{n} AS ({other.sql})" for n, other in enumerate(others))
        return Bound(f"WITH {before} {self.sql}", [p for one in (*others, self) for p in one.params])


@dataclass(frozen=True)
class _Composed:
    """A statement with places for its values."""

    sql: str
    params: tuple[Any, ...]

    def with_values(self, values: Mapping[str, Any]) -> Bound:
        return Bound(self.sql, [p.among(values) if isinstance(p, Given) else p for p in self.params])


class Rows(Generic[M]):
    """A query set whose values are given at each execution; it is composed once, its updates once for each shape."""

    def __init__(self, compose: Callable[[], QuerySet[M, Any]]) -> None:
        self._compose = compose
        self._reading: _Reading | None = None
        self._updates: dict[tuple[Any, ...], _Composed] = {}

    def read(self, **given: Any) -> list[Any]:
        """Return the rows found: instances, or tuples if the query set asks for values."""
        return self._composed_reading().read(given)

    def reading(self, **given: Any) -> Bound:
        """Return the statement of `read`, to be part of another one."""
        return self._composed_reading().bound(given)

    def first(self, **given: Any) -> Any:
        """Return the first row found, or None."""
        return next(iter(self.read(**given)), None)

    def update(self, given: Mapping[str, Any], /, **values: Any) -> int:
        """Update the rows found, and return how many they were.

        Args:
            given: The values of the conditions.
            values: The columns to write: values, `Plus`, moments, or expressions that do not change from one use to the
                next: each other one would be composed, and kept.
        """
        return self.updating(given, **values).run()

    def updating(self, given: Mapping[str, Any], /, **values: Any) -> Bound:
        """Return the statement of `update`."""
        shape = tuple([(name, _shape_of(value)) for name, value in values.items()])
        composed = self._updates.get(shape)
        if composed is None:
            composed = self._updates[shape] = self._composed_update(values)
        return composed.with_values({**given, **{NEW + name: _given(value) for name, value in values.items()}})

    def _composed_reading(self) -> _Reading:
        if self._reading is None:
            self._reading = _Reading(self._compose())
        return self._reading

    def _composed_update(self, values: Mapping[str, Any]) -> _Composed:
        rows = self._compose().order_by()
        field_of = rows.model._meta.get_field
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values({name: _written(name, field_of(name), value) for name, value in values.items()})
        sql, params = query.get_compiler(connection=connection).as_sql()
        return _Composed(sql, tuple(params))


class _Reading:
    """A composed SELECT, and how Django makes instances of its rows."""

    def __init__(self, rows: QuerySet[Any, Any]) -> None:
        compiler = rows.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        self._composed = _Composed(sql, tuple(params))
        select = compiler.select
        self._converters = compiler.get_converters([column[0] for column in select])
        self._info: Any = None if rows.query.values_select else compiler.klass_info
        if self._info:
            fields = self._info["select_fields"]
            self._own = slice(fields[0], fields[-1] + 1)
            self._names = [column[0].target.attname for column in select[self._own]]
            # The stubs are those of Django 6.1, which wants one argument more.
            self._related = get_related_populators(self._info, select, connection.alias)  # type: ignore[call-arg]
            self._annotations = compiler.annotation_col_map or {}

    def bound(self, given: Mapping[str, Any]) -> Bound:
        return self._composed.with_values(given)

    def read(self, given: Mapping[str, Any]) -> list[Any]:
        rows = [_converted(row, self._converters) for row in self.bound(given).rows()]
        return [self._instance(row) for row in rows] if self._info else rows

    def _instance(self, row: Sequence[Any]) -> Model:
        instance: Model = self._info["model"].from_db(connection.alias, self._names, row[self._own])
        for populator in self._related:
            populator.populate(row, instance)
        for name, position in self._annotations.items():
            setattr(instance, name, row[position])
        return instance


class _Inserting:
    """A composed INSERT of one row, and what the database gives back of it: the key, and what it filled in."""

    def __init__(
        self, model: type[Model], written: Mapping[Field[Any, Any], Any], on_conflict: OnConflict | None
    ) -> None:
        query: Any = InsertQuery(model, on_conflict=on_conflict)
        query.insert_values(list(written), [_Raw(written)], raw=True)
        [(sql, params)] = query.get_compiler(connection=connection).as_sql()
        self.returned = [model._meta.pk, *[f for f, value in written.items() if isinstance(value, DatabaseDefault)]]
        columns = [field.get_col(model._meta.db_table) for field in self.returned]
        names = ", ".join(connection.ops.quote_name(str(field.column)) for field in self.returned)
        self._converters = query.get_compiler(connection=connection).get_converters(columns)
        self._composed = _Composed(f"{sql} RETURNING {names}", tuple(params))

    def with_values(self, values: Mapping[str, Any]) -> Bound:
        return self._composed.with_values(values)

    def give(self, instance: Model, row: Sequence[Any]) -> None:
        """Give the instance what the database returned."""
        for field, value in zip(self.returned, _converted(row, self._converters), strict=True):
            setattr(instance, field.attname, value)
        instance._state.adding = False
        instance._state.db = connection.alias


class _Raw:
    """Looks to Django's compiler like an instance with values to be inserted."""

    def __init__(self, written: Mapping[Field[Any, Any], Any]) -> None:
        self.__dict__.update({field.attname: value for field, value in written.items()})


_inserts: dict[tuple[Any, ...], _Inserting] = {}


def insert(instance: Model, *first: Bound) -> None:
    """Insert an instance, and give it its key and what the database filled in; no signal is sent.

    Args:
        instance: An unsaved instance of a model whose key the database counts.
        first: Statements to execute before, where the database can in one go with it.
    """
    _insert(instance, None, *first)


def insert_unless_there(instance: Model) -> bool:
    """Insert an instance as `insert` does, unless a unique key of it is taken; tells whether it was inserted.

    It waits for a transaction that has just taken the key. SQLite passes over other constraints too: after False, look.
    """
    return _insert(instance, OnConflict.IGNORE)


def _insert(instance: Model, on_conflict: OnConflict | None, *first: Bound) -> bool:
    values = [(field, field.pre_save(instance, add=True)) for field in _inserted_fields(type(instance))]
    shape = (type(instance), on_conflict, *[_shape_of(value) for _field, value in values])
    inserting = _inserts.get(shape)
    if inserting is None:
        written = {field: _written(field.attname, field, value) for field, value in values}
        inserting = _inserts[shape] = _Inserting(type(instance), written, on_conflict)
    bound = inserting.with_values({NEW + field.attname: _given(value) for field, value in values})
    row = bound.after(*first).row()
    if row is not None:
        inserting.give(instance, row)
    return row is not None


@cache
def _inserted_fields(model: type[Model]) -> list[Field[Any, Any]]:
    return [field for field in model._meta.local_concrete_fields if not field.primary_key]


def _is_plain(value: Any) -> bool:
    return not hasattr(value, "resolve_expression")


def _shape_of(value: Any) -> Any:
    """Return what of a value changes the text of a statement: nothing, of plain ones."""
    if isinstance(value, Plus | Moment | DatabaseDefault):
        return type(value)
    return None if _is_plain(value) else value


def _written(name: str, field: Any, value: Any) -> Any:
    """Return the expression to be written where values of this value's shape are given by `name`."""
    if isinstance(value, Plus):
        return F(name) + Given(NEW + name, field)
    if isinstance(value, Moment):
        return Moment(Given(NEW + name))
    return Given(NEW + name, field) if _is_plain(value) else value


def _given(value: Any) -> Any:
    """Return what an execution gives of a value."""
    if isinstance(value, Plus):
        return value.count
    return value.microseconds if isinstance(value, Moment) else value


def _converted(row: Sequence[Any], converters: Mapping[int, tuple[Any, Any]]) -> Sequence[Any]:
    if not converters:
        return row
    converted = list(row)
    for position, (steps, expression) in converters.items():
        for step in steps:
            converted[position] = step(converted[position], expression, connection)
    return converted
