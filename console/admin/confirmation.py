"""The page that starts an operation on objects: what will happen, to what, and what stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from console.admin import keys
from console.admin.conflicts import SHOWN, held_rows
from console.admin.consequences import consequences
from console.admin.links import object_url
from console.admin.obstacles import all_vanished, obstacle, vanished
from console.admin.one_by_one import closed
from console.admin.refusals import refuse
from console.admin.start_page import StartPage
from console.admin.words import act, counted
from console.engine.acceptance import Acceptance
from console.engine.clashes import Clashes, clashes
from console.engine.holds import held
from console.engine.selection import Selection
from console.engine.sizes import prepare_above
from console.exceptions import ConsoleError, CountNotTyped, EmptySelection, SelectionChanged
from console.operations import BaseOperation, Hold
from console.reports.estimates import preparing
from console.reports.verb_forms import must_type
from console.reports.words import number

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    from console.admin.selection import Chosen

LISTED = 10
DRY_RUN_FIRST_ABOVE = 1000


class Confirmation(StartPage):
    """The confirmation page of one operation on what was chosen."""

    def __init__(
        self, model_admin: ModelAdmin[Any], request: HttpRequest, operation: type[BaseOperation], chosen: Chosen
    ) -> None:
        super().__init__(model_admin.admin_site, request, operation, chosen.back)
        self.model_admin, self.chosen = model_admin, chosen
        self.model, self.opts = model_admin.model, model_admin.model._meta

    def respond(self) -> HttpResponseBase:
        """Return the page, or start the run and lead to it; what is gone by now is told first."""
        if not self.chosen.count:
            return self._all_vanished()
        if told := closed(self.model_admin, self.request, self.operation, self.chosen):
            return refuse(self.request, self.site, told, back=self.back)
        if keys.KEY in self.request.POST:
            return self._start()
        return self._page(error=self._vanished())

    def _refused(self, error: ConsoleError) -> HttpResponseBase:
        return self._all_vanished() if isinstance(error, EmptySelection) else super()._refused(error)

    def _obstacle(self, error: ConsoleError) -> str:
        return obstacle(error, self.model, self.chosen.count)

    def _accept(self, key: str, selection: Selection | None = None, confirmed: int | None = None) -> Acceptance:
        seen = self._seen  # read in any case: a forged one starts nothing
        binding = seen if self._must_not_change else None
        if binding is not None and binding != self.chosen.count:
            raise SelectionChanged(binding, self.chosen.count)
        free = self._free_now() if self._is_dry_run and self._leaves_held_out else self.chosen.selection
        return super()._accept(key, free, binding)

    @cached_property
    def _seen(self) -> int | None:
        """How many objects the posted page showed."""
        return keys.read_count(self.request)

    @property
    def _must_not_change(self) -> bool:
        """Whether more objects than were seen must not be touched unasked: where they are changed or deleted."""
        return self.chosen.across and (self.operation.deletes or self.operation.hold == Hold.EXCLUSIVE)

    def _free_now(self) -> Selection:
        """Return the selection without what other runs hold: a dry run takes no holds, so it meets none either."""
        if self._prepares:
            return self.chosen.selection
        taken = held(self.model).filter(object_id__in=self.chosen.selection.keys()).values_list("object_id", flat=True)
        free = self.chosen.selection.queryset().exclude(pk__in=list(taken))
        return Selection.of_queryset(free)

    def _started(self, acceptance: Acceptance) -> HttpResponseBase:
        response = super()._started(acceptance)
        more = self.chosen.count - self._seen if self.chosen.across and self._seen is not None else 0
        if acceptance.created and more > 0:
            messages.info(
                self.request,
                _("%(now)s, %(more)s more than you saw.") % {"now": self._counted, "more": number(more)},
            )
        return response

    # What stands in the way

    def _refusal(self) -> str:
        return self._vanished() or self._untyped()

    def _all_vanished(self) -> HttpResponseBase:
        messages.error(self.request, all_vanished(self.model))
        return HttpResponseRedirect(self.back)

    def _vanished(self) -> str:
        return vanished(self.model, self.chosen.gone, self.chosen.asked or 0) if self.chosen.gone else ""

    def _untyped(self) -> str:
        if self._is_dry_run or not self._asks_to_type:
            return ""
        wanted = self._others if self._leaves_held_out else self.chosen.count
        return "" if self.request.POST.get(keys.TYPED, "").strip() == str(wanted) else str(CountNotTyped(wanted))

    @cached_property
    def _clashes(self) -> Clashes:
        """The holds in the way now; none where the run collects its objects later, or leaves held ones out."""
        if self._prepares:
            return Clashes(0, [], self.chosen.count)
        return clashes(self.chosen.selection, self.operation.hold)

    @property
    def _others(self) -> int:
        """How many objects are left to work on when those that other runs hold are left out."""
        return self.chosen.count - self._clashes.count

    # What the page shows

    @property
    def _act(self) -> str:
        return act(self.operation, self._counted)

    @property
    def _counted(self) -> str:
        return counted(self.model, self.chosen.count)

    @property
    def _prepares(self) -> bool:
        return self.chosen.count > prepare_above()

    @property
    def _preparing(self) -> str:
        """What a large selection means; empty for others."""
        if not self._prepares:
            return ""
        return preparing(self._counted, self.chosen.count, locks=self.operation.hold != Hold.NONE)

    @property
    def _asks_to_type(self) -> bool:
        return must_type(self.operation, self.chosen.count)

    @property
    def _dry_run_first(self) -> bool:
        changes = self.operation.hold == Hold.EXCLUSIVE and not self.operation.external
        return changes and self._others > DRY_RUN_FIRST_ABOVE

    def _about_objects(self) -> dict[str, Any]:
        first = self.chosen.first(LISTED)
        return {
            **self._hidden(),
            **self._conflicts(),
            "counted": self._counted,
            "noun": str(self.opts.verbose_name) if self.chosen.count == 1 else "",
            "consequences": consequences(self.operation, self.model, self.chosen, self.request.user),
            "objects": [(str(obj), object_url(self.site, obj)) for obj in first],
            "more": self.chosen.count - len(first),
            "dry_run_first": self._dry_run_first,
            "asks_to_type": self._asks_to_type,
            "preparing": self._preparing,
            "asks_about_held": self._prepares and self.operation.hold != Hold.NONE,
            "leaves_held_out": self._leaves_held_out or keys.KEY not in self.request.POST,
        }

    def _hidden(self) -> dict[str, Any]:
        return {
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "selected": self.chosen.keys,
            "across": self.chosen.across,
            "signed_count": keys.sign_count(self.chosen.count),
        }

    def _conflicts(self) -> dict[str, Any]:
        found = self._clashes
        rest = _("the other %(count)s") % {"count": number(self._others)}
        shown = found.targets[:SHOWN]
        return {
            "held_count": found.count,
            "held_rows": held_rows(self.request, self.site, self.model, shown) if found.count else [],
            "held_more": found.count - len({target.object_id for target in shown}),
            "others": self._others,
            "act_others": act(self.operation, rest),
            "rest": rest,
        }
