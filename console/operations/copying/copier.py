"""Makes copies: numbers, keys, the copies themselves, then what belongs to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from console.exceptions import ItemFailed
from console.operations.base import Span
from console.operations.copying import rows, statements
from console.operations.copying.numbers import Numbering
from console.operations.copying.pieces import Piece, UniqueValue, Want, reserve
from console.operations.copying.plans import Plan, Table


@dataclass(frozen=True)
class Declared:
    """What the operation's class says about the way copies are made: may the database, and which hooks need Python?"""

    set_based: bool
    overridden: tuple[str, ...]


@dataclass(frozen=True)
class Hooks:
    """What the operation has to say while copies are made.

    Attributes:
        declared: What its class says.
        unique_value: Makes the value of a unique field.
        copy_instance: Changes a copy before it is written; None where the operation changes nothing.
    """

    declared: Declared
    unique_value: UniqueValue
    copy_instance: Callable[[Any, Any, int], None] | None


class Copier:
    """Copies spans of objects as `plan` says.

    Args:
        plan: How the model is copied.
        using: The database's alias.
        hooks: What the operation says.
    """

    def __init__(self, plan: Plan, using: str, hooks: Hooks) -> None:
        self.plan, self.using, self.hooks = plan, using, hooks
        self.numbering = Numbering(plan, using, hooks.unique_value)

    def copy(self, spans: Sequence[Span]) -> list[Piece]:
        """Write the copies and what belongs to them; return which they are, in order.

        Raises:
            IntegrityError: The database refuses a copy.
            ItemFailed: An original no longer exists.
        """
        while True:
            try:
                with transaction.atomic(using=self.using):
                    return self._write(spans)
            except IntegrityError as error:
                if not self.numbering.climb(error):
                    raise

    def _write(self, spans: Sequence[Span]) -> list[Piece]:
        originals = {span.obj.pk: span.obj for span in spans}
        wants = self.numbering.wants(spans)
        if self.plan.by_save:
            pieces = self._save(wants)
        else:
            pieces = reserve(self.plan, self.using, wants, self.hooks.unique_value)
            self._write_copies(originals, pieces)
        for table in self.plan.related:
            self._write_related(table, originals, pieces)
        return pieces

    def _write_copies(self, originals: dict[Any, Model], pieces: list[Piece]) -> None:
        if why_python(self.plan, self.hooks.declared):
            rows.write([table.model for table in self.plan.tables], self._instances(originals, pieces), self.using)
            return
        now, wanted = timezone.now(), sum(piece.count for piece in pieces)
        for table in self.plan.tables:
            if statements.insert(self.plan, table, self.using, pieces, now) != wanted:
                self._report_vanished(originals)

    def _write_related(self, table: Table, originals: dict[Any, Model], pieces: list[Piece]) -> None:
        if not related_why_python(self.plan, table, self.hooks.declared):
            statements.insert(self.plan, table, self.using, pieces, timezone.now())
            return
        related = rows.RelatedRows(table, self.plan, self.using, self.hooks.unique_value)
        belonging = related.copies(originals, pieces)
        if table.inherits or (self.plan.by_save and not table.model._meta.auto_created):
            rows.save(belonging, self.using)
        else:
            rows.write([table.model], belonging, self.using)

    def _instances(self, originals: dict[Any, Model], pieces: Sequence[Piece]) -> Iterator[Model]:
        pattern, source = None, object()
        for piece in pieces:
            if pattern is None or piece.source != source:
                source = piece.source
                pattern = rows.Pattern(originals[source], self.plan.kinds, self.hooks.unique_value)
            for number, key in piece.copies():
                yield self._hooked(originals[source], pattern.copy(number, key), number, key)

    def _hooked(self, original: Model, copy: Model, number: int, key: Any) -> Model:
        if self.hooks.copy_instance is not None:
            self.hooks.copy_instance(original, copy, number)
            copy.pk = key
        return copy

    def _save(self, wants: Sequence[Want]) -> list[Piece]:
        pieces = []
        for want in wants:
            pattern = rows.Pattern(want.obj, self.plan.kinds, self.hooks.unique_value)
            for number in range(want.number or 1, (want.number or 1) + want.count):
                key = self._key_to_save(want.obj, number)
                copy = self._hooked(want.obj, pattern.copy(number, key), number, key)
                copy.save(force_insert=True, using=self.using)
                pieces.append(Piece(want.obj.pk, number, 1, copy.pk))
        return pieces

    def _key_to_save(self, original: Model, number: int) -> Any:
        field = self.plan.root.link
        if self.plan.counts_keys:
            return None
        return self.hooks.unique_value(field, original.pk, number) if self.plan.derives_keys else field.get_default()

    def _report_vanished(self, originals: dict[Any, Model]) -> None:
        existing = set(
            self.plan.model._base_manager.using(self.using).values_list("pk", flat=True).filter(pk__in=originals)
        )
        for key, original in originals.items():
            if key not in existing:
                raise ItemFailed(original, _("It was deleted while it was being copied."))


def why_python(plan: Plan, declared: Declared) -> str:
    """Return why the copies themselves are made in Python; empty where the database makes them."""
    if not declared.set_based:
        return "set_based is False"
    if declared.overridden:
        return f"{declared.overridden[0]} is overridden"
    return next((table.why_python for table in plan.tables if table.why_python), "")


def related_why_python(plan: Plan, table: Table, declared: Declared) -> str:
    """Return why the rows of a related table are made in Python; empty where the database makes them."""
    if not table.model._meta.auto_created:  # nobody listens to, or overrides, what Django makes up
        if plan.by_save:
            return plan.by_save
        if not declared.set_based:
            return "set_based is False"
    if "unique_value" in declared.overridden and next(table.numbered(), None):
        return "unique_value is overridden"
    if table.model_field is not None and not plan.counts_keys:
        return f"{table.link} is text, and the keys are no numbers"
    return table.why_python
