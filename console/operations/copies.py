"""Copy: the given number of copies of each object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, ClassVar

from django.db import router
from django.db.models import CharField, Field, Model, TextField
from django.utils.translation import gettext as _

from console.exceptions import InvalidOperation
from console.operations.base import Hold, Operation, Result, Results, Span
from console.operations.copying.copier import Copier, Declared, Hooks, related_why_python, why_python
from console.operations.copying.pieces import Piece
from console.operations.copying.plans import Plan, make_plan
from console.operations.copying.values import numbered

RESULTS = 10


class Copy(Operation):
    """Make copies of each selected object.

    What a copy takes over: every column, in the tables of parent models too; foreign keys and file fields refer to what
    the original refers to. What it does not: the key; fields that set themselves to the time of saving; fields whose
    database default is an expression (a literal default is kept like any value); generated columns; unique fields, for
    which see `unique_value`. Of fields that are unique together one gets a value of its own. What any other constraint
    refuses fails as that item.

    `related` names what is copied with it: many-to-many relations, with or without a model of their own, generic
    relations, and rows that refer to the original by a foreign key. Of those rows the columns are copied, by the same
    rules; what belongs to *them* in turn is not.

    **Two paths.** Where nothing needs Python, rows are copied inside the database, one ``INSERT … SELECT`` a table. Where
    a hook is overridden or a default is a function they are made in Python and written in bulk. The path is chosen for
    each table, so that related rows need not be slow because copies are; `path` says which and why. Like ``bulk_create``, neither calls ``save()`` nor sends signals; ``send_signals``
    does, for the copies and for related rows (never ``m2m_changed``), and is many times slower.

    Attributes:
        cleared: Names of fields that copies do not take over: they get their default, or stay empty.
        send_signals: Whether copies are made by ``save()``, with its signals.
        set_based: False to make copies in Python even where the database could.
    """

    hold: ClassVar[Hold] = Hold.SHARED
    needs: ClassVar[str] = "add"
    repeatable: ClassVar[bool] = True
    cleared: ClassVar[tuple[str, ...]] = ()
    send_signals: ClassVar[bool] = False
    set_based: ClassVar[bool] = True

    def __init__(self, params: Mapping[str, Any] | None = None) -> None:
        """Validate `params`, the raw data of the form."""
        super().__init__(params)
        self._copier: Copier | None = None

    def parts(self) -> int:
        """Return how many copies of each object are wanted: the parameter ``copies``, if the form has it."""
        return int(self.params.get("copies") or 1)

    def copy_instance(self, original: Any, copy: Any, number: int) -> None:
        """Change a copy before it is written, for example its title; override it where that is wanted.

        Args:
            original: The object that is copied.
            copy: The unsaved copy, its unique fields already set. Its key is given and stays.
            number: The copy's number among those of `original`, from 1; where numbers are taken, a higher one.

        Raises:
            ItemFailed: This object cannot be copied.
            Skip: This object is left out.
        """

    def unique_value(self, field: Field[Any, Any], value: Any, number: int) -> Any:
        """Return the value of a unique field for a copy: ``<value>-copy-<number>``, cut to the longest length.

        Override it for other values, and for fields that are no text. It must give another value for each number, and
        the same value again for the same number. `field` may also belong to a related row.

        Args:
            field: The field.
            value: The original's value, never None.
            number: The copy's number.
        """
        if not isinstance(field, CharField | TextField):
            raise InvalidOperation(f"No unique value can be made up for {field}. Override unique_value().")
        return numbered(value, number, field.max_length)

    def process(self, objects: Sequence[Any]) -> Results:
        """Copy each object once."""
        return self.process_spans([Span(obj) for obj in objects])

    def process_spans(self, spans: Sequence[Span]) -> Results:
        """Make the copies of `spans`, inside the checkpoint's transaction.

        Returns:
            By the original's key, its copies among the first ten.
        """
        if not spans:
            return None
        if self._copier is None:
            self._copier = self._make_copier(spans[0].obj)
        return _results(self._copier.copy(spans), {span.obj.pk: span.obj for span in spans})

    @classmethod
    def plan(cls, model: type[Model] | None = None) -> Plan:
        """Return how `model` (by default the registered one) is copied.

        Raises:
            InvalidOperation: It cannot be copied as declared; the message names the cure.
        """
        model = model or cls.model
        if model is None:
            raise InvalidOperation(f"{cls.__qualname__} is registered for no model, so there is nothing to copy.")
        return _plan(cls, model)  # type: ignore[arg-type]

    @classmethod
    def path(cls, model: type[Model] | None = None) -> str:
        """Return how copies are made and why, for the run's details.

        Raises:
            InvalidOperation: The model cannot be copied as declared.
        """
        plan, said = cls.plan(model), cls._declared()
        if plan.by_save:
            return _("One by one by save(), because %(why)s.") % {"why": plan.by_save}
        told = {plan.model: why_python(plan, said)} | {t.model: related_why_python(plan, t, said) for t in plan.related}
        reasons = [f"{model._meta.label}: {reason}" for model, reason in told.items() if reason]
        if not reasons:
            return _("Inside the database, by INSERT … SELECT.")
        return _("In Python, written in bulk (%(why)s).") % {"why": "; ".join(reasons)}

    @classmethod
    def overrides(cls, hook: str) -> bool:
        """Tell whether the method called `hook` is overridden."""
        return getattr(cls, hook) is not getattr(Copy, hook)

    @classmethod
    def _declared(cls) -> Declared:
        return Declared(cls.set_based, tuple(filter(cls.overrides, ("copy_instance", "unique_value"))))

    def _make_copier(self, obj: Model) -> Copier:
        hook = self.copy_instance if self.overrides("copy_instance") else None
        hooks = Hooks(self._declared(), self.unique_value, hook)
        return Copier(self.plan(type(obj)), obj._state.db or router.db_for_write(type(obj)), hooks)


@cache
def _plan(operation: type[Copy], model: type[Model]) -> Plan:
    by_save = "send_signals is True" if operation.send_signals else ""
    hooked = operation.overrides("unique_value")
    return make_plan(model, operation.related, operation.cleared, hooked=hooked, by_save=by_save)


def _results(pieces: Sequence[Piece], originals: Mapping[Any, Model]) -> Results:
    found: dict[Any, list[Result]] = {}
    each = ((piece.source, number, key) for piece in pieces for number, key in piece.copies())
    for source, number, key in islice(each, RESULTS):
        found.setdefault(source, []).append(_result(originals[source], number, key))
    return found


def _result(original: Model, number: int, key: Any) -> Result:
    # Made without reading the copy: a look at ten rows a chunk would be felt.
    text = _("%(object)s, copy %(number)d") % {"object": original, "number": number}
    return Result(text[:200], original._meta.app_label, str(original._meta.model_name), str(key))
