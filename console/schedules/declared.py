"""Schedules that the code declares: made when they are new, followed where nobody has changed them, never overwritten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from console.exceptions import InvalidOperation
from console.models import Schedule
from console.operations.base import BaseOperation
from console.schedules import store
from console.schedules.editing import write
from console.schedules.store import Entry
from console.schedules.timing import Pattern, Timing

OperationClass = TypeVar("OperationClass", bound=type[BaseOperation])
OURS = ("params", "selection", "overlap", "missed", "catch_up", "pause_after", "spread", "max_duration")


@dataclass(frozen=True)
class Declaration:
    """A schedule as the code wants it; `key` stays the same when everything else changes."""

    key: str
    name: Any
    operation: str
    timing: Timing
    fields: Mapping[str, Any] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """Return what is kept of it, to tell later what somebody has changed since."""
        with override(None):
            name = str(self.name)
        return {
            "key": self.key,
            "name": name,
            "timing": str(self.timing),
            "operation": self.operation,
            **{name: getattr(Schedule(), name) for name in OURS},
            **self.fields,
        }


_declared: dict[str, Declaration] = {}


def schedule(
    pattern: Pattern,
    *,
    name: Any,
    key: str = "",
    params: Mapping[str, Any] | None = None,
    filter: str | None = None,  # noqa: A002 - what it is called on the page
    **policies: Any,
) -> Callable[[OperationClass], OperationClass]:
    """Declare a schedule of an operation, as a decorator above ``@register``.

    It acts for the code itself, with no person's permissions, until staff give it an owner.

    Args:
        pattern: When: a `Crontab`, an `Interval`.
        name: What staff call it.
        key: What it is known by for ever; by default the operation's name.
        params: The form's fields by name.
        filter: The query of the change list that selects the objects; for operations on objects.
        policies: Fields of `Schedule`: `overlap`, `missed`, `catch_up`, `pause_after`, `spread`, `max_duration`.

    Raises:
        InvalidOperation: The operation is not registered, two schedules have one key, or a policy is unknown.
        InvalidTiming: There are no such times.
    """

    def decorate(operation: OperationClass) -> OperationClass:
        fields = {**policies, "params": dict(params or {})}
        if operation.selection is not None:
            fields["selection"] = {"site": "admin", "query": filter or ""}
        _add(Declaration(key or operation.name, name, operation.name, Timing(pattern), fields))
        return operation

    return decorate


def _add(declaration: Declaration) -> None:
    if unknown := sorted(declaration.fields.keys() - set(OURS)):
        raise InvalidOperation(f"The schedule {declaration.key!r} declares {unknown[0]!r}, which no schedule has.")
    if not declaration.operation:
        raise InvalidOperation(f"The schedule {declaration.name!r} is of an operation without a name.")
    if _declared.get(declaration.key, declaration).operation != declaration.operation:
        raise InvalidOperation(f"Two schedules have the key {declaration.key!r}. Give one of them another.")
    declaration.timing.check()
    _declared[declaration.key] = declaration


def declaration_of(schedule: Schedule) -> Declaration | None:
    """Return what the code declares of a schedule now; None where it does not, or no longer."""
    return _declared.get((schedule.declared or {}).get("key", ""))


def differs(schedule: Schedule, entry: Entry) -> bool:
    """Tell whether staff have changed what the code declares."""
    declaration = declaration_of(schedule)
    return declaration is not None and bool(_changed(schedule, entry, declaration.values()))


def sync() -> Iterator[str]:
    """Make the schedules that the code declares, follow its changes where nobody has made any, and yield what was done."""
    for declaration in list(_declared.values()):
        try:
            yield _sync(declaration)
        except (IntegrityError, ValidationError):
            yield _("%(name)s: left alone, another schedule has its name.") % {"name": declaration.name}
    lost = Schedule.objects.filter(declared__isnull=False).exclude(declared__key__in=list(_declared))
    for schedule in lost:
        name = store.entry_of(schedule.task_id).name
        yield _("%(name)s: no longer declared. It goes on; switch it off or delete it.") % {"name": name}


@transaction.atomic
def _sync(declaration: Declaration) -> str:
    wanted = declaration.values()
    found = Schedule.objects.select_for_update(no_key=True).filter(declared__key=declaration.key).first()
    if found is None:
        made = Schedule(operation=declaration.operation, declared=wanted, **_ours(wanted))
        write(made, name=wanted["name"], timing=declaration.timing, moment=timezone.now())
        return _("%(name)s: made.") % {"name": wanted["name"]}
    entry = store.entry_of(found.task_id)
    kept = _changed(found, entry, found.declared)
    followed = [name for name, value in wanted.items() if found.declared.get(name) != value and name not in kept]
    if found.declared != wanted:
        apply(found, entry, declaration, followed)
    told = _("kept what staff changed: %(names)s") % {"names": ", ".join(kept)} if kept else ""
    if followed:
        told = "; ".join(filter(None, (_("followed the code: %(names)s") % {"names": ", ".join(followed)}, told)))
    return f"{entry.name}: {told or _('unchanged')}."


def reset(schedule: Schedule) -> None:
    """Put back what the code declares; whether it is on stays as it is."""
    declaration = declaration_of(schedule)
    if declaration is not None:
        schedule.owner = None
        apply(schedule, store.entry_of(schedule.task_id), declaration, list(declaration.values()))


def apply(schedule: Schedule, entry: Entry, declaration: Declaration, names: list[str]) -> None:
    """Write these values of a declaration, and keep what it says now."""
    wanted = declaration.values()
    for name in set(names) & {"operation", *OURS}:
        setattr(schedule, name, wanted[name])
    schedule.declared = wanted
    if not set(names) & {"name", "timing"}:
        schedule.save()
        return
    write(
        schedule,
        name=wanted["name"] if "name" in names else entry.name,
        timing=declaration.timing if "timing" in names else entry.timing,
        enabled=entry.enabled,
        description=store.description_of(entry.pk),
        **store.options_of(entry.pk),
    )


def _changed(schedule: Schedule, entry: Entry, declared: Mapping[str, Any]) -> list[str]:
    """Return the names of what is not as it was declared."""
    now = {"name": entry.name, "timing": str(entry.timing), "operation": schedule.operation}
    now |= {name: getattr(schedule, name) for name in OURS}
    changed = [name for name, value in now.items() if name in declared and declared[name] != value]
    return [*changed, "owner"] if schedule.owner_id else changed


def _ours(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in OURS}


def sync_after_migrate(using: str, **_kwargs: Any) -> None:
    """Sync where the tables are there: they are not after a migration back to nothing."""
    if using == DEFAULT_DB_ALIAS and Schedule._meta.db_table in connection.introspection.table_names():
        list(sync())
