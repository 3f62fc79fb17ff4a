"""What the command takes on its line, and what the names there stand for."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db.models import Model
from django.utils.translation import gettext as _

from console.engine.selection import Selection
from console.exceptions import UnknownOperation
from console.models import Run, Target
from console.operations import BaseOperation, get_operation, operations
from console.states import State

if TYPE_CHECKING:
    from console.engine.people import User


def declare(parser: ArgumentParser) -> None:
    """Declare one parser for each verb."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="verb")
    add_questions(verbs)
    add_start(verbs)
    add_verb(verbs, "cancel", "Stop a run; what is done stays.")
    add_verb(verbs, "pause", "Stop a run until it is resumed; its objects stay locked.")
    add_verb(verbs, "resume", "Go on with a paused run; try a waiting one again now.")
    retry = add_verb(verbs, "retry", "Make a new run of what an ended run has left undone.")
    retry.add_argument("--only", choices=Run.Only.values, default=Run.Only.UNDONE.value, help="default: undone")
    retry.add_argument("--group", default="", help="only the failures of this group, as “show” lists them")
    withdraw = add_verb(verbs, "withdraw", "Leave one object out of a run that has not reached it.")
    which = withdraw.add_mutually_exclusive_group(required=True)
    which.add_argument("--target", type=int, help="the target's id")
    which.add_argument("--object", help="the object's primary key")


def add_questions(verbs: Any) -> None:
    """Declare what only looks, or repairs."""
    listing = add_parser(verbs, "list", "List the newest runs.")
    listing.add_argument("--state", choices=State.values, default="")
    listing.add_argument("--operation", default="", help="the operation's name, such as notes.copy")
    listing.add_argument("--active", action="store_true", help="only runs that have not ended")
    listing.add_argument("--limit", type=int, default=20, help="default: 20")
    add_parser(verbs, "show", "Show a run: state, counts, failures, history.").add_argument("run", type=int)
    add_parser(verbs, "sweep", "Send what is owed, and end what is over; for when no scheduler does.")
    add_parser(
        verbs, "sync-schedules", "Make and follow the schedules that the code declares; what staff changed is kept."
    )
    add_parser(verbs, "doctor", "Tell what is wrong, how urgent it is, and its cure.")


def add_start(verbs: Any) -> None:
    """Declare how an operation is started."""
    start = add_parser(verbs, "start", "Start an operation.")
    start.add_argument("operation", help="its name, such as notes.copy")
    which = start.add_mutually_exclusive_group()
    which.add_argument("--ids", default="", help="primary keys of the objects, separated by commas")
    which.add_argument("--all", action="store_true", help="every object of the operation's model")
    start.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="may be given several times")
    start.add_argument("--user", help="who asks; without it the console itself, who may do anything")
    start.add_argument("--key", help="the same key is the same run, however often it is given")
    start.add_argument("--dry-run", action="store_true", help="change nothing, keep the report")
    start.add_argument("--leave-held-out", action="store_true", help="leave out what other runs hold, do not refuse")


def add_verb(verbs: Any, name: str, said: str) -> ArgumentParser:
    """Declare a verb that acts on a run."""
    verb = add_parser(verbs, name, said)
    verb.add_argument("run", type=int, help="the run's id")
    verb.add_argument("--user", help="who asks; without it the console itself, who may do anything")
    verb.add_argument("--reason", default="", help="kept in the run's history")
    return verb


def add_parser(verbs: Any, name: str, said: str) -> ArgumentParser:
    """Declare a verb, with what all verbs have."""
    parser: ArgumentParser = verbs.add_parser(name, help=said, description=said)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def find_run(pk: int) -> Run:
    """Return a run as it is now."""
    run = Run.objects.select_related("asked_by", "content_type").filter(pk=pk).first()
    if run is None:
        raise CommandError(_("There is no run %(run)s. “console list” shows those there are.") % {"run": pk})
    return run


def find_operation(name: str) -> type[BaseOperation]:
    """Return an operation by its name."""
    try:
        return get_operation(name)
    except UnknownOperation as error:
        known = ", ".join(sorted(operation.name for operation in operations()))
        raise CommandError(
            _("There is no operation “%(name)s”. There are: %(known)s") % {"name": name, "known": known}
        ) from error


def find_user(name: str | None) -> User | None:
    """Return the person called `name`; None stands for the console itself."""
    if name is None:
        return None
    users = get_user_model()
    try:
        return cast("User", users._default_manager.get_by_natural_key(name))
    except users.DoesNotExist as error:
        raise CommandError(_("Nobody is called “%(name)s”.") % {"name": name}) from error


def find_target(run: int, key: str) -> int:
    """Return the target of `run` that stands for the object with the primary key `key`."""
    target = Target.objects.filter(run=run, object_id=key).first()
    if target is None:
        raise CommandError(_("Run %(run)s does not work on the object %(key)s.") % {"run": run, "key": key})
    return target.pk


def selection_of(operation: type[BaseOperation], ids: str, *, everything: bool) -> Selection | None:
    """Return the objects that were named."""
    model: type[Model] | None = operation.model
    if model is None or operation.selection is None:
        if ids or everything:
            raise CommandError(
                _("“%(name)s” works on no objects: leave --ids and --all out.") % {"name": operation.name}
            )
        return None
    if everything:
        return Selection.of_queryset(model._default_manager.all())
    keys = [key.strip() for key in ids.split(",") if key.strip()]
    if not keys:
        raise CommandError(_("Name the objects: --ids 1,2,3 or --all"))
    try:
        return Selection.of_keys(model, [model._meta.pk.to_python(key) for key in keys])
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error


def params_of(given: list[str]) -> dict[str, Any]:
    """Return the parameters; one that is given several times is a list.

    >>> params_of(["copies=10", "tags=1", "tags=2"])
    {'copies': '10', 'tags': ['1', '2']}
    """
    values: dict[str, list[str]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise CommandError(_("“%(text)s” is not NAME=VALUE.") % {"text": text})
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}
