"""The objects of a run on its page: a hundred at a time, and the search among them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from console.admin.access import whole_number
from console.admin.links import object_url
from console.admin.run_search import keys_of, searched
from console.admin.sight import sight
from console.models import Run
from console.reports import objects
from console.reports.visibility import model_of
from console.states import Verb

AFTER, SEARCH = "objects", "object"  # of the page's address


def objects_part(request: HttpRequest, site: AdminSite, run: Run, verbs: list[Verb]) -> dict[str, Any]:
    """Return what the page shows of the run's objects."""
    after, term = whole_number(request.GET.get(AFTER)), request.GET.get(SEARCH, "").strip()
    targets = run.targets.filter(_matches(request, site, run, term)) if term else run.targets.all()
    page = objects.page(run, targets, after, sight(request, site))
    kept = {SEARCH: term} if term else {}
    return {
        "objects": [(row, object_url(site, row.obj) if row.obj else "") for row in page.rows],
        "objects_hidden": 0 if term else page.hidden,  # or a search would tell of what is hidden
        "objects_term": term,
        "objects_search": bool(term or after or page.following),
        "objects_first": f"?{urlencode(kept)}" if after else "",
        "objects_next": f"?{urlencode({**kept, AFTER: page.following})}" if page.following else "",
        "may_withdraw": Verb.WITHDRAW in verbs,
    }


def _matches(request: HttpRequest, site: AdminSite, run: Run, term: str) -> Q:
    """Return the condition: the object's key, what its list's own search finds, or the name that its failure kept."""
    failures = sight(request, site).failures().filter(target=OuterRef("pk"), object_label__icontains=term)
    found = Q(object_id=term) | Q(Exists(failures))
    by_name = _by_name(request, site, run, term)
    return found if by_name is None else found | Q(object_id__in=by_name)


def _by_name(request: HttpRequest, site: AdminSite, run: Run, term: str) -> QuerySet[Any, Any] | None:
    """Return the keys, as targets keep them, of what the list of the model finds; None where it has no search."""
    model = model_of(run)
    found = searched(site, request, model, term) if model else None
    return None if found is None else keys_of(found)
