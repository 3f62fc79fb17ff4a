"""The delete page of a held object: why not yet, and the three ways on: wait, cancel the run, move it to the trash."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic, sleep
from typing import Any

from django.contrib import messages
from django.contrib.admin.options import TO_FIELD_VAR
from django.contrib.admin.utils import unquote
from django.db import router, transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.admin.banner import banner
from console.admin.links import list_url, object_url
from console.admin.locked import LockedPart
from console.admin.log import log_verb
from console.admin.protected import held_among
from console.admin.sight import in_words, sight
from console.admin.watching import watch, will_tell
from console.admin.words import noun
from console.engine import control
from console.engine.holds import checked_batch, write_trash
from console.engine.progress import progress_of
from console.engine.verbs import is_permitted
from console.exceptions import ObjectBusy, ObjectHeld, VerbNotLawful
from console.models import Run, Target
from console.operations import operations_of
from console.operations.registry import known_operation
from console.reports.words import counted, number
from console.states import Verb

CANCEL_RUN, TRASH, TELL = "_cancel_run", "_trash", "_tell"
PATIENCE, LOOK_EVERY = 3.0, 0.1
LISTED = 10


class DeletionPart(LockedPart):
    """The part of `OperationsMixin` that deletes one object, or says why not yet.

    Attributes:
        trash: The field that marks an object as trashed, such as ``"trashed_at"``; empty where there is no trash.
    """

    trash: str = ""

    @transaction.non_atomic_requests
    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """Delete the object; a held one stays, and the page says by whom and which ways lead on.

        It opens its transactions itself: a cancelled run must be committed before the deletion begins.
        """
        obj = self._named(request, object_id)
        if obj is None or not self.has_delete_permission(request, obj):
            return super().delete_view(request, object_id, extra_context)
        targets = self.holders_of(request, obj)
        if request.method == "POST" and TRASH in request.POST and self._trash_field():
            return self._move_to_trash(request, obj)
        if targets and request.method == "POST" and CANCEL_RUN in request.POST:
            return self._cancel_and_delete(request, obj, targets, object_id, extra_context)
        if targets and request.method == "POST" and TELL in request.POST:
            watch(request, [target.run for target in targets])
            return HttpResponseRedirect(request.get_full_path())
        if targets:
            return self._not_yet(request, obj, targets)
        return self._delete(request, obj, object_id, extra_context)

    def _named(self, request: HttpRequest, object_id: str) -> Any:
        """Return the object that the address names, by the field that a popup may ask for; None where there is none."""
        to_field = request.POST.get(TO_FIELD_VAR, request.GET.get(TO_FIELD_VAR))
        if to_field and not self.to_field_allowed(request, to_field):
            return None  # Django says so
        return self.get_object(request, unquote(object_id), to_field)

    def _delete(
        self, request: HttpRequest, obj: Model, object_id: str, extra_context: dict[str, Any] | None
    ) -> HttpResponseBase:
        try:
            return super().delete_view(request, object_id, extra_context)
        except (ObjectHeld, ObjectBusy) as met:
            messages.error(request, in_words(met, sight(request, self.admin_site)))
        request.__dict__.pop("console_holders", None)
        if targets := self.holders_of(request, obj):
            return self._not_yet(request, obj, targets)
        return HttpResponseRedirect(request.get_full_path())

    def _cancel_and_delete(
        self,
        request: HttpRequest,
        obj: Model,
        targets: Sequence[Target],
        object_id: str,
        extra_context: dict[str, Any] | None,
    ) -> HttpResponseBase:
        """Cancel each run that holds the object, each in its own transaction; delete once all have stopped."""
        refusal = self._may_not_cancel_and_delete(request, obj, targets)
        if refusal:
            messages.error(request, refusal)
            return self._not_yet(request, obj, targets)
        for target in targets:
            _cancel(request, target.run)
        stopping = _still_active([target.run_id for target in targets])
        if stopping:
            text = _(
                "Run %(run)d is stopping. The %(noun)s is not deleted yet: press Delete again when the lock is gone."
            )
            messages.warning(request, text % {"run": stopping[0], "noun": noun(obj)})
            return HttpResponseRedirect(object_url(self.admin_site, obj))
        request.__dict__.pop("console_holders", None)
        return self._delete(request, obj, object_id, extra_context)

    def _may_not_cancel_and_delete(self, request: HttpRequest, obj: Model, targets: Sequence[Target]) -> str:
        """Return why nothing is cancelled; empty where all that follows is possible and permitted."""
        shown = set(request.POST.getlist(CANCEL_RUN))
        if not {str(target.run_id) for target in targets} <= shown:
            return _("Nothing was cancelled. Another run has locked this %(noun)s meanwhile.") % {"noun": noun(obj)}
        why = self._cannot_follow(request, obj, targets)
        return _("Nothing was cancelled. %(why)s The run goes on.") % {"why": why} if why else ""

    def _cannot_follow(self, request: HttpRequest, obj: Model, targets: Sequence[Target]) -> str:
        """Return what stands in the way of the deletion that would follow a cancel, or of the cancel itself."""
        if not all(is_permitted(target.run, Verb.CANCEL, request.user) for target in targets):
            return _("This needs the permission “Can cancel run”.")
        _objects, _count, lacking, protected = super().get_deleted_objects([obj], request)
        if lacking:
            return _("You may not delete what would go too: %(names)s.") % {"names": _listed(sorted(map(str, lacking)))}
        if protected:
            return _("It cannot be deleted while others refer to it: %(names)s.") % {"names": _listed(protected)}
        if others := held_among(request, [obj], self.admin_site, without=obj):
            return _("What would go too is held as well: %(names)s.") % {"names": _listed(others)}
        return ""

    def _move_to_trash(self, request: HttpRequest, obj: Model) -> HttpResponseBase:
        try:
            write_trash(obj, self._trash_field(), timezone.now())
        except (ObjectHeld, ObjectBusy) as met:
            messages.error(request, str(met))
            return HttpResponseRedirect(request.get_full_path())
        self.log_change(request, obj, [{"changed": {"fields": [self._trash_field()]}}])
        messages.success(request, _("The %(noun)s “%(object)s” is in the trash.") % {"noun": noun(obj), "object": obj})
        return HttpResponseRedirect(list_url(self.admin_site, self.model))

    def _not_yet(self, request: HttpRequest, obj: Model, targets: Sequence[Target]) -> TemplateResponse:
        request.current_app = self.admin_site.name
        runs = list({target.run_id: target.run for target in targets}.values())
        return TemplateResponse(
            request,
            "console/delete_held.html",
            {
                **self.admin_site.each_context(request),
                "title": _("This %(noun)s cannot be deleted yet") % {"noun": self.opts.verbose_name},
                "opts": self.opts,
                "object": obj,
                "media": self.media,
                "noun": noun(obj),
                "console_banner": banner(request, self.admin_site, obj, targets),
                "console_again": _("Go on to delete"),
                "will_tell": will_tell(request, runs),
                "runs": _told(runs, obj),
                "cancel_and_delete": ngettext(
                    "Cancel run %(runs)s and delete this %(noun)s",
                    "Cancel runs %(runs)s and delete this %(noun)s",
                    len(runs),
                )
                % {"runs": ", ".join(str(run.pk) for run in runs), "noun": noun(obj)},
                "cannot_follow": self._cannot_follow(request, obj, targets),
                "offers_trash": self._offers_trash(obj, targets),
                "back": object_url(self.admin_site, obj),
            },
        )

    def _offers_trash(self, obj: Model, targets: Sequence[Target]) -> bool:
        """Tell whether the object can be moved to the trash: it is not there, and every run that holds it allows it."""
        field = self._trash_field()
        return bool(field) and not getattr(obj, field) and _frees(targets, field)

    def _trash_field(self) -> str:
        declared = (getattr(operation, "trash", "") for operation in operations_of(self.model))
        return self.trash or next((field for field in declared if field), "")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what would go, with held objects, cascaded ones too, as protected, each with its reason."""
        to_delete, model_count, perms_needed, protected = super().get_deleted_objects(objs, request)
        return to_delete, model_count, perms_needed, [*protected, *held_among(request, objs, self.admin_site)]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete the object, locked and checked."""
        with transaction.atomic(using=router.db_for_write(self.model)), checked_batch([obj]):
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete the objects, locked and checked all at once, or none of them."""
        with transaction.atomic(using=router.db_for_write(self.model)), checked_batch(list(queryset)):
            super().delete_queryset(request, queryset)


