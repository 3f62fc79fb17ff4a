"""What our forms carry, signed: the key of a page, the count it showed, the last run an object's form knew of."""

from __future__ import annotations

import uuid
from typing import Any

from django.core import signing
from django.db.models import Model
from django.http import HttpRequest

from console.conf import settings
from console.exceptions import FormExpired
from console.operations import BaseOperation

KEY, COUNT, HELD, DRY_RUN, TYPED = "_key", "_count", "_held", "_dry_run", "_typed"
SEEN, SAVE_MINE, OPENED, LOCKED = "_seen", "_save_mine", "_opened", "_locked"


def new_key(request: HttpRequest, operation: type[BaseOperation]) -> str:
    """Return a fresh key for one confirmation page: one run per page shown, for this person and operation alone."""
    return signing.dumps(uuid.uuid4().hex, salt=_page_salt(request, operation))


def read_key(request: HttpRequest, operation: type[BaseOperation]) -> str:
    """Return the key that a posted confirmation page carries.

    Raises:
        FormExpired: It is too old, or not one of ours.
    """
    salt, max_age = _page_salt(request, operation), settings.form_key_max_age
    try:
        return str(signing.loads(request.POST.get(KEY, ""), salt=salt, max_age=max_age))
    except signing.BadSignature:
        raise FormExpired from None


def sign_count(count: int) -> str:
    """Return the number of objects that a page shows, signed."""
    return signing.dumps(count, salt="console.count")


def read_count(request: HttpRequest) -> int | None:
    """Return the number of objects that the posted page showed; None if it carries none.

    Raises:
        FormExpired: It is not one of ours.
    """
    if COUNT not in request.POST:
        return None
    try:
        return int(signing.loads(request.POST[COUNT], salt="console.count"))
    except signing.BadSignature:
        raise FormExpired from None


def sign_seen(model: type[Model], seen: dict[str, int]) -> str:
    """Return the mark of a page that shows objects as they were left: by key, the last target that changed each."""
    return signing.dumps(seen, salt=_seen_salt(model))


def read_seen(model: type[Model], marks: list[str]) -> dict[str, int]:
    """Return what a posted page has seen, of several marks the newest; nothing for a mark that is not one of ours."""
    seen: dict[str, int] = {}
    for mark in marks:
        for key, target in _seen(model, mark).items():
            seen[key] = max(target, seen.get(key, 0))
    return seen


def _seen(model: type[Model], mark: str) -> dict[str, int]:
    try:
        return dict(signing.loads(mark, salt=_seen_salt(model)))
    except signing.BadSignature:
        return {}


def _page_salt(request: HttpRequest, operation: type[BaseOperation]) -> str:
    user: Any = request.user
    return f"console.key:{user.pk}:{operation.name}"


def _seen_salt(model: type[Model]) -> str:
    return f"console.seen:{model._meta.concrete_model._meta.label}"  # type: ignore[union-attr]
