"""Chips, progress bars, the header's indicator, and the words of reports, for templates: ``{% load console %}``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import template
from django.contrib.admin import site as default_site
from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import Model
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from console.admin import dashboard
from console.admin.sight import sight_anywhere, site_of
from console.engine.progress import progress as progress_of_run
from console.models import Attempt, Failure
from console.monitoring.findings import Finding, Severity
from console.reports import words
from console.reports.attention import counts, counts_in_words
from console.reports.chips import Chip
from console.reports.failures import values
from console.reports.history import act_words, event_words
from console.reports.marks import chip_mark, chip_marks, hold_mark, progress_mark, time_mark
from console.reports.paging import LIMIT
from console.reports.visibility import VIEW_RUN

if TYPE_CHECKING:
    from console.engine.progress import Progress
    from console.models import Run

register = template.Library()
register.filter("console_number", words.number)
register.filter("console_at_most", words.at_most)
register.filter("console_person", words.person)
register.filter("console_shortened", words.shortened)
register.filter("console_event", event_words)
register.filter("console_act", act_words)


@register.filter
def console_about(seconds: int | None) -> str:
    """Return the time that is left, or nothing while nobody knows."""
    return "" if seconds is None else words.about(seconds)


@register.simple_tag
def console_chip(run: Run, progress: Progress | None = None) -> SafeString:
    """Return the chips of `run`: its state first; with `progress` also that its worker is silent."""
    return chip_marks(run, progress)


@register.simple_tag
def console_hold(hold: str) -> SafeString:
    """Return the padlock chip of a hold (“Locked”, “In use”), or nothing."""
    return hold_mark(hold)


@register.simple_tag
def console_progress(run: Run, progress: Progress | None = None) -> SafeString:
    """Return the progress bar of `run` and its numbers; give `progress` in lists, or two queries a run follow."""
    return progress_mark(run, progress or progress_of_run(run))


@register.simple_tag
def console_time(moment: datetime | None) -> SafeString:
    """Return a moment as “14:02 (12 min ago)”, the full date and zone in its title."""
    return time_mark(moment)


@register.simple_tag
def console_took(attempt: Attempt) -> str:
    """Return how long an attempt took; nothing while it works."""
    return words.span((attempt.ended_at - attempt.started_at).total_seconds()) if attempt.ended_at else ""


@register.filter
def console_seconds(seconds: float | None) -> str:
    """Return a length of time in words; a dash where nobody knows."""
    return "–" if seconds is None else words.span(seconds)


@register.filter
def console_finding_shape(finding: Finding) -> SafeString:
    """Return the chip of how urgent a finding is."""
    shape = {Severity.URGENT: "failed", Severity.SOON: "partly", Severity.NOTE: "queued"}[finding.severity]
    return chip_mark(Chip(shape, finding.severity.label, finding.consequence))


@register.simple_tag
def console_span(took: timedelta | None) -> str:
    """Return how long something took; nothing where nobody knows."""
    return words.span(took.total_seconds()) if took is not None else ""


@register.simple_tag
def console_parts(failure: Failure) -> str:
    """Return which parts of the object the failure counts: “(part 3)”, “(parts 3–10)”."""
    first, last = failure.part + 1, failure.part + failure.items
    if first == last:
        return _("(part %(first)s)") % {"first": words.number(first)}
    return _("(parts %(first)s–%(last)s)") % {"first": words.number(first), "last": words.number(last)}


@register.simple_tag
def console_values(failure: Failure) -> list[tuple[str, str]]:
    """Return the values of the item that failed, as (name, value)."""
    return values(failure)


@register.simple_tag(takes_context=True)
def console_object(context: template.Context, run: Run, failure: Failure) -> SafeString:
    """Return the object of a failure: a link to it, or its name where it is gone or not in the admin."""
    name = failure.object_label or failure.object_id
    if failure.kind == Failure.Kind.GONE:
        return format_html("<bdi>{}</bdi> ({})", words.shortened(name), _("deleted"))
    address = _object_address(context, run, failure.object_id)
    if not address:
        return format_html("<bdi>{}</bdi>", words.shortened(name))
    return format_html('<a href="{}" title="{}"><bdi>{}</bdi></a>', address, name, words.shortened(name))


@register.simple_tag(takes_context=True)
def console_result(context: template.Context, attempt: Attempt, result: Model | None) -> SafeString:
    """Return an attempt's Celery task: a link to its stored result, or a word that it is gone."""
    if result is None:
        return format_html("<code>{}</code> ({})", attempt.task_id, _("result already cleaned up"))
    address = _address(context, f"{result._meta.app_label}_{result._meta.model_name}_change", result.pk)
    status = getattr(result, "status", "")
    if not address:
        return format_html("<code>{}</code> {}", attempt.task_id, status)
    return format_html('<a href="{}"><code>{}</code></a> {}', address, attempt.task_id, status)