def _told(runs: list[Run], obj: Model) -> list[dict[str, Any]]:
    """Return what cancelling each run would mean: for what, and how much of that is done and stays."""
    progress = progress_of(runs)
    return [{"pk": run.pk, "consequence": _consequence(run, obj, progress[run.pk].done)} for run in runs]


def _consequence(run: Run, obj: Model, done: int) -> str:
    objects = run.targets.count()
    what = (
        _("Cancels run %(run)d, which works on this %(noun)s alone.")
        if objects == 1
        else _("Cancels run %(run)d for all %(what)s.")
    )
    cancels = what % {"run": run.pk, "noun": noun(obj), "what": counted(run, objects)}
    stays = ngettext("%(done)s is done and stays as it is.", "%(done)s are done and stay as they are.", done)
    if objects != run.total:  # such as copies
        stays = ngettext("%(done)s item is done and stays.", "%(done)s items are done and stay.", done)
    return f"{cancels} {stays % {'done': number(done)}}" if done else cancels


def _listed(names: Sequence[Any]) -> str:
    return get_text_list([strip_tags(str(name)) for name in names[:LISTED]], _("and"))


def _cancel(request: HttpRequest, run: Run) -> None:
    reason = _("to delete an object of it")
    try:
        control.cancel(run.pk, by=request.user, reason=reason)
    except VerbNotLawful:
        return  # it has ended, or is being cancelled: just what is wanted
    log_verb(request, run, Verb.CANCEL, reason)


def _still_active(run_ids: list[int]) -> list[int]:
    """Wait a little for the runs to stop, no transaction open; return those that have not."""
    deadline = monotonic() + PATIENCE
    while stopping := [run.pk for run in Run.objects.filter(pk__in=run_ids).order_by("pk") if run.is_active]:
        if monotonic() > deadline:
            break
        sleep(LOOK_EVERY)
    return stopping


def _frees(targets: Sequence[Target], field: str) -> bool:
    """Tell whether every run that holds the object has declared the trash mark free."""
    return all(
        (operation := known_operation(target.run.operation)) is not None and field in operation.free_fields
        for target in targets
    )
