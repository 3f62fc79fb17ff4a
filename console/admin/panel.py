"""The panel “Runs on this note”: what is pending on an object, and what happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Exists, Model, OuterRef, Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from console.admin.actions import ActionsPart
from console.admin.links import run_url, runs_url, with_addresses
from console.admin.locked import LockedPart
from console.admin.pending import pending_targets
from console.admin.sight import sight
from console.engine.holds import identity_type, object_key
from console.engine.verbs import verbs_for
from console.models import Failure, Partition, Run, Target
from console.reports.headlines import summary
from console.reports.imports import held_for_its_row, is_import
from console.reports.objects import begun, begun_words, first_failures
from console.reports.samples import KEPT, Sample, samples_of
from console.reports.words import number
from console.states import ACTIVE, Verb

PENDING, LATEST = 20, 10


@dataclass(frozen=True)
class PanelRow:
    """One run on the object: what it did to it, and where to leave the object out of it (empty: too late).

    `results` are those that the run still knows of this object, each with its address; they are all unless `is_cut`.
    """

    run: Run
    hold: str
    url: str
    effect: str
    results: list[tuple[Sample, str]]
    is_cut: bool
    leave_out_url: str


@dataclass(frozen=True)
class Panel:
    """The rows, how many runs of the object there are in all, and where they are listed."""

    rows: list[PanelRow]
    total: int
    url: str


def panel(request: HttpRequest, site: admin.AdminSite, obj: Model) -> Panel:
    """Return the runs on `obj` that the person may see: the newest pending ones first, then the ten latest."""
    pending = pending_targets(type(obj), [obj.pk], "run__asked_by").get(str(obj.pk), [])
    targets = Target.objects.filter(content_type=identity_type(type(obj)), object_id=object_key(type(obj), obj.pk))
    ended = targets.exclude(run__state__in=ACTIVE).select_related("run", "run__asked_by", "run__content_type")
    latest = list(ended.order_by("-run_id")[:LATEST])
    found, seen = [*reversed(pending[-PENDING:]), *latest], sight(request, site)
    opened = seen.seen(target.run for target in found)
    shown = [target for target in found if target.run_id in opened]
    url = runs_url(site, q=f"{obj._meta.model_name} {obj.pk}")
    return Panel(_rows(request, site, shown), targets.count(), url)


def _rows(request: HttpRequest, site: admin.AdminSite, targets: list[Target]) -> list[PanelRow]:
    """Return the rows, in the same queries for any number of them."""
    failures, done = first_failures(targets), _done(targets)
    parts, results = begun({target.run for target in targets}), samples_of(targets, sight(request, site))
    return [
        PanelRow(
            run=target.run,
            hold=target.hold or "" if target.run.is_active else "",
            url=run_url(site, target.run_id),
            effect=_effect(
                target, failures.get(target.pk, (None, 0))[0], parts.get(target.pk, 0), reached=target.pk in done
            ),
            results=with_addresses(site, results[target.pk]),
            is_cut=target.run.is_active or target.run.done > KEPT,
            leave_out_url="" if target.pk in {*done, *parts} else _leave_out_url(request, site, target),
        )
        for target in targets
    ]


def _leave_out_url(request: HttpRequest, site: admin.AdminSite, target: Target) -> str:
    may_leave_out = (
        target.run.is_active and not target.withdrawn and Verb.WITHDRAW in verbs_for(target.run, request.user)
    )
    address = run_url(site, target.run_id, "withdraw") if may_leave_out else ""
    return f"{address}?target={target.pk}" if address else ""


def _done(targets: list[Target]) -> set[int]:
    """Return those of the targets that a cursor has passed."""
    reached = Partition.objects.filter(
        Q(last=None) | Q(last__gte=OuterRef("pk")),
        run=OuterRef("run"),
        kind=Partition.Kind.WORK,
        first__lte=OuterRef("pk"),
        position__gte=OuterRef("pk"),
    )
    ids = [target.pk for target in targets]
    return set(Target.objects.filter(Exists(reached), pk__in=ids).values_list("pk", flat=True))


def _effect(target: Target, failure: Failure | None, parts: int, *, reached: bool) -> str:
    if target.withdrawn:
        return _("left out")
    if is_import(target.run):
        return held_for_its_row(target.run)
    if failure is not None:
        words = _("left out: %(reason)s") if failure.is_skip else _("failed: %(reason)s")
        return words % {"reason": failure.reason}
    if reached:
        return _done_words(target.run)
    if parts:
        return begun_words(target.run, parts)
    return _("not reached yet") if target.run.is_active else _("not reached")


def _done_words(run: Run) -> str:
    if run.dry_run:
        return _("tried, nothing changed")
    words = summary(run)
    return _("done: %(summary)s") % {"summary": words} if words else _("done")


class PanelPart(LockedPart, ActionsPart):
    """The part of `OperationsMixin` that shows, around an object's form, its runs and what can be started on it."""

    def _object_context(self, request: HttpRequest, obj: Model, *, is_popup: bool) -> dict[str, Any]:
        if is_popup:
            return {}
        found, name = panel(request, self.admin_site, obj), self.opts.verbose_name
        return {
            "console_panel": found,
            "console_panel_title": _("Runs on this %(noun)s") % {"noun": name},
            "console_panel_effect": _("What it did to this %(noun)s") % {"noun": name},
            "console_panel_all": _("All %(total)s runs of this %(noun)s")
            % {"total": number(found.total), "noun": name},
            "console_panel_empty": _("No run has worked on this %(noun)s yet.") % {"noun": name},
            **self.operation_buttons(request, obj),
        }
