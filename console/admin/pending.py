"""What is pending on the objects of a change list: a column, and a filter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.contrib import admin
from django.db.models import CharField, F, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast, Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.admin.base import Part, has_operations
from console.admin.links import run_url
from console.admin.sight import sight
from console.admin.words import strongest
from console.engine.holds import identity_type, object_key
from console.engine.progress import A_PAGE, progress_of
from console.engine.statements import Given, Rows
from console.models import FAILS, Failure, Run, Target
from console.operations import Hold
from console.reports.marks import pending_mark
from console.states import ACTIVE

COLUMN = "pending_work"
RECENTLY = timedelta(days=7)


def pending_targets(model: type[Model], pks: Iterable[Any], *related: str) -> dict[str, list[Target]]:
    """Return by ``str(pk)`` what active runs have to do with each object, the newest last, in one query.

    Args:
        model: The objects' model.
        pks: Their keys.
        related: What is wanted of the runs too, such as ``"run__asked_by"``.
    """
    wanted = {object_key(model, pk): str(pk) for pk in pks}
    found: dict[str, list[Target]] = {}
    for target in _read(identity_type(model).pk, list(wanted), related):
        found.setdefault(wanted[target.object_id], []).append(target)
    return found


def _read(type_id: int, keys: list[str], related: tuple[str, ...]) -> Iterable[Target]:
    if not 0 < len(keys) <= A_PAGE:  # of nothing no statement can be composed: an empty list asks too
        return _of(type_id, keys, related)
    found: list[Target] = _of_few(len(keys), related).read(type=type_id, **{f"key {n}": k for n, k in enumerate(keys)})
    return found


@lru_cache(maxsize=A_PAGE)
def _of_few(count: int, related: tuple[str, ...]) -> Rows[Target]:
    """Return the query as a statement that is composed once for each number of objects: it belongs to every page of a list."""
    return Rows(lambda: _of(Given("type"), [Given(f"key {n}") for n in range(count)], related))


def _of(type_id: Any, keys: list[Any], related: tuple[str, ...]) -> QuerySet[Target]:
    return _pending(type_id).filter(object_id__in=keys).select_related("run", *related).order_by("id")


def _pending(type_id: Any) -> QuerySet[Target]:
    """Return the targets of active runs on objects of one content type, to be narrowed to some objects.

    Objects are to lead to targets, and those to their runs: not the other way round, for a run may have a million of
    them. What is older than the oldest active run is history, which an index leaves out.
    """
    # By an expression, or a database with statistics goes through the ended runs from the first one on.
    oldest = Run.objects.filter(state__in=sorted(ACTIVE)).order_by(F("pk") + 0).values("pk")[:1]
    state = Run.objects.filter(pk=OuterRef("run")).values("state")
    targets = Target.objects.filter(content_type=type_id, withdrawn=False, run__gte=Subquery(oldest))
    return targets.alias(console_state=Subquery(state)).filter(console_state__in=sorted(ACTIVE))


class PendingPart(Part):
    """The part of `OperationsMixin` for the column and the filter."""

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return the list's columns with that of pending work as the last, unless the project placed it."""
        columns = list(super().get_list_display(request))
        return columns if COLUMN in columns or not has_operations(self.model) else [*columns, COLUMN]

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Return the list's filters, with that by pending work."""
        filters = list(super().get_list_filter(request))
        return [*filters, PendingFilter] if has_operations(self.model) else filters

    @admin.display(description=gettext_lazy("Pending work"), empty_value="")
    def pending_work(self, obj: Any) -> str:
        """Return the object's cell: who holds it and how far that is; empty where nothing is pending."""
        return getattr(obj, "console_cell", "")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the list, with the pending work of its whole page looked up at once."""
        response = super().changelist_view(request, extra_context)
        changelist = (getattr(response, "context_data", None) or {}).get("cl")
        if changelist is not None and COLUMN in changelist.list_display:
            self._look_up(request, changelist.result_list)
        return response

    def _look_up(self, request: HttpRequest, shown: Iterable[Any]) -> None:
        found = pending_targets(self.model, [obj.pk for obj in shown])
        named = {key: strongest(targets) for key, targets in found.items()}
        progress = progress_of({target.run_id: target.run for target in named.values()}.values()) if named else {}
        opened = sight(request, self.admin_site).seen(target.run for target in named.values())
        for obj in shown:
            if target := named.get(str(obj.pk)):
                obj.console_cell = pending_mark(
                    target,
                    progress[target.run_id],
                    address=run_url(self.admin_site, target.run_id) if target.run_id in opened else "",
                    more=len(found[str(obj.pk)]) - 1,
                )


class PendingFilter(admin.SimpleListFilter):
    """All, locked now, pending, none, failed in the last seven days."""

    title = gettext_lazy("pending work")
    parameter_name = "pending_work"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the choices beside “All”."""
        return [
            ("locked", _("Locked now")),
            ("pending", _("Pending")),
            ("none", _("None")),
            ("failed", _("Failed in the last 7 days")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the objects of the chosen kind."""
        choice = self.value()
        if choice not in ("locked", "pending", "none", "failed"):
            return queryset
        queryset = queryset.annotate(console_key=Cast("pk", CharField()))
        if choice == "failed":
            return queryset.filter(console_key__in=_failed(queryset.model).values("object_id"))
        targets = _pending(identity_type(queryset.model).pk).filter(object_id=OuterRef("console_key"))
        if choice == "locked":
            targets = targets.filter(hold=Hold.EXCLUSIVE)
        # Asked object by object, which stops where the page is full; EXISTS would be joined to every target of the runs.
        pending = Subquery(targets.order_by("run_id").values("pk")[:1])
        queryset = queryset.alias(console_pending=pending)
        return queryset.filter(console_pending=None) if choice == "none" else queryset.exclude(console_pending=None)


def _failed(model: type[Model]) -> QuerySet[Target]:
    """Return the targets whose item failed lately: found by their failures, so the model's key is kept off its index."""
    failures = Failure.objects.filter(at__gte=timezone.now() - RECENTLY, kind__in=FAILS).order_by().values("target")
    targets = Target.objects.filter(pk__in=failures, withdrawn=False)
    return targets.alias(console_type=Coalesce("content_type", 0)).filter(console_type=identity_type(model).pk)
