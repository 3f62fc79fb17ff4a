"""Addresses of the pages that others link to."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from console.reports.samples import Sample


def object_url(site: AdminSite, obj: Model, page: str = "change") -> str:
    """Return the address of a page of `obj`; empty where its model is not in the admin."""
    name = f"{site.name}:{obj._meta.app_label}_{obj._meta.model_name}_{page}"
    return _reverse(name, quote(str(obj.pk)))


def operation_url(site: AdminSite, obj: Model, operation: str) -> str:
    """Return the address that starts `operation` on `obj`."""
    return _reverse(
        f"{site.name}:{obj._meta.app_label}_{obj._meta.model_name}_operation", quote(str(obj.pk)), operation
    )


def with_addresses(site: AdminSite, samples: Iterable[Sample]) -> list[tuple[Sample, str]]:
    """Return each result with the address of the object it made; empty where there is none to go to."""
    return [(sample, object_url(site, sample.obj) if sample.obj else "") for sample in samples]


def export_url(site: AdminSite, model: type[Model], operation: str) -> str:
    """Return the address of an export of all that a model's change list shows."""
    return _reverse(f"{site.name}:{model._meta.app_label}_{model._meta.model_name}_console_export", operation)


def with_query(address: str, request: HttpRequest) -> str:
    """Return `address` with the filters of the list that the request is for."""
    query = request.META.get("QUERY_STRING", "")
    return f"{address}?{query}" if query else address


def list_url(site: AdminSite, model: type[Model]) -> str:
    """Return the address of a model's change list."""
    return _reverse(f"{site.name}:{model._meta.app_label}_{model._meta.model_name}_changelist")


def runs_url(site: AdminSite, **asked: str) -> str:
    """Return the address of the list of runs, filtered or searched; empty on a site without runs."""
    address = _reverse(f"{site.name}:console_run_changelist")
    return f"{address}?{urlencode(asked)}" if address and asked else address


def summary_url(site: AdminSite) -> str:
    """Return the address that tells the progress of runs named to it; empty on a site without runs."""
    return _reverse(f"{site.name}:console_run_summary")


def start_url(site: AdminSite, operation: str) -> str:
    """Return the address that starts an operation without objects; empty on a site without runs."""
    return _reverse(f"{site.name}:console_run_start_operation", operation)


def import_url(site: AdminSite, model: type[Model], operation: str) -> str:
    """Return the address at which an import of `model` begins; empty on a site where it cannot."""
    return _reverse(f"{site.name}:{model._meta.app_label}_{model._meta.model_name}_console_import", operation)


def columns_url(site: AdminSite, model: type[Model], operation: str, file_id: int) -> str:
    """Return the address of the columns of an uploaded file; empty on a site where it cannot be imported."""
    return _reverse(f"{site.name}:{model._meta.app_label}_{model._meta.model_name}_console_columns", operation, file_id)


def run_url(site: AdminSite, run_id: int, page: str = "change") -> str:
    """Return the address of a run's page, or of one of its verbs; empty on a site without runs."""
    if page == "change":
        return _reverse(f"{site.name}:console_run_change", run_id)
    base = run_url(site, run_id)
    return f"{base.removesuffix('change/')}{page}/" if base else ""


def schedule_url(site: AdminSite, task_id: int) -> str:
    """Return the address of a schedule's page; empty on a site without schedules."""
    return _reverse(f"{site.name}:django_celery_beat_periodictask_change", task_id)


def new_schedule_url(site: AdminSite, model: type[Model], query: str) -> str:
    """Return the address at which a schedule for what a list shows begins; empty on a site without schedules."""
    address = _reverse(f"{site.name}:django_celery_beat_periodictask_add")
    return f"{address}?{urlencode({'model': model._meta.label_lower, 'filter': query})}" if address else ""


def _reverse(name: str, *args: object) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
