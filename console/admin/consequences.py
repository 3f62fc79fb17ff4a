"""What will happen, in sentences drawn from what an operation declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.db.models import CASCADE, Model
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.admin.words import counted
from console.models import Run
from console.operations import BaseOperation, Hold
from console.states import WORKING

if TYPE_CHECKING:
    from console.admin.selection import Chosen


def consequences(operation: type[BaseOperation], model: type[Model], chosen: Chosen) -> list[str]:
    """Return the sentences, the gravest first."""
    what = counted(model, chosen.count)
    return [
        *_deleted(operation, model, chosen),
        *_held(operation, chosen.count, what, str(model._meta.verbose_name)),
        *always(operation),
    ]


def always(operation: type[BaseOperation]) -> list[str]:
    """Return the sentences that do not depend on objects."""
    return [
        *_sent(operation),
        _("You may pause or cancel at any time. What is done by then stays."),
        *_waits(operation),
    ]


def _held(operation: type[BaseOperation], count: int, what: str, noun: str) -> Iterator[str]:
    if operation.hold != Hold.NONE:
        yield ngettext(
            "Until the run ends nobody can change or delete this %(noun)s. It can be read.",
            "Until the run ends nobody can change or delete these %(what)s. They can be read.",
            count,
        ) % {"what": what, "noun": noun}
    if operation.hold == Hold.SHARED:
        yield _("Other runs that only read may work at the same time.")


def _sent(operation: type[BaseOperation]) -> Iterator[str]:
    if operation.external:
        yield _("What was sent cannot be taken back. A dry run is not offered: it would send.")


def _deleted(operation: type[BaseOperation], model: type[Model], chosen: Chosen) -> Iterator[str]:
    if not operation.deletes:
        return
    for relation in model._meta.related_objects:
        child = relation.related_model
        if relation.on_delete is CASCADE and isinstance(child, type):
            children = child._base_manager.filter(
                **{f"{relation.field.name}__in": chosen.selection.rows().values("pk")}
            )
            if number := children.count():
                yield _("Also deletes %(what)s.") % {"what": counted(child, number)}
    yield _("It cannot be undone.")


def _waits(operation: type[BaseOperation]) -> Iterator[str]:
    if operation.max_active is None:
        return
    working = Run.objects.filter(operation=operation.name, state__in=WORKING).count()
    if working >= operation.max_active:
        yield (
            ngettext(
                "%d such run is working; yours starts when one ends.",
                "%d such runs are working; yours starts when one ends.",
                working,
            )
            % working
        )
