"""Whose runs a person may see: those of models they may view, those they asked for, and with the permission all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q, QuerySet

from console.models import Run

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser, AnonymousUser

VIEW_RUN = "console.view_run"


def visible_to(user: AbstractUser | AnonymousUser) -> QuerySet[Run]:
    """Return the runs that `user` may see."""
    runs = Run.objects.all()
    if user.is_superuser:
        return runs
    seen = Q(asked_by=user.pk) | Q(content_type__in=viewable_types(user))
    return runs.filter(seen | Q(content_type=None)) if user.has_perm(VIEW_RUN) else runs.filter(seen)


def missing_permission(user: AbstractUser | AnonymousUser, run: Run) -> str | None:
    """Return the permission that `user` lacks to see `run`, or None if nothing is lacking."""
    if user.pk is not None and run.asked_by_id == user.pk:
        return None
    model = run.content_type.model_class() if run.content_type else None
    if model is None:
        return None if user.has_perm(VIEW_RUN) else VIEW_RUN
    return None if _may_view(user, model) else _codename("view", model)


def viewable_types(user: AbstractUser | AnonymousUser) -> list[int]:
    """Return the content types of the models whose objects `user` may view."""
    models = [model for model in apps.get_models() if _may_view(user, model)]
    return [content_type.pk for content_type in ContentType.objects.get_for_models(*models).values()]


def _may_view(user: AbstractUser | AnonymousUser, model: type[Model]) -> bool:
    return user.has_perm(_codename("view", model)) or user.has_perm(_codename("change", model))


def _codename(act: str, model: type[Model]) -> str:
    return f"{model._meta.app_label}.{act}_{model._meta.model_name}"
