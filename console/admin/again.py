"""“Run again…”: the confirmation page with the objects and the parameters of an earlier run."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.admin.access import NotWhole, RunModelAdmin, explained, only, open_run
from console.admin.actions import may_start
from console.admin.confirmation import Confirmation
from console.admin.links import run_url
from console.admin.refusals import refuse_start
from console.admin.selection import chosen_of_run
from console.admin.sight import sight
from console.admin.start_page import StartPage
from console.engine.acceptance import check_may_start
from console.exceptions import ConsoleError, NotPermitted
from console.models import Run
from console.operations import BaseOperation, known_operation
from console.operations.registry import get_operation
from console.reports.sentences import no_longer_known
from console.reports.words import number


@explained
@only("GET", "POST")
def view(model_admin: RunModelAdmin, request: HttpRequest, run_id: int) -> HttpResponseBase:
    """Show the confirmation page of the run's operation with its objects and parameters, or start it."""
    site = model_admin.admin_site
    run = open_run(request, site, run_id)
    back = run_url(site, run.pk)
    try:
        page = _page(site, request, run, back)
    except NotWhole:
        raise
    except NotPermitted as error:
        return refuse_start(request, site, error, back=back)
    except ConsoleError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(back)
    page.given, page.repeat_of = _parameters(run, page.operation), run
    return page.respond()


def may_run_again(site: AdminSite, request: HttpRequest, run: Run) -> bool:
    """Tell whether this person can run the same again on this site."""
    operation = known_operation(run.operation)
    if operation is None or operation.reads_rows or not may_start(request, operation):
        return False
    if operation.selection is None or operation.model is None:
        return True
    return site.is_registered(operation.model) and sight(request, site).sees_whole(run)


def _page(site: AdminSite, request: HttpRequest, run: Run, back: str) -> StartPage:
    """Return the page.

    Raises:
        ConsoleError: It cannot be run again, or not by this person.
    """
    if reason := no_longer_known(run):
        raise ConsoleError(reason)
    operation = get_operation(run.operation)
    check_may_start(operation, request.user)
    if operation.reads_rows:
        raise ConsoleError(
            _("An import is run again by uploading its file, or by changing its columns. Nothing was started.")
        )
    if operation.selection is None or operation.model is None:
        page = StartPage(site, request, operation, back)
        page.note = _("With the parameters of run %(run)s.") % {"run": run.pk}
        return page
    if not may_run_again(site, request, run):
        raise NotWhole(run)
    return _page_on_objects(site, request, run, operation, back)


def _page_on_objects(
    site: AdminSite, request: HttpRequest, run: Run, operation: type[BaseOperation], back: str
) -> StartPage:
    assert operation.model is not None
    model_admin = site.get_model_admin(operation.model)
    chosen = chosen_of_run(model_admin, request, run, back)
    page = Confirmation(model_admin, request, operation, chosen)
    page.note = _("With the objects and the parameters of run %(run)s.") % {"run": run.pk}
    gone = 0 if run.preparing else run.targets.values("object_id").distinct().count() - chosen.count
    if gone > 0:
        told = ngettext("%(count)s of them no longer exists.", "%(count)s of them no longer exist.", gone)
        page.note += " " + told % {"count": number(gone)}
    return page


def _parameters(run: Run, operation: type[BaseOperation]) -> dict[str, Any]:
    """Return the run's parameters as the form shows them; secrets are typed anew."""
    fields = operation.form.base_fields if operation.form else {}
    unticked = {name: False for name, field in fields.items() if isinstance(field, forms.BooleanField)}
    return {**unticked, **{name: value for name, value in run.params.items() if name not in operation.secret_params}}
