"""What other programs ask: is the whole ready, is this process alive, and the numbers for Prometheus."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import add_never_cache_headers
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from console.conf import settings
from console.exceptions import MetricsMissing
from console.monitoring import metrics as numbers
from console.monitoring.doctor import missing_migrations
from console.monitoring.findings import Severity
from console.monitoring.watching import listed

# Each part of the whole, and the findings that say that it fails.
PARTS = {
    "broker": {"broker"},
    "workers": {"unserved queue", "unwatched"},
    "scheduler": {"no scheduler", "unwatched"},
    "wake-ups": {"overdue wake-ups"},
}


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 if every part works, else 503 with those named that fail; ``?parts=database`` asks for some alone."""
    parts, urgent = _parts()
    if asked := request.GET.get("parts"):
        parts = {name: works for name, works in parts.items() if name in asked.split(",")}
    failing = sorted(name for name, works in parts.items() if not works)
    answer = {"status": "failing" if failing else "ok", "failing": failing, "parts": parts, "urgent_findings": urgent}
    return _fresh(JsonResponse(answer, status=503 if failing else 200))


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Answer 200: this process takes requests; nothing else is asked."""
    return _fresh(JsonResponse({"status": "ok"}))


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with Prometheus' text; 501 without its library, 403 without the token where one is set, 503 without the database."""
    token = settings.metrics_token
    if token and not constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}"):
        return _text(_("CONSOLE['METRICS_TOKEN'] is set: send it as a bearer token."), 403)
    try:
        text, content_type = numbers.exposition()
    except MetricsMissing as missing:
        return _text(str(missing), 501)
    except DatabaseError:
        return _text(_("The database does not answer."), 503)
    return _fresh(HttpResponse(text, content_type=content_type))


def _parts() -> tuple[dict[str, bool], int]:
    """Return which parts work, and how many findings are urgent; without its tables only what is known."""
    try:
        if missing_migrations():
            return {"database": True, "migrations": False}, 1
        findings = listed()
    except DatabaseError:
        return {"database": False}, 1
    codes = {finding.code for finding in findings}
    found = {name: not codes & troubles for name, troubles in PARTS.items()}
    urgent = sum(finding.severity == Severity.URGENT for finding in findings)
    return {"database": True, "migrations": True, **found}, urgent


def _text(told: str, status: int) -> HttpResponse:
    return _fresh(HttpResponse(f"{told}\n", status=status, content_type="text/plain; charset=utf-8"))


def _fresh(answer: Any) -> HttpResponse:
    add_never_cache_headers(answer)
    response: HttpResponse = answer
    return response