@register.simple_tag(takes_context=True)
def console_pages(context: template.Context, changes: Any) -> SafeString:
    """Return the foot of a list without an exact count: “Newer Older 1–100 of more than 10,000 runs”."""
    links = []
    if changes.page_num > 1:
        links.append((changes.get_query_string({PAGE_VAR: changes.page_num - 1}), _("Newer")))
    if changes.has_older:
        links.append((changes.get_query_string({PAGE_VAR: changes.page_num + 1}), _("Older")))
    first = (changes.page_num - 1) * changes.list_per_page + 1
    total = _("more than %(count)s") if changes.is_capped else _("%(count)s")
    shown = _("%(first)s–%(last)s of %(total)s %(noun)s") % {
        "first": words.number(first),
        "last": words.number(first + len(changes.result_list) - 1),
        "total": total % {"count": words.number(min(changes.result_count, LIMIT))},
        "noun": changes.opts.verbose_name_plural if changes.result_count != 1 else changes.opts.verbose_name,
    }
    return format_html("{} {}", format_html_join(" ", '<a href="{}">{}</a>', links), shown)


@register.simple_tag(takes_context=True)
def console_assets(context: template.Context) -> SafeString:
    """Return the links to the console's one style sheet and one script, the first time it is asked in a request."""
    if not _first(context, "assets"):
        return SafeString("")
    settings = {"now": timezone.now().isoformat(), **words.patterns_of_ago()}
    return format_html(
        '<link rel="stylesheet" href="{}"><script src="{}"{} defer></script>',
        static("console/console.css"),
        static("console/console.js"),
        format_html_join("", ' data-{}="{}"', settings.items()),
    )


@register.inclusion_tag("console/indicator.html", takes_context=True)
def console_indicator(context: template.Context) -> dict[str, Any]:
    """Draw the header's indicator: what runs, what needs attention. Once a request, and only for staff who may see runs."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if (
        request is None
        or user is None
        or not user.is_staff
        or context.get("is_popup")
        or not _first(context, "indicator")
    ):
        return {"shown": False}
    address = _address(context, "console_run_changelist")
    if not address:
        return {"shown": False}
    seen = sight_anywhere(request)
    if not user.has_perm(VIEW_RUN) and not seen.viewable_types():
        return {"shown": False}
    active, needing = counts(seen.runs(), user)
    return {
        "shown": True,
        "address": address,
        "summary": f"{address}summary/",
        "active": active,
        "attention": needing,
        "label": counts_in_words(active, needing),
        "now": timezone.now().isoformat(),
    }


@register.inclusion_tag("console/board.html", takes_context=True)
def console_board(context: template.Context) -> dict[str, Any]:
    """Draw the dashboard; every part of it is drawn anew every few seconds."""
    request = context["request"]
    return {"request": request, **dashboard.shown(request, site_of(request) or default_site)}


@register.inclusion_tag("console/summary.html", takes_context=True)
def console_summary(context: template.Context) -> dict[str, Any]:
    """Draw the console's part of the admin's index: the first sentence, what is urgent, and one's own latest runs."""
    request = context["request"]
    return {"request": request, **dashboard.summary(request, site_of(request) or default_site)}


def _first(context: template.Context, name: str) -> bool:
    request = context.get("request")
    if request is None:
        return True
    drawn: set[str] = request.__dict__.setdefault("_console_drawn", set())
    if name in drawn:
        return False
    drawn.add(name)
    return True


def _object_address(context: template.Context, run: Run, key: str) -> str:
    model = run.content_type.model_class() if run.content_type else None
    if model is None or not key:
        return ""
    if sight_anywhere(context["request"]).view(model) is None:
        return ""
    return _address(context, f"{model._meta.app_label}_{model._meta.model_name}_change", quote(key))


def _address(context: template.Context, name: str, *args: object) -> str:
    """Return an address on the admin site that draws the page; empty where the site has no such page."""
    site = getattr(context.get("request"), "current_app", None)
    try:
        return reverse(f"admin:{name}", args=args, current_app=site)
    except NoReverseMatch:
        return ""
