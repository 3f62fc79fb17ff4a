"""Old forms: a form opened before an exclusive run and saved after it would bring old values back (promise 3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, Max, Model, OuterRef, Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from console.admin import keys
from console.engine.holds import identity_type, object_key
from console.exceptions import ConsoleError
from console.models import Partition, Run, Target
from console.operations import Hold


class StaleForm(ConsoleError):
    """The form was opened before `run` changed the object."""

    def __init__(self, run: Run) -> None:
        self.run = run
        super().__init__(_("Not saved. %(run)s changed it after you opened it.") % {"run": run})


def last_changes(model: type[Model], pks: Iterable[Any]) -> dict[str, int]:
    """Return by ``str(pk)`` the newest target through which an exclusive run reached each object, in one query."""
    wanted = {object_key(model, pk): str(pk) for pk in pks}
    reached = Partition.objects.filter(
        Q(position__gte=OuterRef("pk")) | Q(part__gt=0),
        Q(last=None) | Q(last__gte=OuterRef("pk")),
        run=OuterRef("run"),
        kind=Partition.Kind.WORK,
        first__lte=OuterRef("pk"),
    )
    targets = Target.objects.filter(
        Exists(reached),
        content_type=identity_type(model),
        object_id__in=wanted,
        run__hold=Hold.EXCLUSIVE,
        run__dry_run=False,
        withdrawn=False,
    )
    newest = targets.order_by().values("object_id").annotate(newest=Max("pk")).values_list("object_id", "newest")
    return {wanted[object_id]: target for object_id, target in newest}


def seen_mark(model: type[Model], pks: Iterable[Any]) -> str:
    """Return the hidden mark of a page with these objects; take it before the objects are read."""
    return keys.sign_seen(model, last_changes(model, pks))


def unseen_change(request: HttpRequest, obj: Model) -> Run | None:
    """Return the run that changed `obj` after the posted page was opened; None if the page knows of it, or has no mark."""
    marks = request.POST.getlist(keys.SEEN)
    if not marks:
        return None
    last = last_changes(type(obj), [obj.pk]).get(str(obj.pk), 0)
    seen = keys.read_seen(type(obj), marks + request.POST.getlist(keys.SAVE_MINE))
    if last <= seen.get(str(obj.pk), 0):
        return None
    return Run.objects.get(targets=last)


def check_seen(request: HttpRequest, obj: Model) -> None:
    """Check, with the object's row locked, that the posted page knows of its last change.

    Raises:
        StaleForm: It does not.
    """
    run = unseen_change(request, obj)
    if run is not None:
        raise StaleForm(run)
