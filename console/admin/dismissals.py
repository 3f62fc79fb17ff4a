"""“Mark as dealt with”: a run that failed no longer counts among those that need this person."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.admin.access import RunModelAdmin, explained, only, open_run
from console.admin.links import run_url
from console.admin.refusals import wants_json
from console.admin.sight import sight
from console.models import Run
from console.reports.attention import counts, dismiss
from console.reports.words import number


@explained
@only("POST")
def one(model_admin: RunModelAdmin, request: HttpRequest, run_id: int) -> HttpResponseBase:
    """Note that the person has dealt with the run, and lead back to it."""
    site = model_admin.admin_site
    run = open_run(request, site, run_id)
    count = dismiss(Run.objects.filter(pk=run.pk), request.user)
    if wants_json(request):
        _active, attention = counts(sight(request, site).runs(), request.user)
        return JsonResponse({"id": run.pk, "attention": attention})
    messages.add_message(request, *_answer(count))
    return HttpResponseRedirect(run_url(site, run.pk))


def many(model_admin: RunModelAdmin, request: HttpRequest, queryset: QuerySet[Run]) -> None:
    """Note that the person has dealt with the runs selected in the list."""
    messages.add_message(request, *_answer(dismiss(queryset, request.user)))


def _answer(count: int) -> tuple[int, str]:
    if not count:
        return messages.WARNING, _("Nothing was marked: no run of these needs your attention.")
    told = ngettext(
        "%(count)s run is marked as dealt with; it no longer counts among those that need you. For others it still does.",
        "%(count)s runs are marked as dealt with; they no longer count among those that need you. For others they still do.",
        count,
    )
    return messages.SUCCESS, told % {"count": number(count)}
