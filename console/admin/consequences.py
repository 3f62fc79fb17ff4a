"""What will happen, in sentences drawn from what an operation declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db.models import CASCADE, Model, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.admin.words import counted
from console.engine.admission import limit_of
from console.engine.people import User
from console.engine.verbs import PERMISSIONS
from console.engine.wakeups import is_away
from console.models import Run
from console.operations import BaseOperation, Copy, FileOperation, Hold
from console.reports.waiting import is_served
from console.reports.words import number
from console.states import WORKING, Verb

if TYPE_CHECKING:
    from console.admin.selection import Chosen


def consequences(operation: type[BaseOperation], model: type[Model], chosen: Chosen, user: User) -> list[str]:
    """Return the sentences for `user`, the gravest first."""
    what = counted(model, chosen.count)
    return [
        *_deleted(operation, model, chosen),
        *_held(operation, chosen.count, what, str(model._meta.verbose_name)),
        *always(operation, user),
    ]


def always(operation: type[BaseOperation], user: User) -> list[str]:
    """Return the sentences that do not depend on objects."""
    return [*_sent(operation), f"{_stopping(user)} {_stays(operation)}", *_waits(operation), *_starts_later(operation)]


def _stopping(user: User) -> str:
    """Who asks for a run may always cancel it; pausing has its permission."""
    if user.has_perm(PERMISSIONS[Verb.PAUSE]):
        return _("You may pause or cancel at any time.")
    return _("You may cancel at any time.")


def _stays(operation: type[BaseOperation]) -> str:
    if issubclass(operation, FileOperation):
        return _("No file is made then.")
    if issubclass(operation, Copy):
        return _("Copies already made stay.")
    if operation.deletes:
        return _("What is deleted by then stays deleted.")
    return _("What was sent by then stays sent.") if operation.external else _("What is done by then stays.")


def _held(operation: type[BaseOperation], count: int, what: str, noun: str) -> Iterator[str]:
    if operation.hold != Hold.NONE:
        yield ngettext(
            "Until the run ends nobody can change or delete this %(noun)s. It can be read.",
            "Until the run ends nobody can change or delete these %(what)s. They can be read.",
            count,
        ) % {"what": what, "noun": noun}
    elif issubclass(operation, FileOperation):
        yield ngettext(
            "This %(noun)s is not changed, and stays free: it is written as it is when the run reaches it.",
            "These %(what)s are not changed, and stay free: each is written as it is when the run reaches it.",
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
    for child, found in _cascading(model, chosen.selection.rows()).items():
        if children := found.count():
            yield _("Also deletes %(what)s.") % {"what": counted(child, children)}
    yield _("It cannot be undone.")


def _cascading(model: type[Model], rows: QuerySet[Any]) -> dict[type[Model], QuerySet[Any]]:
    """Return what goes along when `rows` go, by model: their children, the children's children, and so on."""
    found: dict[type[Model], QuerySet[Any]] = {}
    waiting = [(model, rows)]
    while waiting:
        parent, parents = waiting.pop()
        for relation in parent._meta.related_objects:
            child: Any = relation.related_model
            if relation.on_delete is CASCADE and child not in {model, *found}:
                found[child] = child._base_manager.filter(**{f"{relation.field.name}__in": parents})
                waiting.append((child, found[child]))
    return found


def _waits(operation: type[BaseOperation]) -> Iterator[str]:
    limit = limit_of(operation.name)
    if limit is None:
        return
    working = Run.objects.filter(operation=operation.name, state__in=WORKING).count()
    if working >= limit:
        yield ngettext(
            "%(count)s such run is working; yours starts when one ends.",
            "%(count)s such runs are working; yours starts when one ends.",
            working,
        ) % {"count": number(working)}


def _starts_later(operation: type[BaseOperation]) -> Iterator[str]:
    if not is_served(operation.queue):
        yield _("No worker serves “%(queue)s” now. Your run will wait.") % {"queue": operation.queue}
    elif is_away(operation.queue):
        yield _("The message broker is away. Your run is accepted and safe, and starts when the broker is back.")
